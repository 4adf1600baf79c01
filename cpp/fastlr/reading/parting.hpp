// Rows of neighbours -> a register for each column.
#pragma once

#include <cstdint>
#include <utility>

#include "fastlr/registers/lanes.hpp"

namespace fastlr {

/// x[k] = values of column k of `lanes` rows of P neighbours, which may be read in whole eights.
/// Pairs may be packed: then there is nothing between two rows.
template <class Scalar, Index P, bool packed>
[[gnu::always_inline]] inline void part_neighbours(const std::byte* row, Index stride,
                                                   Lanes (&x)[P]) {
  constexpr Index size = sizeof(Scalar);
  if constexpr (packed && lanes > 1) {
    const Lanes front = load_as_doubles<Scalar>(row);
    const Lanes back = load_as_doubles<Scalar>(row + lanes * size);
    [&]<std::int64_t... k>(std::integer_sequence<std::int64_t, k...>) {
      x[0] = pick<2 * k...>(front, back);
      x[1] = pick<2 * k + 1 ...>(front, back);
    }(std::make_integer_sequence<std::int64_t, lanes>{});
    return;
  }
#if defined(EIGEN_VECTORIZE_AVX512)
  // Every second value of two rows, then every second pair of four, and of eight.
  const auto at = [&](Index i) { return row + i * stride; };
  const auto even = [](const Lanes& a, const Lanes& b) {
    return pick<0, 8, 2, 10, 4, 12, 6, 14>(a, b);
  };
  const auto odd = [](const Lanes& a, const Lanes& b) {
    return pick<1, 9, 3, 11, 5, 13, 7, 15>(a, b);
  };
  const auto even_pairs = [](const Lanes& a, const Lanes& b) {
    return pick<0, 1, 4, 5, 8, 9, 12, 13>(a, b);
  };
  const auto odd_pairs = [](const Lanes& a, const Lanes& b) {
    return pick<2, 3, 6, 7, 10, 11, 14, 15>(a, b);
  };
  const auto put = [&](Index k, const Lanes& column) {
    if (k < P) x[k] = column;
  };
  Lanes evens[4], odds[4];
  if constexpr (P <= 4) {  // halves of rows, paired so that they end up in order
#pragma GCC unroll 2
    for (Index k = 0; k < 2; ++k) {
      const Lanes a = load_halves<Scalar>(at(4 * k), at(4 * k + 2));
      const Lanes b = load_halves<Scalar>(at(4 * k + 1), at(4 * k + 3));
      evens[k] = even(a, b);
      odds[k] = odd(a, b);
    }
    put(0, even_pairs(evens[0], evens[1]));
    put(1, even_pairs(odds[0], odds[1]));
    put(2, odd_pairs(evens[0], evens[1]));
    put(3, odd_pairs(odds[0], odds[1]));
  } else {
#pragma GCC unroll 4
    for (Index k = 0; k < 4; ++k) {
      const Lanes a = load_as_doubles<Scalar>(at(2 * k));
      const Lanes b = load_as_doubles<Scalar>(at(2 * k + 1));
      evens[k] = even(a, b);
      odds[k] = odd(a, b);
    }
#pragma GCC unroll 2
    for (Index k = 0; k < 2; ++k) {
      const auto& rows = k == 0 ? evens : odds;
      const Lanes fourth[2] = {even_pairs(rows[0], rows[1]), even_pairs(rows[2], rows[3])};
      const Lanes between[2] = {odd_pairs(rows[0], rows[1]), odd_pairs(rows[2], rows[3])};
      put(k, even_pairs(fourth[0], fourth[1]));
      put(k + 4, odd_pairs(fourth[0], fourth[1]));
      put(k + 2, even_pairs(between[0], between[1]));
      put(k + 6, odd_pairs(between[0], between[1]));
    }
  }
#else
#pragma GCC unroll 8
  for (Index first = 0; first < P; first += lanes) {
    Eigen::internal::PacketBlock<Lanes, lanes> square;
#pragma GCC unroll 4
    for (Index i = 0; i < lanes; ++i)
      square.packet[i] = load_as_doubles<Scalar>(row + i * stride + first * size);
    if constexpr (lanes > 1) Eigen::internal::ptranspose(square);
#pragma GCC unroll 4
    for (Index k = 0; k < lanes; ++k)
      if (first + k < P) x[first + k] = square.packet[k];
  }
#endif
}

}  // namespace fastlr
