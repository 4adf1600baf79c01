// Condition numbers to two digits, by Lanczos' method (Golub and Van Loan 2013, section 10.1) with
// full reorthogonalisation.
#pragma once

#include <functional>

#include "fastlr/algebra/scaled_equations.hpp"
#include "fastlr/matrices.hpp"

namespace fastlr {

/// Above so many columns a condition number is an estimate from Cholesky's factor alone.
constexpr Index largest_exact_condition = 1000;

/// out = S v for a symmetric, positive semidefinite S (n, n).
using Operator = std::function<void(const Vector& v, Vector& out)>;

/// The largest eigenvalue of S, from below, within one per cent: at most 48 products.
double largest_eigenvalue(Index n, const Operator& S);

/// The largest eigenvalues of N = D A D, D_jj = 1 / sqrt(A_jj), and of its inverse.
struct UnitSpectrum {
  double largest;
  double largest_of_inverse;

  /// sqrt of the ratio of N's eigenvalues: the ratio of singular values of columns of unit length.
  double condition_number() const;
};

/// The second of them alone, from below within some ten per cent, from K (n, n) with K K' = A^-1, K upper triangular, and length_j = sqrt(A_jj).
double largest_of_unit_inverse(const RowMatrix& K, const Vector& length);

/// Both, from the same K.
UnitSpectrum unit_spectrum(const Matrix& A, const RowMatrix& K);

/// UnitSpectrum::condition_number() from R with R'R = A and K = R^-1, (p, p) over the columns that are not zero.
double condition_number(Eigen::Map<const RowMatrix> R, Eigen::Map<const RowMatrix> K);

}  // namespace fastlr
