// C += Z'Z for one packed panel Z: the lower triangle, in register tiles (tiles.hpp), and how such
// sums are folded.
#pragma once

#include <algorithm>

#include "fastlr/matrices.hpp"
#include "fastlr/products/moments.hpp"
#include "fastlr/products/packing.hpp"
#include "fastlr/reading/prefetching.hpp"
#include "fastlr/registers/lanes.hpp"

namespace fastlr {

// The tile's sums, one row's vectors and a scalar fit the registers of AVX-512 and AVX2; with the
// sixteen narrow ones of SSE some sums go through the nearest cache. Eight sums or more hide the
// latency of multiply-adds, so that low tiles are wide.
constexpr Index tile_height = n_registers >= 32 ? 8 : 4;
constexpr Index tile_strips = n_registers >= 32 && lanes == 8 ? 3 : 1;
constexpr Index low_tile_strips = tile_strips == 3 ? 6 : 2;

/// How many strips the tiles of a strip of so many variables span.
constexpr Index strips_for(Index height) {
  return height > tile_height / 2 ? tile_strips : low_tile_strips;
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

/// Where a tile lies in C: `height` variables from i on beside `width` variables from j on.
struct TileAt {
  Index i;
  Index j;
  Index height;
  Index width;
};

/// C (+)= Z'Z for the first n_rows rows of one panel (n_strips, strip_size); `set` forgets the old C.
/// Meanwhile it asks for the rows ahead.
void add_products(const double* panel, const VariableStrips& strips, Index n_rows, bool set,
                  const Sums& C, Prefetcher& ahead);

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
