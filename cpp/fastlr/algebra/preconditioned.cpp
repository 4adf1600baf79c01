#include "fastlr/algebra/preconditioned.hpp"

#include <utility>

namespace fastlr {
ShiftedFactor shifted_factor(const Matrix& A, double shift, int n_threads) {
  // From 16 p u times the mean of the diagonal, tenfold each time: after `most_shifts` the shift
  // is a multiple of the trace, and A + shift I is positive definite whatever A was. What is not
  // finite has no factor.
  constexpr int most_shifts = 20;
  const Index l = A.rows();
  if (l == 0) return {A, 1.0};
  const double smallest = 16 * unit_roundoff * A.trace();
  if (A.allFinite() && smallest > 0.0) {
    for (int tries = 0; tries < most_shifts; ++tries, shift = std::max(10 * shift, smallest)) {
      Matrix L = A;
      L.diagonal().array() += shift;
      const double norm = symmetric_norm(L);
      if (!factor_cholesky(L, n_threads)) continue;
      L.triangularView<Eigen::StrictlyUpper>().setZero();
      const double reciprocal = reciprocal_condition(L, norm);
      return {std::move(L), reciprocal};
    }
  }
  return {Matrix::Identity(l, l), 0.0};
}

TriangularBasis first_basis(const MomentsView& moments, bool fit_intercept, int n_threads) {
  const ScaledEquations equations = scaled_equations(moments, fit_intercept, nullptr);
  const Index p = equations.n_features;
  ShiftedFactor factor = shifted_factor(equations.A, 0.0, n_threads);
  // A factor that hardly succeeded has few right digits in its last columns: shifting makes it safe
  // to use.
  if (factor.reciprocal_condition < 1e-14)
    factor = shifted_factor(equations.A, 16 * unit_roundoff * equations.A.trace(), n_threads);
  const Matrix& L = factor.L;
  TriangularBasis basis{RowMatrix::Zero(p, p), RowMatrix::Zero(p, p),
                        RowMatrix::Zero(equations.n_targets, p), false};
  Matrix inverse = L;
  invert_lower(inverse, n_threads);
  for (Index i = 0; i < equations.n_varying(); ++i)
    for (Index j = i; j < equations.n_varying(); ++j) {
      const Index row = equations.varying[static_cast<std::size_t>(i)];
      const Index column = equations.varying[static_cast<std::size_t>(j)];
      basis.R(row, column) = L(j, i);
      basis.K(row, column) = inverse(j, i);
    }
  return basis;
}

TriangularBasis next_basis(Eigen::Map<const RowMatrix> K, Eigen::Map<const RowMatrix> R,
                           const MomentsView& moments, bool fit_intercept, int n_threads) {
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
  ShiftedFactor factor = shifted_factor(G, 0.0, n_threads);
  TriangularBasis basis;
  basis.is_orthonormal = factor.reciprocal_condition > 1e-10;
  if (!basis.is_orthonormal) factor = shifted_factor(G, 16 * unit_roundoff * G.trace(), n_threads);
  Matrix& L = factor.L;
  basis.R = multiply_upper(L.transpose(), Matrix(R), n_threads);
  for (Index k = 0; k < t; ++k) L.triangularView<Eigen::Lower>().solveInPlace(c.col(k));
  invert_lower(L, n_threads);
  basis.K = multiply_by_upper(Matrix(K), L.transpose(), n_threads);
  basis.coef.resize(t, p);
  for (Index k = 0; k < t; ++k) basis.coef.row(k) = basis.K * c.col(k);
  return basis;
}

}  // namespace fastlr
