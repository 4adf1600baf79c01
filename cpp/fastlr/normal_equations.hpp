// From moments to coefficients: minimise  sum w (y - a - x'b)^2 + alpha |b|^2,  the intercept a
// free.
//
//   A b = c,   A = centred cross-products of X (+ alpha I),   c = those of X and y,   a = mean y -
//   mean x' b
//
// Without intercept A and c are the raw second moments, recovered from the centred ones.
#pragma once

#include "fastlr/status.hpp"
#include "fastlr/views.hpp"

namespace fastlr {

struct NormalSolution {
  Status status = Status::ok;
  Index rank = 0;
  double condition_number =
      1.0;               // of the centred columns scaled to unit length, estimated from the factor
  RowMatrix coef;        // (n_targets, n_features)
  Vector intercept;      // (n_targets)
  Vector rss;            // sum w r^2 at the solution, without the penalty
  Vector tss;            // sum w (y - mean y)^2, or sum w y^2 without intercept
  Vector length;         // (n_features) lengths of the columns in A: sqrt(A_jj)
  RowMatrix null_space;  // (n_features - rank, n_features): sum_j N_kj x_j / length_j = 0
};

/// Equilibrate by powers of two (exact), Cholesky, condition estimate; if columns depend on one
/// another at the rounding level of A, the eigenvectors of A and the solution of minimum |b| in the
/// user's units. mean: (2, q) unevaluated sum, cross: (q, q), q = n_features + n_targets. Cost p^3
/// / 3 + 2 p^2 t.
NormalSolution solve_normal_equations(Index n_features, Index n_targets, double weight,
                                      const double* mean, const double* cross, bool fit_intercept,
                                      double alpha);

}  // namespace fastlr
