#include "fastlr/algebra/dual_factor.hpp"

#include <cmath>
#include <limits>

#include "fastlr/algebra/dense.hpp"

namespace fastlr {

DualFactor factor_dual(const double* H, Index n, int n_threads) {
  const Index padded = round_up(n, 8);
  Matrix L = ConstMatrixMap(H, padded, padded).topLeftCorner(n, n).triangularView<Eigen::Lower>();
  const double norm = symmetric_norm(L);
  const double reciprocal = factor_cholesky(L, n_threads) ? reciprocal_condition(L, norm) : 0.0;
  DualFactor out;
  out.condition_number =
      reciprocal > 0.0 ? 1.0 / std::sqrt(reciprocal) : std::numeric_limits<double>::infinity();
  if (!(reciprocal > 0.0)) {
    out.root.resize(n, 0);
    return out;
  }
  invert_lower(L, n_threads);
  out.root = L.transpose().triangularView<Eigen::Upper>();
  return out;
}

}  // namespace fastlr
