// Where coefficients are not determined: the smallest of those that fit equally well.
#pragma once

#include <vector>

#include "fastlr/algebra/scaled_equations.hpp"
#include "fastlr/matrices.hpp"
#include "fastlr/registers/double_double.hpp"

namespace fastlr {

/// Directions of coefficients along which no prediction changes, in the user's units D b, D =
/// diag(scale), where lengths are measured.
class NullSpace {
 public:
  /// directions: (2, k * p) in scaled columns, an unevaluated sum; those that are zero do not
  /// count.
  NullSpace(Index n_features, RowMatrix directions, const Vector& scale);

  /// b -= N (N'N)^-1 N'b: the point of smallest |D b| among b + span(N). coef: (p) unevaluated sum.
  void take_out(double* coef_hi, double* coef_lo) const;

  /// (p) how far such a point may be off, for errors of the directions, (k, p) in scaled columns.
  Vector error(const RowMatrix& of_directions, const double* coef_hi, const double* coef_lo) const;

 private:
  /// In user's units; where scales differ by more than the range of doubles the smallest are zero.
  double to_user(double b, Index j) const;
  double to_scaled(double b, Index j) const;

  /// Elimination, the largest of the user's coefficients first: where units lie so far apart that
  /// the largest alone would be seen of every direction.
  void separate(RowMatrix& directions);

  void factorise();
  bool is_ill_conditioned() const;
  void orthogonalise();

  /// N'b
  Vector along(const double* coef_hi, const double* coef_lo) const;

  bool is_complete_ = true;  // no direction was left alone
  Index n_features_;
  Vector scale_;
  int top_ = -2000;            // exponent of the largest scale
  std::vector<Index> chosen_;  // directions that are not zero
  Matrix mixing_;              // (k, k) sizes of the shares that given directions have in them
  std::vector<int> exponent_;  // their sizes
  Matrix hi_;                  // (p, k) N, as an unevaluated sum
  Matrix lo_;
  Matrix scaled_hi_;  // (p, k) the same in scaled columns
  Matrix scaled_lo_;
  Matrix R_;       // (k, k) upper triangular, R'R = N'N up to rounding
  Matrix change_;  // (k, k) what N was multiplied by where directions nearly agreed
};

/// Solutions of smallest norm: coef (2, t, p) and intercept (2, t), unevaluated sums, are moved.
/// mean: (2, p + t). Returns what errors of the directions (k, p) do to the coefficients, (t, p).
RowMatrix move_to_minimum_norm(const NullSpace& null_space, const RowMatrix& of_directions,
                               const RowMatrix& mean, bool fit_intercept, Index n_targets,
                               double* coef, double* intercept);

}  // namespace fastlr
