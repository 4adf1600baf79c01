// The subsets of columns that leave the smallest sums of squares, one for each size: exactly, by
// leaps and bounds (Furnival and Wilson 1974) on triangular factors from which columns are dropped
// (Gatu and Kontoghiorghes 2006).
#pragma once

#include <cstdint>

#include "fastlr/matrices.hpp"

namespace fastlr {

constexpr Index most_subset_columns = 30;  // at most 2^30 subsets are looked at

/// Of p columns with cross-products A (p, p), all of unit length or zero, and y with q = X'y and
/// y'y: for every size from 0 to p, the smallest residual sum of squares and the columns that leave
/// it, bit j for column j. rss and columns: (p + 1). How many subsets were looked at. Gives turns.
std::int64_t best_subsets(Index p, const double* A, const double* q, double square_y, double* rss,
                          std::uint64_t* columns);

}  // namespace fastlr
