// Many sums over lanes at once: in as many registers as there are lanes, and back in one.
#pragma once

#include <cstdint>
#include <utility>

#include "fastlr/registers/lanes.hpp"

namespace fastlr {

/// Half of the sums of two vectors' lanes: pairs of blocks of `width` lanes become one block.
template <Index width>
[[gnu::always_inline]] inline Lanes add_halves(const Lanes& a, const Lanes& b) {
  if constexpr (lanes == 1) {
    return a;
  } else {
    return [&]<std::int64_t... k>(std::integer_sequence<std::int64_t, k...>) {
      // Lane k comes from block k / width, which is one of a's and b's in turn.
      constexpr auto from = [](std::int64_t lane, std::int64_t side) {
        const std::int64_t block = lane / width;
        return (block % 2) * lanes + (block / 2 * 2 + side) * width + lane % width;
      };
      return add(pick<from(k, 0)...>(a, b), pick<from(k, 1)...>(a, b));
    }(std::make_integer_sequence<std::int64_t, lanes>{});
  }
}

/// The sums of `lanes` vectors, each in the lane of its number; each is added up as a tree.
template <Index width = 1>
[[gnu::always_inline]] inline Lanes sums_of(const Lanes* v) {
  constexpr Index n = lanes / width;  // vectors that are left
  if constexpr (n == 1) {
    return v[0];
  } else {
    Lanes half[n / 2];
#pragma GCC unroll 4
    for (Index k = 0; k < n / 2; ++k) half[k] = add_halves<width>(v[2 * k], v[2 * k + 1]);
    return sums_of<2 * width>(half);
  }
}

}  // namespace fastlr
