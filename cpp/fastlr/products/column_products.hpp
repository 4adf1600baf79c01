// Cross-products of a few columns with all of them: what penalised fits of many features need, of
// which only some get a coefficient.
#pragma once

#include <vector>

#include "fastlr/rows.hpp"

namespace fastlr {

/// out[a, j] = sum w z_a z_j with z = x - shift, for every chosen column a and, last, for the
/// constant a = 1, with every column j of `rows`: (n_chosen + 1, n_columns), set. `weight` may be
/// nullptr. About 2 n_samples n_columns n_chosen flops; gives turns, and threads change no bit.
void column_products(const Rows& rows, const Column* weight, const double* shift,
                     const std::vector<Index>& chosen, int n_threads, double* out);

}  // namespace fastlr
