// Which columns are independent: a pivoted Cholesky factor of their cross-products (Higham 2002,
// section 10.3).
//
//   A = sum w z z',   A_II = L L' for the chosen columns I,   z_j = sum_i T_ji z_i + rest
#pragma once

#include <vector>

#include "fastlr/algebra/scaled_equations.hpp"
#include "fastlr/matrices.hpp"

namespace fastlr {

/// What a pivoted factor tells; positions are those in A.
struct ColumnChoice {
  std::vector<Index> chosen;  // in the order in which they were taken
  std::vector<Index> others;  // ascending: what is left of them is below their thresholds
  Matrix root;          // (r, r) upper triangular K with K K' = A_II^-1, in the order of `chosen`
  Matrix coefficients;  // (others, r) T
};

/// Columns are taken while one is left whose squared distance from the chosen ones, relative to its
/// own length, exceeds its threshold; of those that are nearly as far as the farthest the first
/// one. A: (l, l), its lower triangle is read and used up. threshold: (l). Cost l^2 r.
ColumnChoice choose_columns(Matrix A, Vector threshold, int n_threads);

/// Ratio of the largest to the smallest singular value that is not zero, of all columns scaled to
/// unit length; right to two digits up to 1000 columns. A: (l, l), both triangles.
double condition_number(const Matrix& A, const ColumnChoice& choice, int n_threads);

}  // namespace fastlr
