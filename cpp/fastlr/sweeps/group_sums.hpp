// Sums of columns by the level of a category: what indicators of all levels would give, without
// them.
#pragma once

#include "fastlr/rows.hpp"
#include "fastlr/slots.hpp"

namespace fastlr {

/// For the rows i of a range, with k = codes[i] in [0, n_levels) and w = 1 without weights:
///
///   sums[j] += w_i x_ij   at level k, for the columns j of `rows`, and
///   sums[q] += w_i        for their number q.
///
/// Each of the q + 1 sums is an unevaluated sum of two doubles, (2, n_levels): every product and
/// every addition keeps its rounding error, so that about twice the working precision is left. A
/// thread has columns of its own, whose values it adds up in the order of rows: the bits depend
/// neither on threads nor on how a pass is cut into ranges. sums is (q + 1, 2, n_levels), added to.
void add_group_sums(const Rows& rows, const Column* weight, const std::int32_t* codes,
                    Index n_levels, RowRange range, int n_threads, double* sums);

}  // namespace fastlr
