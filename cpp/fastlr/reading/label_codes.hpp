// Labels of rows, numbers or texts, become codes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fastlr/rows.hpp"

namespace fastlr {

/// codes[i] := the number of the label of row i, i < n < 2^31, by the order in which labels first
/// appear. A label is `width` >= 1 bytes, and two are one if all their bytes are equal. Returns the
/// row in which each label first appears.
std::vector<Index> number_labels(const std::byte* labels, Index n, Index width,
                                 std::int32_t* codes);

}  // namespace fastlr
