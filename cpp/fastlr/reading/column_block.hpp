// Rows -> blocks in column order: `column_block_rows` values of one variable after the other, each
// times a power of two and otherwise exactly as the user gave it. For passes that work on eight
// rows at a time.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "fastlr/matrices.hpp"
#include "fastlr/reading/layout.hpp"
#include "fastlr/reading/loading.hpp"
#include "fastlr/reading/prefetching.hpp"
#include "fastlr/registers/lanes.hpp"

namespace fastlr {

/// 512 bytes a variable: a block of 64 variables fits a 32 KiB L1 cache.
constexpr Index column_block_rows = 64;

class ColumnBlocks {
 public:
  ColumnBlocks() = default;
  ColumnBlocks(std::span<const Column> columns, const double* scale) { read(columns, scale); }

  /// Blocks are of these columns from now on. scale: one power of two for each of them. Allocates
  /// only where there were never so many columns before.
  void read(std::span<const Column> columns, const double* scale) {
    source_ = columns;
    scale_ = scale;
    tiles_.clear();
    columns_.clear();
    tiles_.reserve(columns.size());
    columns_.reserve(columns.size());
    Index first = 0;
    while (first < n_columns()) {
      const Index last = first + n_neighbours(source_.subspan(static_cast<std::size_t>(first)));
      if (last - first >= lanes && lanes > 1) {
        for (Index j = first; j < last; j += lanes) tiles_.push_back(std::min(j, last - lanes));
      } else {
        for (Index j = first; j < last; ++j) columns_.push_back(j);
      }
      first = last;
    }
  }

  Index n_columns() const { return static_cast<Index>(source_.size()); }

  /// block[j * column_block_rows + r] = x[first + r, j] * scale[j] for r < n <= column_block_rows;
  /// 0 from n on.
  void pack(Index first, Index n, double* block) const {
    for (const Index j : columns_) pack_column(j, first, 0, n, block);
    const Index whole = n / lanes * lanes;
    // Long rows are read a few at a time, in the order of memory.
    const Index at_once = static_cast<Index>(tiles_.size()) > few_tiles ? 8 : column_block_rows;
    for (Index r = 0; r < whole; r += at_once) {
      for (const Index j : tiles_) {
        if (column(j).dtype == DType::f64) {
          pack_tile<double>(j, first, r, std::min(whole, r + at_once), block);
        } else {
          pack_tile<float>(j, first, r, std::min(whole, r + at_once), block);
        }
      }
    }
    if (whole == column_block_rows) return;
    for (const Index j : tiles_)
      for (Index c = j; c < j + lanes; ++c) pack_column(c, first, whole, n, block);
  }

 private:
  static constexpr Index few_tiles = 16;
  static constexpr Index bytes_ahead = 512;

  const Column& column(Index j) const { return source_[static_cast<std::size_t>(j)]; }

  void pack_column(Index j, Index first, Index done, Index n, double* block) const {
    double* const out = block + j * column_block_rows;
    load_column(column(j), first + done, n - done, out + done);
    for (Index r = done; r < n; ++r) out[r] *= scale_[j];
    std::fill(out + n, out + column_block_rows, 0.0);
  }

  /// Neighbours in memory are read a row at a time and transposed in registers.
  template <class Scalar>
  void pack_tile(Index j, Index first, Index from, Index to, double* block) const {
    const Column& head = column(j);
    const std::byte* source = head.at(first + from);
    const Lanes scale = load(scale_ + j);
    for (Index r = from; r < to; r += lanes) {
      Eigen::internal::PacketBlock<Lanes, lanes> tile;
#pragma GCC unroll 8
      for (Index i = 0; i < lanes; ++i, source += head.stride) {
        prefetch<first_level>(source + bytes_ahead);
        tile.packet[i] = multiply(load_as_doubles<Scalar>(source), scale);
      }
      if constexpr (lanes > 1) Eigen::internal::ptranspose(tile);
#pragma GCC unroll 8
      for (Index c = 0; c < lanes; ++c)
        store(block + (j + c) * column_block_rows + r, tile.packet[c]);
    }
  }

  std::span<const Column> source_;
  const double* scale_ = nullptr;
  std::vector<Index> tiles_;    // first columns of lanes neighbours (the last of a run may overlap)
  std::vector<Index> columns_;  // columns read on their own
};

}  // namespace fastlr
