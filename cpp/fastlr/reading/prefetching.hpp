// Rows that will be needed soon, asked for while the processor multiplies: a pass that computes and
// waits in turns would be slower than either.
#pragma once

#include <algorithm>
#include <vector>

#include "fastlr/reading/layout.hpp"

namespace fastlr {

constexpr Index cache_line = 64;

constexpr int first_level = 1;
constexpr int second_level = 2;
constexpr int third_level = 3;

/// Ask for a line, into the cache of a level: the first for what is read some 2 KiB later. Always
/// inline: GCC takes a call of a function that only prefetches for one without effect.
template <int level = second_level>
[[gnu::always_inline]] inline void prefetch(const std::byte* address) {
  static_assert(level >= first_level && level <= third_level);
  __builtin_prefetch(address, 0, 4 - level);
}

/// The cache lines of a range of rows, dealt out a few at a time.
class Prefetcher {
 public:
  Prefetcher(const Rows& rows, Index most_at_once);

  /// One that has nothing to ask for.
  static Prefetcher idle(Index most_at_once) { return {Rows{}, most_at_once}; }

  /// Bytes of one row that are worth asking for.
  Index row_bytes() const {
    Index bytes = 0;
    for (const Run& run : runs_) bytes += run.stride;
    return bytes;
  }

  /// From now on, next() deals out the lines of rows [first, last).
  void aim(Index first, Index last);

  /// The next n <= most_at_once lines; when none is left, something cached.
  const std::byte* const* next(Index n) {
    const std::byte* const* const here = lines_.data() + position_;
    position_ = std::min(n_lines_, position_ + static_cast<std::size_t>(n));
    return here;
  }

 private:
  struct Run {
    const std::byte* data;
    Index stride;
    Index width;
  };

  std::vector<Run> runs_;
  std::size_t most_at_once_;
  std::vector<const std::byte*> lines_;  // and a tail of cached ones
  std::size_t n_lines_ = 0;
  std::size_t position_ = 0;
};

}  // namespace fastlr
