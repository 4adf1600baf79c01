// C += Z'Z for at most eight variables: every product of two variables runs along the rows, all
// lanes useful. The sums stay spread over the lanes until they are folded.
#pragma once

#include "fastlr/lanes.hpp"
#include "fastlr/packing.hpp"
#include "fastlr/views.hpp"

namespace fastlr {

constexpr Index most_few = strip_width;

/// Index of the pair (i, j), j <= i, in a packed lower triangle.
constexpr Index pair_index(Index i, Index j) { return i * (i + 1) / 2 + j; }

/// Lower triangle of products, one vector of lanes per pair.
using LaneSums = Eigen::Array<double, lanes*(most_few*(most_few + 1) / 2), 1>;

/// sums[i, j] += z_i z_j for i in [First, Last), j <= i; panel (width, panel_rows) as pack_columns
/// gives it.
template <Index First, Index Last>
void pair_products(const double* panel, Index n_rows, double* sums) {
  constexpr Index first_pair = pair_index(First, 0);
  constexpr Index n_pairs = pair_index(Last, 0) - first_pair;
  Lanes sum[n_pairs];
#pragma GCC unroll 40
  for (Index k = 0; k < n_pairs; ++k) sum[k] = load(sums + (first_pair + k) * lanes);
  for (Index r = 0; r < n_rows; r += lanes) {
    Lanes z[Last];
#pragma GCC unroll 8
    for (Index j = 0; j < Last; ++j) z[j] = load(panel + j * panel_rows + r);
#pragma GCC unroll 8
    for (Index i = First; i < Last; ++i)
#pragma GCC unroll 8
      for (Index j = 0; j <= i; ++j)
        sum[pair_index(i, j) - first_pair] =
            multiply_add(z[i], z[j], sum[pair_index(i, j) - first_pair]);
  }
#pragma GCC unroll 40
  for (Index k = 0; k < n_pairs; ++k) store(sums + (first_pair + k) * lanes, sum[k]);
}

/// Variables [First, width): as many at a time as their sums fit the registers.
template <Index First = 0>
void all_pair_products(const double* panel, Index width, Index n_rows, double* sums) {
  constexpr Index room = n_registers >= 32 ? 24 : 11;
  constexpr auto fits = [](Index last) {
    return pair_index(last, 0) - pair_index(First, 0) <= room;
  };
  constexpr Index most = [fits] {
    Index last = First + 1;
    while (last < most_few && fits(last + 1)) ++last;
    return last;
  }();
  const auto last_is = [&]<Index Last>(std::integral_constant<Index, Last>) {
    if (width >= Last && (Last == most || width == Last))
      pair_products<First, Last>(panel, n_rows, sums);
  };
  [&]<Index... K>(std::integer_sequence<Index, K...>) {
    (last_is(std::integral_constant<Index, First + 1 + K>{}), ...);
  }(std::make_integer_sequence<Index, most - First>{});
  if constexpr (most < most_few) {
    if (width > most) all_pair_products<most>(panel, width, n_rows, sums);
  }
}

/// C (8, 8), lower triangle, = the sums over all lanes; the sums start anew.
inline void collect(LaneSums& sums, Index width, double* C) {
  for (Index i = 0; i < width; ++i)
    for (Index j = 0; j <= i; ++j)
      C[i * strip_width + j] = sum_of(load(sums.data() + pair_index(i, j) * lanes));
  sums.setZero();
}

}  // namespace fastlr
