// C += Z'Z for at most eight variables: every product of two variables runs along the rows, all
// lanes useful. The panel holds variable after variable here, and the sums stay spread over the
// lanes until they are folded.
#pragma once

#include <algorithm>
#include <vector>

#include "fastlr/matrices.hpp"
#include "fastlr/reading/packing.hpp"
#include "fastlr/reading/prefetching.hpp"
#include "fastlr/registers/lanes.hpp"

namespace fastlr {

constexpr Index most_few = strip_width;
constexpr Index spilled = strip_width - 1;

/// panel[c, :n] = z of neighbouring columns c, n rows from `row` on: squares of `Packet`,
/// transposed. What they spill over into later columns is overwritten by these; the panel has room
/// for `spilled` more.
template <class Scalar, class Packet>
void pack_neighbours(const PanelLayout& layout, const Neighbours& run, Index row, Index n,
                     const double* root, double* panel) {
  namespace packets = Eigen::internal;
  constexpr Index width = packets::unpacket_traits<Packet>::size;
  const Index stride = layout.column(run.first).stride;
  for (Index first = run.first; first < run.first + run.count; first += width) {
    Packet scale[width], offset[width];
#pragma GCC unroll 8
    for (Index k = 0; k < width; ++k) {
      const Index c = std::min(first + k, most_few - 1);
      scale[k] = packets::pset1<Packet>(layout.scale()[c]);
      offset[k] = packets::pset1<Packet>(layout.offset()[c]);
    }
    const std::byte* x = layout.column(first).at(row);
    for (Index r = 0; r < n; r += width, x += width * stride) {
      packets::PacketBlock<Packet, width> block;
#pragma GCC unroll 8
      for (Index i = 0; i < width; ++i)
        block.packet[i] = load_as_doubles<Scalar, Packet>(x + i * stride);
      if constexpr (width > 1) packets::ptranspose(block);
#pragma GCC unroll 8
      for (Index k = 0; k < width; ++k) {
        Packet z = packets::pmadd(block.packet[k], scale[k], offset[k]);
        if (root != nullptr) z = packets::pmul(z, packets::ploadu<Packet>(root + r));
        packets::pstoreu(panel + (first + k) * panel_rows + r, z);
      }
    }
  }
}

/// The same by the narrowest squares that hold the neighbours.
template <class Scalar>
void pack_neighbours(const PanelLayout& layout, const Neighbours& run, Index row, Index n,
                     const double* root, double* panel) {
  using Two = Eigen::internal::find_best_packet<double, 2>::type;
  using Four = Eigen::internal::find_best_packet<double, 4>::type;
  if (run.count <= 2) {
    pack_neighbours<Scalar, Two>(layout, run, row, n, root, panel);
  } else if (run.count <= 4) {
    pack_neighbours<Scalar, Four>(layout, run, row, n, root, panel);
  } else {
    pack_neighbours<Scalar, Lanes>(layout, run, row, n, root, panel);
  }
}

/// Ask for the memory of n rows of one variable, or of all its neighbours.
inline void prefetch_rows(const Column& column, Index row, Index n) {
  if (column.stride <= 0 || column.stride > cache_line) return;
  const std::byte* start = column.at(row);
  for (Index offset = 0; offset < n * column.stride; offset += cache_line) prefetch(start + offset);
}

/// The runs of neighbours among the columns of a layout of one strip.
inline std::vector<Neighbours> runs_of(const PanelLayout& layout) {
  std::vector<Neighbours> runs;
  const Index n_columns = layout.strip(0).n_columns;
  for (Index c = 0; c < n_columns; c += std::max<Index>(1, runs.back().count))
    runs.push_back(layout.neighbours_from(c, n_columns - c));
  return runs;
}

/// panel (width, panel_rows) = rows [first, first + n) of a layout of one strip and its runs; up to
/// a whole eight the rows beyond are zero.
inline void pack_few(const PanelLayout& layout, const std::vector<Neighbours>& runs, Index first,
                     Index n, const double* root, double* panel) {
  constexpr Index rows_ahead = 256;
  const auto pack_column = [&](Index c, Index done) {
    double* const out = panel + c * panel_rows;
    Eigen::Map<Eigen::ArrayXd> z(out + done, n - done);
    const double* x = layout.values(c, first + done, n - done, out + done);
    z = Eigen::Map<const Eigen::ArrayXd>(x, n - done) * layout.scale()[c] + layout.offset()[c];
    if (root != nullptr) z *= Eigen::Map<const Eigen::ArrayXd>(root + done, n - done);
    std::fill(out + n, out + round_up(n, 8), 0.0);
  };
  for (const Neighbours& run : runs) {
    const bool by_rows = run.count > 0 && first + n <= run.safe_rows;
    const Index done = by_rows ? n / 8 * 8 : 0;
    if (!by_rows) prefetch_rows(layout.column(run.first), first + rows_ahead, n);
    if (done > 0 && layout.column(run.first).dtype == DType::f32) {
      pack_neighbours<float>(layout, run, first, done, root, panel);
    } else if (done > 0) {
      pack_neighbours<double>(layout, run, first, done, root, panel);
    }
    for (Index c = run.first; c < run.first + std::max<Index>(1, run.count); ++c)
      if (done < n) pack_column(c, done);
  }
  double* const constant = panel + layout.strip(0).n_columns * panel_rows;
  if (root == nullptr) {
    std::fill_n(constant, n, 1.0);
  } else {
    std::copy_n(root, n, constant);
  }
  std::fill(constant + n, constant + round_up(n, 8), 0.0);
}

/// Index of the pair (i, j), j <= i, in a packed lower triangle.
constexpr Index pair_index(Index i, Index j) { return i * (i + 1) / 2 + j; }

/// Lower triangle of products, one vector of lanes per pair.
using LaneSums = Eigen::Array<double, lanes*(most_few*(most_few + 1) / 2), 1>;

/// sums[i, j] += z_i z_j for i in [First, Last), j <= i; panel (width, panel_rows) as pack_few
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
