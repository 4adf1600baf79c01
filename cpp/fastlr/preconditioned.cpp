#include "fastlr/preconditioned.hpp"

#include <Eigen/Cholesky>

namespace fastlr {
namespace {

/// L with A + shift I = L L'; the shift begins at `shift` and grows tenfold (from 16 p u mean A_jj)
/// until it is enough.
Matrix shifted_factor(const Matrix& A, double shift, double& reciprocal_condition) {
  const Index l = A.rows();
  const double smallest = 16 * unit_roundoff * A.trace();  // p times the mean of the diagonal
  for (;; shift = std::max(10 * shift, smallest)) {
    Matrix L = A;
    L.diagonal().array() += shift;
    const Eigen::LLT<Eigen::Ref<Matrix>> factor(L);
    if (factor.info() != Eigen::Success) continue;
    reciprocal_condition = l > 0 ? factor.rcond() : 1.0;
    return L.triangularView<Eigen::Lower>();
  }
}

}  // namespace

TriangularBasis first_basis(const MomentsView& moments, bool fit_intercept) {
  const Frame frame = frame_of(moments, fit_intercept, 0.0);
  const Index p = frame.n_features;
  double reciprocal = 0.0;
  Matrix L = shifted_factor(frame.A, 0.0, reciprocal);
  // A factor that hardly succeeded has few right digits in its last columns: shifting makes it safe
  // to use.
  if (reciprocal < 1e-14)
    L = shifted_factor(frame.A, 16 * unit_roundoff * frame.A.trace(), reciprocal);
  TriangularBasis basis{RowMatrix::Zero(p, p), RowMatrix::Zero(p, p),
                        RowMatrix::Zero(frame.n_targets, p), false};
  Matrix inverse = L;
  invert_lower(inverse);
  for (Index i = 0; i < frame.n_live(); ++i)
    for (Index j = i; j < frame.n_live(); ++j) {
      const Index row = frame.live[static_cast<std::size_t>(i)];
      const Index column = frame.live[static_cast<std::size_t>(j)];
      basis.R(row, column) = L(j, i);
      basis.K(row, column) = inverse(j, i);
    }
  return basis;
}

TriangularBasis next_basis(Eigen::Map<const RowMatrix> K, Eigen::Map<const RowMatrix> R,
                           const MomentsView& moments, bool fit_intercept) {
  // Columns of W that do not vary are 0: a diagonal of ones keeps them out of everything.
  const Index p = moments.n_features;
  const Index t = moments.n_targets;
  const auto entry = [&](Index i, Index j) { return moments.product(i, j, fit_intercept); };
  Matrix G(p, p);
  Matrix c(p, t);
  for (Index j = 0; j < p; ++j) {
    const bool dead = R(j, j) == 0.0;
    for (Index i = 0; i < p; ++i)
      G(i, j) = dead || R(i, i) == 0.0 ? (i == j ? 1.0 : 0.0) : entry(i, j);
    for (Index k = 0; k < t; ++k) c(j, k) = dead ? 0.0 : entry(j, p + k);
  }
  double reciprocal = 0.0;
  Matrix L = shifted_factor(G, 0.0, reciprocal);
  TriangularBasis basis;
  basis.is_orthonormal = reciprocal > 1e-10;
  if (!basis.is_orthonormal) L = shifted_factor(G, 16 * unit_roundoff * G.trace(), reciprocal);
  basis.R = L.transpose().triangularView<Eigen::Upper>() * Matrix(R);
  const Matrix z = L.triangularView<Eigen::Lower>().solve(c);
  invert_lower(L);
  basis.K = Matrix(K) * Matrix(L.transpose().triangularView<Eigen::Upper>());
  basis.coef = (basis.K * z).transpose();
  return basis;
}

}  // namespace fastlr
