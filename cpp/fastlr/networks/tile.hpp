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

// 24 sums in 32 registers, 12 in 16.
constexpr Index tile_rows = n_registers >= 32 ? 8 : 4;
constexpr Index tile_vectors = 3;

/// What a tile becomes, element by element: start + A B, or what the rectifier makes of it, or the
/// tile before + A B, or the tile before times A B, or A B where the gate is positive.
enum class Into : std::uint8_t { set, rectify, add, scale, pass };

/// How a product ends.
template <class Scalar>
struct Ending {
  Into into = Into::set;
  const Scalar* start = nullptr;  // one row for all rows of the tile
  const Scalar* gate = nullptr;   // as far apart as the rows of the tile

  Ending at_column(Index j) const {
    return {into, start != nullptr ? start + j : nullptr, gate != nullptr ? gate + j : nullptr};
  }
  Ending at_gate(Index shift) const {
    return {into, start, gate != nullptr ? gate + shift : nullptr};
  }
};

/// A tile (R, V registers) of C from n columns of A and n rows of B, summed in their order. Element (i,
/// k) of A is a[i * row + k * step].
template <class Scalar, Index R, Index V, bool by_columns>
void multiply_tile(Index n, const Scalar* a, Index a_stride, const Scalar* b, Index b_stride,
                   const Ending<Scalar>& ending, Scalar* c, Index c_stride) {
  using Packet = PacketOf<Scalar>;
  constexpr Index width = lanes_of<Scalar>;
  constexpr Index ahead = 12;  // rows of B
  const Index row = by_columns ? 1 : a_stride;
  const Index step = by_columns ? a_stride : 1;
  Packet sum[R][V];
  if (ending.into == Into::add) {
#pragma GCC unroll 8
    for (Index i = 0; i < R; ++i) {
#pragma GCC unroll 8
      for (Index v = 0; v < V; ++v)
        sum[i][v] = Eigen::internal::ploadu<Packet>(c + i * c_stride + v * width);
    }
  } else {
#pragma GCC unroll 8
    for (Index v = 0; v < V; ++v) {
      const Packet first = ending.start != nullptr
                               ? Eigen::internal::ploadu<Packet>(ending.start + v * width)
                               : Eigen::internal::pset1<Packet>(Scalar(0));
#pragma GCC unroll 8
      for (Index i = 0; i < R; ++i) sum[i][v] = first;
    }
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
  const auto store = [&](const auto& end) {
#pragma GCC unroll 8
    for (Index i = 0; i < R; ++i) {
#pragma GCC unroll 8
      for (Index v = 0; v < V; ++v) {
        const Index at = i * c_stride + v * width;
        Eigen::internal::pstoreu(c + at, end(sum[i][v], at));
      }
    }
  };
  const Packet zero = Eigen::internal::pset1<Packet>(Scalar(0));
  switch (ending.into) {
    case Into::set:
    case Into::add:
      return store([](const Packet& product, Index) { return product; });
    case Into::rectify:  // NaN stays NaN
      return store(
          [&](const Packet& product, Index) { return Eigen::internal::pmax(product, zero); });
    case Into::scale:
      return store([&](const Packet& product, Index at) {
        return Eigen::internal::pmul(product, Eigen::internal::ploadu<Packet>(c + at));
      });
    case Into::pass:
      return store([&](const Packet& product, Index at) {
        const Packet gate = Eigen::internal::ploadu<Packet>(ending.gate + at);
        return Eigen::internal::pand(product, Eigen::internal::pcmp_lt(zero, gate));
      });
  }
}

/// The first register of part k of so many, which are as even as may be.
constexpr Index first_of_part(Index k, Index n_parts, Index n_vectors) {
  return n_parts == 0 ? 0 : k * n_vectors / n_parts;
}

template <class Scalar, Index R, bool by_columns>
void multiply_tile(Index vectors, Index n, const Scalar* a, Index a_stride, const Scalar* b,
                   Index b_stride, const Ending<Scalar>& ending, Scalar* c, Index c_stride) {
  const auto of = [&]<Index V>() {
    multiply_tile<Scalar, R, V, by_columns>(n, a, a_stride, b, b_stride, ending, c, c_stride);
  };
  if (vectors == 3) return of.template operator()<3>();
  if (vectors == 2) return of.template operator()<2>();
  of.template operator()<1>();
}

}  // namespace fastlr
