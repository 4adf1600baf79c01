// Rows that will be needed soon, asked for while the processor multiplies: a pass that computes and
// waits in turns would be slower than either.
#pragma once

#include <algorithm>
#include <cstdint>
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
  Prefetcher(const Rows& rows, Index most_at_once)
      : most_at_once_(static_cast<std::size_t>(most_at_once)) {
    const Column* before = nullptr;
    for (const Column& column : rows.columns) {
      if (before == nullptr || !is_followed_by(*before, column))
        runs_.push_back({column.data, column.stride, 0});
      runs_.back().width += item_size(column.dtype);
      before = &column;
    }
    // Runs that use little of the memory they span (wide strides) or run backwards are left to the
    // hardware.
    std::erase_if(runs_,
                  [](const Run& run) { return run.stride <= 0 || run.stride > 4 * run.width; });
    aim(0, 0);
  }

  /// One that has nothing to ask for.
  static Prefetcher idle(Index most_at_once) { return {Rows{}, most_at_once}; }

  /// Bytes of one row that are worth asking for.
  Index row_bytes() const {
    Index bytes = 0;
    for (const Run& run : runs_) bytes += run.stride;
    return bytes;
  }

  /// From now on, next() deals out the lines of rows [first, last).
  void aim(Index first, Index last) {
    lines_.resize(most_lines(std::max<Index>(0, last - first)) + most_at_once_);
    const std::byte** line = lines_.data();
    for (const Run& run : runs_) {
      const std::byte* const start = line_of(run.data + first * run.stride);
      const std::byte* const end = run.data + last * run.stride;
      for (Index offset = 0; offset < end - start; offset += cache_line) *line++ = start + offset;
    }
    n_lines_ = static_cast<std::size_t>(line - lines_.data());
    std::fill_n(line, most_at_once_, reinterpret_cast<const std::byte*>(lines_.data()));
    position_ = 0;
  }

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

  static const std::byte* line_of(const std::byte* address) {
    return address - reinterpret_cast<std::uintptr_t>(address) % cache_line;
  }

  std::size_t most_lines(Index n_rows) const {
    return static_cast<std::size_t>(n_rows * row_bytes() / cache_line) + 2 * runs_.size();
  }

  std::vector<Run> runs_;
  std::size_t most_at_once_;
  std::vector<const std::byte*> lines_;  // and a tail of cached ones
  std::size_t n_lines_ = 0;
  std::size_t position_ = 0;
};

}  // namespace fastlr
