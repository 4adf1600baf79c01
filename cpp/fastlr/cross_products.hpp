// C += Z'Z for one packed panel Z: the lower triangle, in register tiles.
//
// A tile is H variables (one scalar each, broadcast) times V strips of eight variables (vectors). For every row:
// load the vectors, broadcast the scalars, fused multiply-add. The last strip of a panel is seldom full; only its
// used variables are broadcast, so padding costs a few lanes and no rows of tiles.
#pragma once

#include <algorithm>

#include "fastlr/packing.hpp"
#include "fastlr/views.hpp"

namespace fastlr {

#if defined(__AVX512F__)
constexpr Index lanes = 8;
constexpr Index tile_height = 8;
constexpr Index tile_strips = 3;
#elif defined(__AVX__)
constexpr Index lanes = 4;
constexpr Index tile_height = 4;
constexpr Index tile_strips = 1;
#else
constexpr Index lanes = 2;
constexpr Index tile_height = 2;
constexpr Index tile_strips = 1;
#endif

/// C[i, :] (+)= sum_r a[r, i] * b[r, :] for H scalars of the strip `a` and V strips from `b` on; `set` forgets the
/// old C, whose rows lie `stride` apart.
template <Index H, Index V>
void tile_product(const double* a, const double* b, Index n_rows, bool set, double* C, Index stride) {
  using Lanes = Eigen::Array<double, lanes, 1>;
  using Load = Eigen::Map<const Lanes, Eigen::AlignedMax>;
  using Store = Eigen::Map<Lanes, Eigen::AlignedMax>;
  constexpr Index vectors = V * strip_width / lanes;
  constexpr Index per_strip = strip_width / lanes;
  Lanes sum[H][vectors];
#pragma GCC unroll 16
  for (Index i = 0; i < H; ++i)
#pragma GCC unroll 16
    for (Index v = 0; v < vectors; ++v)
      sum[i][v] = set ? Lanes(Lanes::Zero()) : Lanes(Load(C + i * stride + v * lanes));
  for (Index r = 0; r < n_rows; ++r) {
    Lanes z[vectors];
#pragma GCC unroll 16
    for (Index v = 0; v < vectors; ++v)
      z[v] = Load(b + (v / per_strip) * strip_width * panel_rows + (v % per_strip) * lanes + r * strip_width);
#pragma GCC unroll 16
    for (Index i = 0; i < H; ++i) {
      const Lanes scalar = Lanes::Constant(a[r * strip_width + i]);
#pragma GCC unroll 16
      for (Index v = 0; v < vectors; ++v) sum[i][v] += scalar * z[v];
    }
  }
#pragma GCC unroll 16
  for (Index i = 0; i < H; ++i)
#pragma GCC unroll 16
    for (Index v = 0; v < vectors; ++v) Store(C + i * stride + v * lanes) = sum[i][v];
}

/// The same for a height that is known only at run time: whole tiles, then what remains.
template <Index V, Index H = tile_height>
void strips_product(const double* a, Index height, const double* b, Index n_rows, bool set, double* C,
                    Index stride) {
  Index i = 0;
  for (; i + H <= height; i += H) tile_product<H, V>(a + i, b, n_rows, set, C + i * stride, stride);
  if constexpr (H > 1) {
    if (i < height) strips_product<V, H - 1>(a + i, height - i, b, n_rows, set, C + i * stride, stride);
  }
}

/// Strips [left, left + V) against the variables of strip `row`, V <= tile_strips.
template <Index V = tile_strips>
void strip_products(const double* panel, Index row, Index height, Index left, Index n_left, Index n_rows,
                    bool set, double* C, Index stride) {
  constexpr Index strip_size = strip_width * panel_rows;
  if constexpr (V > 1) {
    if (n_left < V) {
      strip_products<V - 1>(panel, row, height, left, n_left, n_rows, set, C, stride);
      return;
    }
  }
  strips_product<V>(panel + row * strip_size, height, panel + left * strip_size, n_rows, set,
                    C + row * strip_width * stride + left * strip_width, stride);
}

/// The group of columns [left, left + tile_strips) of C, all rows from the diagonal down: the unit of work that
/// threads share when p is large. C is (padded, padded), row-major; only strips on or below the diagonal are set.
/// Layout tells n_strips(), padded() and the width() of a strip.
template <class Layout>
void column_group_product(const double* panel, const Layout& layout, Index left, Index n_rows, bool set, double* C) {
  for (Index row = left; row < layout.n_strips(); ++row)
    strip_products(panel, row, layout.width(row), left, std::min(tile_strips, row - left + 1), n_rows, set,
                   C, layout.padded());
}

/// C (+)= Z'Z, lower triangle of strips.
template <class Layout>
void panel_product(const double* panel, const Layout& layout, Index n_rows, bool set, double* C) {
  for (Index left = 0; left < layout.n_strips(); left += tile_strips)
    column_group_product(panel, layout, left, n_rows, set, C);
}

/// (hi, lo) += C as an unevaluated sum, element by element (TwoSum): the error of the accumulated moments stops
/// growing with the number of rows.
inline void fold(const double* C, Index size, double* hi, double* lo) {
  for (Index k = 0; k < size; k += 8) {
    const Eigen::Map<const Eight, Eigen::AlignedMax> c(C + k);
    Eigen::Map<Eight> h(hi + k);
    Eigen::Map<Eight> l(lo + k);
    const Eight s = h + c;
    const Eight t = s - h;
    l += (h - (s - t)) + (c - t);
    h = s;
  }
}

}  // namespace fastlr
