// The one product of networks, in registers: all that layers multiply, forwards, backwards and for
// gradients, goes through tiles of R rows times V registers.
#pragma once

#include <Eigen/Core>

#include "fastlr/registers/lanes.hpp"

namespace fastlr {

template <class Scalar>
using PacketOf = typename Eigen::internal::packet_traits<Scalar>::type;

template <class Scalar>
constexpr Index lanes_of = Eigen::internal::packet_traits<Scalar>::size;

constexpr Index tile_rows = n_registers >= 32 ? 8 : 4;
constexpr Index tile_vectors = 3;

/// What a tile becomes: C = start + A B, or C = C * (A B), element by element.
enum class Into : std::uint8_t { set, scale };

/// A tile (R, V registers) of C from n columns of A and n rows of B, summed in their order. Element (i,
/// k) of A is a[i * row + k * step]. `start` has one row for all rows of the tile.
template <class Scalar, Index R, Index V, bool by_columns>
void multiply_tile(Index n, const Scalar* a, Index a_stride, const Scalar* b, Index b_stride,
                   const Scalar* start, Into into, Scalar* c, Index c_stride) {
  using Packet = PacketOf<Scalar>;
  constexpr Index width = lanes_of<Scalar>;
  constexpr Index ahead = 12;  // rows of B
  const Index row = by_columns ? 1 : a_stride;
  const Index step = by_columns ? a_stride : 1;
  Packet sum[R][V];
#pragma GCC unroll 8
  for (Index v = 0; v < V; ++v) {
    const Packet first = start != nullptr ? Eigen::internal::ploadu<Packet>(start + v * width)
                                          : Eigen::internal::pset1<Packet>(Scalar(0));
#pragma GCC unroll 8
    for (Index i = 0; i < R; ++i) sum[i][v] = first;
  }
  for (Index k = 0; k < n; ++k, a += step, b += b_stride) {
    if constexpr (by_columns) __builtin_prefetch(a + ahead * step);
    Packet right[V];
#pragma GCC unroll 8
    for (Index v = 0; v < V; ++v) {
      __builtin_prefetch(b + ahead * b_stride + v * width);
      right[v] = Eigen::internal::ploadu<Packet>(b + v * width);
    }
#pragma GCC unroll 8
    for (Index i = 0; i < R; ++i) {
      const Packet left = Eigen::internal::pload1<Packet>(a + i * row);
#pragma GCC unroll 8
      for (Index v = 0; v < V; ++v) sum[i][v] = Eigen::internal::pmadd(left, right[v], sum[i][v]);
    }
  }
#pragma GCC unroll 8
  for (Index i = 0; i < R; ++i) {
#pragma GCC unroll 8
    for (Index v = 0; v < V; ++v) {
      Scalar* const out = c + i * c_stride + v * width;
      Eigen::internal::pstoreu(
          out, into == Into::set
                   ? sum[i][v]
                   : Eigen::internal::pmul(sum[i][v], Eigen::internal::ploadu<Packet>(out)));
    }
  }
}

template <class Scalar, Index R, bool by_columns>
void multiply_tile(Index vectors, Index n, const Scalar* a, Index a_stride, const Scalar* b,
                   Index b_stride, const Scalar* start, Into into, Scalar* c, Index c_stride) {
  if (vectors == 3) {
    multiply_tile<Scalar, R, 3, by_columns>(n, a, a_stride, b, b_stride, start, into, c, c_stride);
  } else if (vectors == 2) {
    multiply_tile<Scalar, R, 2, by_columns>(n, a, a_stride, b, b_stride, start, into, c, c_stride);
  } else {
    multiply_tile<Scalar, R, 1, by_columns>(n, a, a_stride, b, b_stride, start, into, c, c_stride);
  }
}

}  // namespace fastlr
