// X := X T'^-1 for a small lower triangular T, in registers: what the recursions of triangular
// algebra end in.
#pragma once

#include "fastlr/products/dense_products.hpp"

namespace fastlr {

/// The largest T.
constexpr Index largest_triangle = 128;

/// Element (i, j) of X is data[i * down + j * across]; steps may be negative.
struct Dividend {
  double* data;
  Index n_rows;
  Index down;
  Index across;
};

/// X := X T'^-1, T: (n, n) with n <= largest_triangle, of which the lower triangle is read. Threads
/// share the rows of X.
void divide_by_triangle(const Dividend& X, const Operand& T, int n_threads);

}  // namespace fastlr
