#include "fastlr/reading/prefetching.hpp"

#include <cstdint>

namespace fastlr {
namespace {

const std::byte* line_of(const std::byte* address) {
  return address - reinterpret_cast<std::uintptr_t>(address) % cache_line;
}

}  // namespace

Prefetcher::Prefetcher(const Rows& rows, Index most_at_once)
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

void Prefetcher::aim(Index first, Index last) {
  const Index bytes = std::max<Index>(0, last - first) * row_bytes();
  lines_.resize(static_cast<std::size_t>(bytes / cache_line) + 2 * runs_.size() + most_at_once_);
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

}  // namespace fastlr
