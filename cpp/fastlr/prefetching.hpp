// Rows that will be needed soon, asked for while the processor multiplies: a pass that computes and
// waits in turns would be slower than either.
#pragma once

#include <algorithm>
#include <vector>

#include "fastlr/views.hpp"

namespace fastlr {

constexpr Index cache_line = 64;

/// Into the second-level cache.
inline void prefetch(const std::byte* address) { __builtin_prefetch(address, 0, 2); }

/// The cache lines of a range of rows, dealt out a few at a time.
class Prefetcher {
 public:
  Prefetcher(const Rows& rows, Index most_at_once)
      : most_at_once_(static_cast<std::size_t>(most_at_once)) {
    for (const Column& column : rows.columns) {
      const Index size = item_size(column.dtype);
      if (!runs_.empty() && runs_.back().stride == column.stride &&
          runs_.back().data + runs_.back().width == column.data) {
        runs_.back().width += size;
      } else {
        runs_.push_back({column.data, column.stride, size});
      }
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
    const Index n_rows = std::max<Index>(0, last - first);
    n_lines_ = 0;
    for (const Run& run : runs_) n_lines_ += lines_of(run, n_rows);
    lines_.resize(n_lines_ + most_at_once_);
    const std::byte** line = lines_.data();
    for (const Run& run : runs_) {
      const std::byte* const start = run.data + first * run.stride;
      const std::size_t n = lines_of(run, n_rows);
      for (std::size_t k = 0; k < n; ++k) line[k] = start + k * cache_line;
      line += n;
    }
    std::fill_n(line, most_at_once_, reinterpret_cast<const std::byte*>(runs_.data()));
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

  static std::size_t lines_of(const Run& run, Index n_rows) {
    return static_cast<std::size_t>((n_rows * run.stride + cache_line - 1) / cache_line);
  }

  std::vector<Run> runs_;
  std::size_t most_at_once_;
  std::vector<const std::byte*> lines_;  // and a tail of cached ones
  std::size_t n_lines_ = 0;
  std::size_t position_ = 0;
};

}  // namespace fastlr
