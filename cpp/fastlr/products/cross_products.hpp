// C += Z'Z for one packed panel Z: the lower triangle, in register tiles.
//
// A tile is H variables (one scalar each, broadcast) times V strips of eight variables (vectors).
// For every row: load the vectors, broadcast the scalars, fused multiply-add. The last strip of a
// panel is seldom full; only its used variables are broadcast, so padding costs a few lanes and no
// rows of tiles.
#pragma once

#include <algorithm>

#include "fastlr/matrices.hpp"
#include "fastlr/reading/packing.hpp"
#include "fastlr/reading/prefetching.hpp"
#include "fastlr/registers/lanes.hpp"

namespace fastlr {

// The tile's sums, one row's vectors and a scalar fit the registers of AVX-512 and AVX2; with the
// sixteen narrow ones of SSE some sums go through the nearest cache. Eight sums or more hide the
// latency of multiply-adds, so that low tiles are wide.
constexpr Index tile_height = n_registers >= 32 ? 8 : 4;
constexpr Index tile_strips = n_registers >= 32 && lanes == 8 ? 3 : 1;
constexpr Index low_tile_strips = tile_strips == 3 ? 6 : 2;

constexpr Index strip_size = strip_width * panel_rows;

/// How many strips the tiles of a strip of so many variables span.
constexpr Index strips_for(Index height) {
  return height > tile_height / 2 ? tile_strips : low_tile_strips;
}

/// C[i, :] (+)= sum_r a[r, i] * b[r, :] for H variables from strip `a` on and V strips from `b` on;
/// `set` forgets the old C, whose rows lie `stride` apart. At the diagonal the first `Above`
/// variables need one strip less. A line is prefetched per row.
template <Index H, Index V, Index Above = 0>
void tile_product(const double* a, const double* b, Index n_rows, bool set, double* C, Index stride,
                  const std::byte* const* lines) {
  constexpr Index per_strip = strip_width / lanes;
  constexpr Index vectors = V * per_strip;
  constexpr auto width = [](Index i) { return i < Above ? vectors - per_strip : vectors; };
  Lanes sum[H][vectors];
#pragma GCC unroll 16
  for (Index i = 0; i < H; ++i)
#pragma GCC unroll 16
    for (Index v = 0; v < vectors; ++v)
      if (v < width(i)) sum[i][v] = set ? broadcast(0.0) : load(C + i * stride + v * lanes);
  for (Index r = 0; r < n_rows; ++r) {
    prefetch(lines[r]);
    Lanes z[vectors];
#pragma GCC unroll 16
    for (Index v = 0; v < vectors; ++v)
      z[v] = load(b + (v / per_strip) * strip_size + r * strip_width + (v % per_strip) * lanes);
#pragma GCC unroll 16
    for (Index i = 0; i < H; ++i) {
      const Lanes scalar =
          broadcast_from(a + (i / strip_width) * strip_size + r * strip_width + i % strip_width);
#pragma GCC unroll 16
      for (Index v = 0; v < vectors; ++v)
        if (v < width(i)) sum[i][v] = multiply_add(scalar, z[v], sum[i][v]);
    }
  }
#pragma GCC unroll 16
  for (Index i = 0; i < H; ++i)
#pragma GCC unroll 16
    for (Index v = 0; v < vectors; ++v)
      if (v < width(i)) store(C + i * stride + v * lanes, sum[i][v]);
}

/// One panel and the C that its products are added to. The layout tells n_strips(), padded() and
/// the width() of a strip.
template <class Layout = PanelLayout>
struct PanelProduct {
  const double* panel;
  const Layout& layout;
  Index n_rows;
  bool set;
  double* C;  // (padded, padded), row-major; only strips on or below the diagonal are touched
  Prefetcher& ahead;  // what to ask for meanwhile

  /// Strips [left, left + tile_strips) of C, the full rows [first_row, last_row) from the diagonal
  /// down.
  void column_group(Index left, Index first_row, Index last_row) const {
    Index row = std::max(left, first_row);
    if constexpr (tile_strips >= 2) {
      if (row == left && row + 2 <= last_row) {
        tile<2 * strip_width, 2, strip_width>(left, left, 0);
        row += 2;
      }
    }
    for (; row < last_row; ++row)
      strips<tile_strips, tile_height>(row, left, std::min(tile_strips, row - left + 1));
  }

  /// The last strip of rows, seldom full.
  void last_row() const {
    const Index row = layout.n_strips() - 1;
    const Index step = strips_for(layout.width(row));
    for (Index left = 0; left <= row; left += step) {
      const Index n_left = std::min(step, row - left + 1);
      if (step == tile_strips) {
        strips<tile_strips, tile_height>(row, left, n_left);
      } else {
        strips<low_tile_strips, tile_height / 2>(row, left, n_left);
      }
    }
  }

  void all() const {
    if constexpr (tile_strips >= 2) {
      if (layout.n_strips() == 2) return two_strips();
    }
    const Index n_full = layout.n_strips() - 1;
    for (Index left = 0; left < n_full; left += tile_strips) column_group(left, 0, n_full);
    last_row();
  }

 private:
  template <Index V, Index H>
  void strips(Index row, Index left, Index n_left) const {
    if constexpr (V > 1) {
      if (n_left < V) return strips<V - 1, H>(row, left, n_left);
    }
    heights<V, H>(row, left, 0);
  }

  /// Few enough variables for all their sums to stay in registers.
  template <Index Second = strip_width>
  void two_strips() const {
    if (layout.width(1) == Second) {
      tile<strip_width + Second, 2, strip_width>(0, 0, 0);
    } else if constexpr (Second > 1) {
      two_strips<Second - 1>();
    }
  }

  template <Index H, Index V, Index Above = 0>
  void tile(Index row, Index left, Index i) const {
    const Index stride = layout.padded();
    tile_product<H, V, Above>(panel + row * strip_size + i, panel + left * strip_size, n_rows, set,
                              C + (row * strip_width + i) * stride + left * strip_width, stride,
                              ahead.next(n_rows));
  }

  /// The variables of strip `row` from i on: whole tiles, then what remains.
  template <Index V, Index H>
  void heights(Index row, Index left, Index i) const {
    const Index height = layout.width(row);
    for (; i + H <= height; i += H) tile<H, V>(row, left, i);
    if constexpr (H > 1) {
      if (i < height) heights<V, H - 1>(row, left, i);
    }
  }
};

/// Row i of the sums: (hi, lo) += C as an unevaluated sum (TwoSum), up to the strip of the
/// diagonal: the error of the accumulated moments stops growing with the number of rows.
inline void fold_row(Index i, Index padded, const double* C, double* hi, double* lo) {
  const Index first = i * padded;
  const Index last = first + (i / strip_width + 1) * strip_width;
  for (Index k = first; k < last; k += 8) {
    const Eigen::Map<const Eight> c(C + k);
    Eigen::Map<Eight> h(hi + k);
    Eigen::Map<Eight> l(lo + k);
    const Eight s = h + c;
    const Eight t = s - h;
    l += (h - (s - t)) + (c - t);
    h = s;
  }
}

}  // namespace fastlr
