// Rows that will be needed soon, asked for while the processor multiplies: a pass that computes and
// waits in turns would be slower than either.
#pragma once

#include <algorithm>

#include "fastlr/views.hpp"

namespace fastlr {

constexpr Index cache_line = 64;

/// Walks through the memory of a range of rows, one run of neighbouring columns after the other.
class Prefetcher {
 public:
  static constexpr Index lines_per_step = 128;

  explicit Prefetcher(const Rows& rows) {
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
    current_ = runs_.size();
  }

  /// Bytes of one row that are worth asking for.
  Index row_bytes() const {
    Index bytes = 0;
    for (const Run& run : runs_) bytes += run.stride;
    return bytes;
  }

  /// From now on, step() walks through rows [first, last).
  void aim(Index first, Index last) {
    first_ = first;
    n_rows_ = std::max<Index>(0, last - first);
    current_ = n_rows_ > 0 ? 0 : runs_.size();
    begin_run();
  }

  /// Address of the next `lines` cache lines; `idle` (something already cached) when nothing is
  /// left.
  const std::byte* step(const void* idle, Index lines = lines_per_step) {
    if (current_ == runs_.size()) return static_cast<const std::byte*>(idle);
    const std::byte* here = position_;
    position_ += lines * cache_line;
    if (position_ >= end_) {
      ++current_;
      begin_run();
    }
    return here;
  }

 private:
  struct Run {
    const std::byte* data;
    Index stride;
    Index width;
  };

  void begin_run() {
    if (current_ == runs_.size()) return;
    const Run& run = runs_[current_];
    position_ = run.data + first_ * run.stride;
    end_ = position_ + n_rows_ * run.stride;
  }

  std::vector<Run> runs_;
  std::size_t current_ = 0;
  Index first_ = 0;
  Index n_rows_ = 0;
  const std::byte* position_ = nullptr;
  const std::byte* end_ = nullptr;
};

/// Into the second-level cache.
inline void prefetch(const std::byte* address) { __builtin_prefetch(address, 0, 2); }

}  // namespace fastlr
