// Text to numbers: rows of delimited text, as long as they hold nothing but numbers and gaps.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fastlr/rows.hpp"

namespace fastlr {

/// What `parse_rows` gives where text is more than numbers and gaps.
constexpr Index not_plain = -1;

/// How often the byte that ends a row occurs.
Index count_rows(std::string_view text);

/// Sets columns (n_chosen, capacity) from lines of fields: place[j] is the column of field j, or -1
/// for none. A number is rounded to the nearest double, and a field that is one of the words
/// `missing` becomes NaN. Gives the number of rows, or `not_plain` where a line has another number
/// of fields, a chosen field is neither a number nor missing, quotes occur, or more rows than
/// `capacity`.
Index parse_rows(std::string_view text, char delimiter, const std::vector<Index>& place,
                 const std::vector<std::string>& missing, Index capacity, double* columns);

}  // namespace fastlr
