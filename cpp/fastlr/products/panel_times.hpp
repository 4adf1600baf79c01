// Rows of a packed panel times a matrix, in registers: what changes of basis and predictions for
// many penalties have in common.
#pragma once

#include "fastlr/products/packing.hpp"
#include "fastlr/registers/lanes.hpp"

namespace fastlr {

constexpr Index registers_per_strip = strip_width / lanes;

/// Rows that are multiplied at a time.
constexpr Index rows_times_at_once =
    n_registers >= 32 && lanes == 8 ? 16 : n_registers / (2 * registers_per_strip);

using RowsTimes = Lanes[rows_times_at_once][registers_per_strip];

/// out[i, :] = sum_k panel[row + i, k] * M[k, 0..8) over k < n, in that order; row k of M begins at
/// M + k * stride. The panel has `strip` doubles from one strip to the next.
inline void rows_times(const double* panel, Index strip, Index row, Index n, const double* M,
                       Index stride, RowsTimes& out) {
  RowsTimes sum;  // of its own, so that it stays in registers
#pragma GCC unroll 16
  for (Index i = 0; i < rows_times_at_once; ++i)
#pragma GCC unroll 16
    for (Index v = 0; v < registers_per_strip; ++v) sum[i][v] = broadcast(0.0);
  for (Index first = 0; first < n; first += strip_width, panel += strip) {
    const double* z = panel + row * strip_width;
    const Index last = std::min(n, first + strip_width);
    for (Index k = first; k < last; ++k, ++z, M += stride) {
      Lanes right[registers_per_strip];
#pragma GCC unroll 16
      for (Index v = 0; v < registers_per_strip; ++v) right[v] = load(M + v * lanes);
#pragma GCC unroll 16
      for (Index i = 0; i < rows_times_at_once; ++i) {
        const Lanes left = broadcast_from(z + i * strip_width);
#pragma GCC unroll 16
        for (Index v = 0; v < registers_per_strip; ++v)
          sum[i][v] = multiply_add(left, right[v], sum[i][v]);
      }
    }
  }
#pragma GCC unroll 16
  for (Index i = 0; i < rows_times_at_once; ++i)
#pragma GCC unroll 16
    for (Index v = 0; v < registers_per_strip; ++v) out[i][v] = sum[i][v];
}

/// The same, put into rows of eight from `out` on.
inline void store_rows_times(const double* panel, Index strip, Index row, Index n, const double* M,
                             Index stride, double* out) {
  RowsTimes sum;
  rows_times(panel, strip, row, n, M, stride, sum);
#pragma GCC unroll 16
  for (Index i = 0; i < rows_times_at_once; ++i)
#pragma GCC unroll 16
    for (Index v = 0; v < registers_per_strip; ++v)
      store(out + i * strip_width + v * lanes, sum[i][v]);
}

}  // namespace fastlr
