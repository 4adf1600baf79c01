// Fewer rows than columns: everything through the n x n products of rows, H = Z Z', never p x p.
//
//   Z = sqrt(w) (X - mean),   b = Z' beta,   H beta = sqrt(w) (y - a)
//
// is the solution of smallest |b| (Saunders, Gammerman and Vovk 1998 call it the dual form).
#pragma once

#include "fastlr/views.hpp"

namespace fastlr {

/// H += Z Z' for columns [first, last), lower triangle of strips of eight rows. root_weight: (n) or nullptr; mean and
/// variance: (p), set for these columns; mean is 0 without intercept. H: (padded, padded), padded = n rounded up to 8.
void dual_products(const Rows& rows, const double* scale, const double* root_weight, bool fit_intercept, Index first,
                   Index last, int n_threads, double* mean, double* variance, double* H);

/// K with K K' = H^+ on what is orthogonal to sqrt(w) (everything, without intercept).
struct DualFactor {
  Index rank = 0;
  double condition_number = 1.0;  // of Z
  RowMatrix root;                 // (n, r)
};

/// H: (padded, padded), lower triangle. null: (n) the unit vector along sqrt(w), or empty without intercept.
/// Cholesky, or eigenvectors if rows depend on one another at the rounding level of H.
DualFactor factor_dual(const double* H, Index n, const Vector& null);

}  // namespace fastlr
