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

/// Rows that a tile asks for ahead of its vectors, which come from the second-level cache.
constexpr Index tile_rows_ahead = 12;

/// How many strips the tiles of a strip of so many variables span.
constexpr Index strips_for(Index height) {
  return height > tile_height / 2 ? tile_strips : low_tile_strips;
}

/// C[i, :] (+)= sum_r a[r, i] * b[r, :] for H variables from strip `a` on and V strips from `b` on;
/// `set` forgets the old C, whose rows lie `stride` apart. At the diagonal the first `Above`
/// variables need one strip less. Every element's sum runs row by row and goes on where C left it,
/// so that neither the size of panels nor the order of tiles changes a bit. A line of what comes
/// next is prefetched per row, and the vectors of later rows; so are the sums to the right.
template <Index H, Index V, Index Above = 0>
void tile_product(const double* a, const double* b, Index n_rows, bool set, double* C, Index stride,
                  const std::byte* const* lines) {
  constexpr Index per_strip = strip_width / lanes;
  constexpr Index vectors = V * per_strip;
  constexpr auto width = [](Index i) { return i < Above ? vectors - per_strip : vectors; };
  for (Index i = 0; i < H; ++i)
    for (Index v = vectors; v < 2 * vectors; v += per_strip)
      prefetch<first_level>(reinterpret_cast<const std::byte*>(C + i * stride + v * lanes));
  Lanes sum[H][vectors];
#pragma GCC unroll 16
  for (Index i = 0; i < H; ++i)
#pragma GCC unroll 16
    for (Index v = 0; v < vectors; ++v)
      if (v < width(i)) sum[i][v] = set ? broadcast(0.0) : load(C + i * stride + v * lanes);
#pragma GCC unroll 2
  for (Index r = 0; r < n_rows; ++r) {
    prefetch(lines[r]);
    Lanes z[vectors];
#pragma GCC unroll 16
    for (Index v = 0; v < vectors; ++v) {
      const double* const next = b + (v / per_strip) * strip_size + r * strip_width;
      if (v % per_strip == 0)
        prefetch<first_level>(
            reinterpret_cast<const std::byte*>(next + tile_rows_ahead * strip_width));
      z[v] = load(next + (v % per_strip) * lanes);
    }
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

/// Where the sums of some strips of variables go: the element of variables (i, j) at
/// `data + (i - first_row) * stride + j - left`.
struct Sums {
  double* data;
  Index stride;
  Index first_row = 0;
  Index left = 0;

  double* at(Index i, Index j) const { return data + (i - first_row) * stride + j - left; }
};

/// A rectangle of C, in strips: rows [first_row, last_row) and columns [left, last_left), of which
/// only what lies on or below the diagonal is meant.
struct Block {
  Index first_row;
  Index last_row;
  Index left;
  Index last_left;
};

/// One panel and the sums that its products are added to. The layout tells n_strips() and the
/// width() of a strip.
template <class Layout = PanelLayout>
struct PanelProduct {
  const double* panel;
  const Layout& layout;
  Index n_rows;
  bool set;
  Sums sums;
  Prefetcher& ahead;  // what to ask for meanwhile

  /// Row after row of strips: one of eight variables stays in the nearest cache, while those that
  /// it is multiplied with pass by. On the diagonal a block's first row is its first column.
  void block(const Block& part) const {
    for (Index row = part.first_row; row < part.last_row; ++row) {
      const Index end = std::min(part.last_left, row + 1);
      if (row + 1 == layout.n_strips()) {
        last_row(part.left, end);
        continue;
      }
      for (Index left = part.left; left < end; left += tile_strips) {
        if constexpr (tile_strips >= 2) {  // two strips at the diagonal fill one tile
          if (row == left && row + 1 < part.last_row && row + 2 < layout.n_strips()) continue;
          if (row == left + 1) {
            tile<2 * strip_width, 2, strip_width>(left, left, 0);
            continue;
          }
        }
        strips<tile_strips, tile_height>(row, left, std::min(tile_strips, end - left));
      }
    }
  }

  void all() const {
    if constexpr (tile_strips >= 2) {
      if (layout.n_strips() == 2) return two_strips();
    }
    block({0, layout.n_strips(), 0, layout.n_strips()});
  }

 private:
  /// Strips [left, end) of the last strip of rows, seldom full.
  void last_row(Index left, Index end) const {
    const Index row = layout.n_strips() - 1;
    const Index step = strips_for(layout.width(row));
    for (; left < end; left += step) {
      const Index n_left = std::min(step, end - left);
      if (step == tile_strips) {
        strips<tile_strips, tile_height>(row, left, n_left);
      } else {
        strips<low_tile_strips, tile_height / 2>(row, left, n_left);
      }
    }
  }

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
    tile_product<H, V, Above>(panel + row * strip_size + i, panel + left * strip_size, n_rows, set,
                              sums.at(row * strip_width + i, left * strip_width), sums.stride,
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

/// (hi, lo) += C as an unevaluated sum (TwoSum), n values of a row: the error of the accumulated
/// moments stops growing with the number of rows.
inline void fold(const double* C, Index n, double* hi, double* lo) {
  for (Index k = 0; k < n; k += 8) {
    const Eigen::Map<const Eight> c(C + k);
    Eigen::Map<Eight> h(hi + k);
    Eigen::Map<Eight> l(lo + k);
    const Eight s = h + c;
    const Eight t = s - h;
    l += (h - (s - t)) + (c - t);
    h = s;
  }
}

/// The same for row i of the sums, up to the strip of the diagonal.
inline void fold_row(Index i, Index padded, const double* C, double* hi, double* lo) {
  const Index first = i * padded;
  fold(C + first, (i / strip_width + 1) * strip_width, hi + first, lo + first);
}

}  // namespace fastlr
