// From moments to coefficients: minimise  sum w (y - a - x'b)^2 + sum_j alpha_j b_j^2,  a free of
// penalty.
//
//   A b = c,   A = centred cross-products of X (+ diag(alpha)),   c = those of X and y
//   a = mean y - mean x' b
//
// Without intercept A and c are the raw second moments, recovered from the centred ones.
#pragma once

#include "fastlr/algebra/independent_columns.hpp"
#include "fastlr/algebra/scaled_equations.hpp"
#include "fastlr/algebra/status.hpp"
#include "fastlr/matrices.hpp"

namespace fastlr {

/// Condition number of A, squared that of the columns, where about four digits are left; up to
/// there sweeps converge with a factor of A.
constexpr double largest_squared_condition = 1e12;

/// Relative error of a coefficient, or error in units of its standard error, that needs no sweep.
constexpr double sufficient_error = 1e-13;

/// Coefficients in scaled columns, and what it takes to improve them and to judge them.
struct ScaledSolution {
  Status status = Status::ok;
  Index rank = 0;
  double condition_number = 1.0;   // of the centred columns scaled to unit length
  double squared_condition = 1.0;  // of A in scaled columns, as Cholesky's factor estimates it
  double unit_inverse_norm =
      0.0;              // of the same columns' A^-1, at least its largest eigenvalue; 0 if
                        // nothing is known
  Vector scale;         // (q) powers of two, 0 for a column that does not vary
  RowMatrix mean;       // (2, q) in scaled columns, an unevaluated sum; 0 without intercept
  RowMatrix root;       // (p, r): K K' is the (pseudo-)inverse of A in scaled columns
  RowMatrix coef;       // (2, t * p) in scaled columns, an unevaluated sum
  RowMatrix intercept;  // (2, t) likewise
  Vector rss;           // (t) sum w r^2 at the solution, without the penalty, in scaled columns
  Vector tss;     // (t) sum w (y - mean y)^2, or sum w y^2 without intercept, in scaled columns
  Vector length;  // (p) lengths of the columns in scaled columns: sqrt(A_jj); 0 if it does not vary
  bool is_lost = false;    // a column varies by less than the rounding of larger sums
  double inflation = 1.0;  // of rounding in A, where moments were taken away from larger ones
  RowMatrix null_space;    // (p - rank, p) unit rows: sum_j N_kj x_j / length_j = 0
  /// (t, p + 1) estimated |error| of coefficients and intercept; empty if not asked.
  RowMatrix error;
  /// (t, p) the same of coefficients, without allowance for products that cancel.
  RowMatrix typical_error;
};

/// Cholesky with condition estimate; if columns depend on one another at the rounding level of A,
/// a pivoted factor and the solution of minimum |b| in the user's units, or with `truncate` false
/// the factor of A + shift I. Cost p^3 (a third each for factor, root and errors) + 2 p^2 t.
/// penalty: (p) alpha_j of the columns as the moments have them; nullptr for none. Without
/// `with_condition` the condition number of few independent columns is left out: NaN.
ScaledSolution solve_normal_equations(const MomentsView& moments, bool fit_intercept,
                                      const double* penalty, bool truncate, bool with_errors,
                                      int n_threads, bool with_condition = true);

/// A solution on columns that are independent by more than `threshold`, 0 for the others.
struct IndependentSolution {
  ScaledSolution solution;
  RowMatrix directions;       // see directions_of()
  std::vector<Index> others;  // the columns that they belong to
};

/// threshold: (p) of squared distances from the columns chosen before, relative to the column's
/// length. Cost p^2 rank + rank^3.
IndependentSolution solve_on_independent_columns(const MomentsView& moments, bool fit_intercept,
                                                 const Vector& threshold, int n_threads);

/// (2, k * p), an unevaluated sum: the directions of coefficients along which columns that were not
/// chosen are replaced by the chosen ones.
RowMatrix directions_of(const ScaledEquations& equations, const ColumnChoice& choice);

/// K over all columns, from its rows of the chosen ones.
RowMatrix root_of(const ScaledEquations& equations, const ColumnChoice& choice);

/// The directions in terms of columns of unit length, then those of columns that do not vary.
RowMatrix null_space_of(const ScaledSolution& solution, const RowMatrix& directions);

/// (q) powers of two from the user's columns to scaled ones.
Vector in_units(const MomentsView& moments, const Vector& scale);

/// intercept = mean y - mean x'b in double-double, for one target.
DoubleDouble intercept_at(const RowMatrix& mean, Index n_features, Index target,
                          const double* coef_hi, const double* coef_lo);

/// (2, t) of all targets. coef: (2, t, p).
RowMatrix intercepts_at(const RowMatrix& mean, Index p, Index n_targets, const double* coef);

}  // namespace fastlr
