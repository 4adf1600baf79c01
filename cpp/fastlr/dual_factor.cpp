#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <cmath>

#include "fastlr/dual.hpp"
#include "fastlr/frame.hpp"

namespace fastlr {

DualFactor factor_dual(const double* H, Index n, const Vector& null) {
  const Index padded = round_up(n, 8);
  const ConstMatrixMap lower(H, padded, padded);
  Matrix A = lower.topLeftCorner(n, n).triangularView<Eigen::Lower>();
  const double mean_diagonal = A.trace() / static_cast<double>(n);
  DualFactor out;
  if (!(mean_diagonal > 0.0)) {
    out.root.resize(n, 0);
    return out;
  }
  // Along the null vector that the intercept makes, any positive value will do.
  const bool has_null = null.size() == n;
  if (has_null) A.triangularView<Eigen::Lower>() += mean_diagonal * null * null.transpose();
  const Index full = n - (has_null ? 1 : 0);
  Matrix L = A;
  const Eigen::LLT<Eigen::Ref<Matrix>> factor(L);
  const double reciprocal = factor.info() == Eigen::Success ? factor.rcond() : 0.0;
  if (reciprocal > 1e-13) {
    out.rank = full;
    out.condition_number = 1.0 / std::sqrt(reciprocal);
    invert_lower(L);
    out.root = L.transpose().triangularView<Eigen::Upper>();
    return out;
  }
  const Eigen::SelfAdjointEigenSolver<Matrix> eigen(A);
  const Vector& lambda = eigen.eigenvalues();
  const double cutoff = lambda[n - 1] * 8 * unit_roundoff * static_cast<double>(std::max<Index>(n, 8));
  Index n_null = 0;
  while (n_null < n && lambda[n_null] <= cutoff) ++n_null;
  out.rank = full - n_null;
  out.condition_number = std::sqrt(lambda[n - 1] / lambda[std::min(n_null, n - 1)]);
  out.root = eigen.eigenvectors().rightCols(n - n_null) *
             lambda.tail(n - n_null).cwiseSqrt().cwiseInverse().asDiagonal();
  return out;
}

}  // namespace fastlr
