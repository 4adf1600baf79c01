// Register tiles, of which the products of panels are made.
//
// A tile is H variables (one scalar each, broadcast) times V strips of eight variables (vectors).
// For every row: load the vectors, broadcast the scalars, fused multiply-add. The last strip of a
// panel is seldom full; only its used variables are broadcast, so padding costs a few lanes and no
// rows of tiles.
#pragma once

#include <algorithm>

#include "fastlr/products/cross_products.hpp"
#include "fastlr/products/packing.hpp"
#include "fastlr/reading/prefetching.hpp"
#include "fastlr/registers/lanes.hpp"

namespace fastlr {

/// Panels of which the strips of a tile's vectors stay in the nearest cache, while those of scalars pass
/// by and are asked for some rows ahead. A tile asks for a line of other things with every row.
struct ShortPanel {
  static constexpr Index row_stride = strip_width;
  static constexpr Index strip_stride = strip_size;
  static constexpr bool has_zeros_behind =
      false;  // the last variable: tiles are as high as is needed
  static constexpr Index scalars_ahead = 12;
  static constexpr Index vectors_ahead = 0;
  static constexpr Index rows_per_asking = 1;
  static constexpr Index lines_per_asking = 1;
};

/// C[i, :] (+)= sum_r a[r, i] * b[r, :] for H variables from strip `a` on and V strips from `b` on;
/// `set` forgets the old C, whose rows lie `stride` apart. At the diagonal the first `Above`
/// variables need one strip less. Every element's sum runs row by row and goes on where C left it,
/// so that neither the size of panels nor the order of tiles changes a bit. Meanwhile the tile asks
/// for later rows of its strips, for `lines`, and for the sums below.
template <Index H, Index V, Index Above = 0, class Panel = ShortPanel>
void tile_product(const double* a, const double* b, Index n_rows, bool set, double* C, Index stride,
                  const std::byte* const* lines) {
  constexpr Index strip = Panel::strip_stride;
  constexpr Index row = Panel::row_stride;
  constexpr Index per_strip = strip_width / lanes;
  constexpr Index vectors = V * per_strip;
  constexpr auto width = [](Index i) { return i < Above ? vectors - per_strip : vectors; };
  constexpr bool asks_every_row = Panel::rows_per_asking == 1;
  if constexpr (asks_every_row) {
    for (Index i = H; i < 2 * H; ++i)
      for (Index v = 0; v < vectors; v += per_strip)
        prefetch<first_level>(reinterpret_cast<const std::byte*>(C + i * stride + v * lanes));
  }
  Lanes sum[H][vectors];
#pragma GCC unroll 16
  for (Index i = 0; i < H; ++i)
#pragma GCC unroll 16
    for (Index v = 0; v < vectors; ++v)
      if (v < width(i)) sum[i][v] = set ? broadcast(0.0) : load(C + i * stride + v * lanes);
  // What a row asks for is spread among its multiply-adds: in a burst it would hold up the loads.
  constexpr Index n_vectors_asked = Panel::vectors_ahead > 0 ? V : 0;
  constexpr Index n_asked = n_vectors_asked + 1 + (asks_every_row ? 1 : 0);
  const auto ask = [&](Index k, Index r) __attribute__((always_inline)) {
    if (k < n_vectors_asked) {
      prefetch<first_level>(
          reinterpret_cast<const std::byte*>(b + k * strip + (r + Panel::vectors_ahead) * row));
    } else if (k == n_vectors_asked) {
      prefetch<first_level>(
          reinterpret_cast<const std::byte*>(a + (r + Panel::scalars_ahead) * row));
    } else {
      prefetch(lines[r]);
    }
  };
  const auto add_row = [&](Index r) __attribute__((always_inline)) {
    Lanes z[vectors];
#pragma GCC unroll 16
    for (Index v = 0; v < vectors; ++v)
      z[v] = load(b + (v / per_strip) * strip + r * row + (v % per_strip) * lanes);
#pragma GCC unroll 16
    for (Index i = 0; i < H; ++i) {
#pragma GCC unroll 16
      for (Index k = 0; k < n_asked; ++k)
        if (k * H / n_asked == i) ask(k, r);
      const Lanes scalar =
          broadcast_from(a + (i / strip_width) * strip + r * row + i % strip_width);
#pragma GCC unroll 16
      for (Index v = 0; v < vectors; ++v)
        if (v < width(i)) sum[i][v] = multiply_add(scalar, z[v], sum[i][v]);
      asm volatile("");  // in this order
    }
  };
  const auto add_rows = [&](Index n) __attribute__((always_inline)) {
    for (; n >= 2; n -= 2) {
      add_row(0);
      add_row(1);
      a += 2 * row;
      b += 2 * row;
      if constexpr (asks_every_row) lines += 2;
    }
    if (n > 0) add_row(0);
  };
  if constexpr (asks_every_row) {
    add_rows(n_rows);
  } else {
    for (Index done = 0; done < n_rows; done += Panel::rows_per_asking) {
      for (Index k = 0; k < Panel::lines_per_asking; ++k) prefetch(*lines++);
      add_rows(std::min(Panel::rows_per_asking, n_rows - done));
    }
  }
#pragma GCC unroll 16
  for (Index i = 0; i < H; ++i)
#pragma GCC unroll 16
    for (Index v = 0; v < vectors; ++v)
      if (v < width(i)) store(C + i * stride + v * lanes, sum[i][v]);
}

/// One panel and the sums that its products are added to. What goes on around its tiles is told by
/// `Around`: the kind of its panels, the lines that a tile asks for while it is at work (before), a line
/// for each of its rows, and what is done with its sums (after).
template <class Around>
struct PanelProduct {
  const double* panel;
  const VariableStrips& strips;
  Index n_rows;
  bool set;
  Sums sums;
  Around around;

  /// A tile's columns after one another: their strips stay in a near cache, while strips of rows pass
  /// by. On the diagonal a block's first row is its first column.
  void block(const Block& part) const {
    const bool has_last = part.last_row == strips.n_strips();
    const Index last_row = has_last ? part.last_row - 1 : part.last_row;
    for (Index left = part.left; left < part.last_left; left += tile_strips) {
      for (Index row = std::max(part.first_row, left); row < last_row; ++row) {
        if constexpr (tile_strips >= 2) {  // two strips at the diagonal fill one tile
          if (row == left && row + 1 < last_row) continue;
          if (row == left + 1) {
            tile<2 * strip_width, 2, strip_width>(left, left, 0);
            continue;
          }
        }
        const Index end = std::min(part.last_left, row + 1);
        strip<tile_strips, tile_height>(row, left, std::min(tile_strips, end - left));
      }
    }
    if (has_last) last_strip(part.left, std::min(part.last_left, strips.n_strips()));
  }

  void all() const {
    if constexpr (tile_strips >= 2) {
      if (strips.n_strips() == 2) return two_strips();
    }
    block({0, strips.n_strips(), 0, strips.n_strips()});
  }

 private:
  using Panel = typename Around::Panel;

  /// Strips [left, end) of the last strip of rows, seldom full.
  void last_strip(Index left, Index end) const {
    const Index row = strips.n_strips() - 1;
    const Index step = strips_for(strips.width(row));
    for (; left < end; left += step) {
      const Index n_left = std::min(step, end - left);
      if (step == tile_strips) {
        strip<tile_strips, tile_height>(row, left, n_left);
      } else {
        strip<low_tile_strips, tile_height / 2>(row, left, n_left);
      }
    }
  }

  template <Index V, Index H>
  void strip(Index row, Index left, Index n_left) const {
    if constexpr (V > 1) {
      if (n_left < V) return strip<V - 1, H>(row, left, n_left);
    }
    heights<V, H>(row, left, 0);
  }

  /// Few enough variables for all their sums to stay in registers.
  template <Index Second = strip_width>
  void two_strips() const {
    if (strips.width(1) == Second) {
      tile<strip_width + Second, 2, strip_width>(0, 0, 0);
    } else if constexpr (Second > 1) {
      two_strips<Second - 1>();
    }
  }

  template <Index H, Index V, Index Above = 0>
  void tile(Index row, Index left, Index i) const {
    const TileAt at{row * strip_width + i, left * strip_width, H, V * strip_width};
    tile_product<H, V, Above, Panel>(panel + row * Panel::strip_stride + i,
                                     panel + left * Panel::strip_stride, n_rows, set,
                                     sums.at(at.i, at.j), sums.stride, around.before(at, n_rows));
    if constexpr (Above > 0) {
      around.after({at.i, at.j, Above, at.width - strip_width});
      around.after({at.i + Above, at.j, H - Above, at.width});
    } else {
      around.after(at);
    }
  }

  /// The variables of strip `row` from i on: whole tiles, then what remains.
  template <Index V, Index H>
  void heights(Index row, Index left, Index i) const {
    const Index height = strips.width(row);
    for (; i + H <= height; i += H) tile<H, V>(row, left, i);
    if constexpr (Panel::has_zeros_behind) {
      if (i < height) tile<H, V>(row, left, i);
    } else if constexpr (H > 1) {
      if (i < height) heights<V, H - 1>(row, left, i);
    }
  }
};

}  // namespace fastlr
