// Fewer rows than columns: everything through the n x n products of rows, H = Z Z', never p x p.
//
//   Z = sqrt(w) (X - mean),   b = Z' beta,   H beta = sqrt(w) (y - a)
//
// is the solution of smallest |b| (Saunders, Gammerman and Vovk 1998 call it the dual form).
#pragma once

#include "fastlr/matrices.hpp"

namespace fastlr {

/// H += Z Z' for columns [first, last), lower triangle of strips of eight rows. root_weight: (n,
/// and zeros up to a multiple of 8) or nullptr; mean and variance: (p), set for these columns; mean
/// is 0 without intercept. H: (padded, padded), padded = n rounded up to 8.
void dual_products(const Rows& rows, const double* scale, const double* root_weight,
                   bool fit_intercept, Index first, Index last, int n_threads, double* mean,
                   double* variance, double* H);

}  // namespace fastlr
