// The factor of the products of rows, see products/dual.hpp.
#pragma once

#include "fastlr/matrices.hpp"

namespace fastlr {

/// K with K K' = H^-1, H: (padded, padded), of which the lower triangle of the first n rows is
/// read.
struct DualFactor {
  double condition_number = 0.0;  // of Z; infinite (and no root) if Cholesky's factor fails
  RowMatrix root;                 // (n, n) upper triangular
};

DualFactor factor_dual(const double* H, Index n, int n_threads);

}  // namespace fastlr
