#include "fastlr/sweeps/combinations.hpp"

#include <algorithm>
#include <array>

#include "fastlr/matrices.hpp"
#include "fastlr/reading/column_block.hpp"
#include "fastlr/reading/prefetching.hpp"
#include "fastlr/registers/compensated.hpp"
#include "fastlr/threads.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr Index n_slots_wanted = 16;
constexpr Index products_at_once = Index{1} << 24;  // doubles in all slots' sums together
constexpr Index work_per_block = Index{1} << 29;    // terms of a block of rows in every slot
constexpr Index values_per_part = Index{1} << 24;   // of X in one call: 5 to 60 ms on one core
constexpr Index rows_at_once = (lanes == 8 ? 4 : 2) * lanes;
constexpr Index combinations_per_turn = 64;
constexpr Index most_lines = 16;  // to prefetch with one column

/// r for U registers of rows of one combination. `at_once` lines to prefetch go with each column.
template <Index U>
void remainder_registers(const double* block, const Combination& v, Index at_once,
                         Prefetcher& prefetcher, double* r) {
  Lanes h[U];
  Lanes l[U];
#pragma GCC unroll 8
  for (Index u = 0; u < U; ++u) {
    h[u] = broadcast(v.constant_hi);
    l[u] = broadcast(v.constant_lo);
  }
  for (std::size_t k = 0; k < v.columns.size(); ++k) {
    const double* x_k = block + v.columns[k] * column_block_rows;
    const Factor coef(broadcast(v.hi[k]));
    const Lanes low = broadcast(v.lo[k]);
    const std::byte* const* ahead = prefetcher.next(at_once);
    for (Index line = 0; line < at_once; ++line) prefetch(ahead[line]);
#pragma GCC unroll 8
    for (Index u = 0; u < U; ++u) {
      const Lanes x = load(x_k + u * lanes);
      const Lanes product = x * coef.value;
      const Lanes excess = product_excess(x, coef, product);
      Lanes s;
      const Lanes error = sum_error(h[u], product, s);
      h[u] = s;
      l[u] = multiply_add(x, low, l[u] + (error - excess));
    }
  }
#pragma GCC unroll 8
  for (Index u = 0; u < U; ++u) store(r + u * lanes, h[u] + l[u]);
}

/// r (column_block_rows) of one combination of the columns in `block`.
void remainder_block(const double* block, const Combination& v, Index at_once,
                     Prefetcher& prefetcher, double* r) {
  for (Index row = 0; row < column_block_rows; row += rows_at_once)
    remainder_registers<rows_at_once / lanes>(block + row, v, at_once, prefetcher, r + row);
}

/// Only columns that some combination needs are packed.
struct Needed {
  Needed(const Rows& rows, const double* scale, const std::vector<Combination>& combinations)
      : selected{rows.n_samples, {}} {
    std::vector<Index> place(rows.columns.size(), -1);
    for (const Combination& v : combinations)
      for (const Index j : v.columns) place[static_cast<std::size_t>(j)] = 0;
    for (std::size_t j = 0; j < place.size(); ++j) {
      if (place[j] < 0) continue;
      place[j] = selected.n_columns();
      selected.columns.push_back(rows.columns[j]);
      scales.push_back(scale[j]);
    }
    for (const Combination& v : combinations) {
      renumbered.push_back(v);
      for (Index& j : renumbered.back().columns) j = place[static_cast<std::size_t>(j)];
    }
  }
  Rows selected;
  std::vector<double> scales;
  std::vector<Combination> renumbered;
};

void combine_rows(const Needed& needed, const ColumnBlocks& blocks, const Column* weight,
                  RowRange range, double* sums) {
  const auto [first, last] = range;
  const Index k = static_cast<Index>(needed.renumbered.size());
  Vector block(std::max<Index>(1, blocks.n_columns()) * column_block_rows);
  Matrix r(column_block_rows, k);
  Matrix weighted(column_block_rows, k);
  Eigen::Map<Matrix> products(sums, k, k);
  VectorMap totals(sums + k * k, k);
  Index n_steps = 1;  // in which the lines of the next block are asked for
  for (const Combination& v : needed.renumbered)
    n_steps += static_cast<Index>(v.columns.size()) * (column_block_rows / rows_at_once);
  const Index n_lines = column_block_rows * Prefetcher(needed.selected, 0).row_bytes() / cache_line;
  const Index at_once = std::min(most_lines, n_lines / n_steps + 1);
  Prefetcher prefetcher(needed.selected, at_once);
  for (Index start = first; start < last; start += column_block_rows) {
    const Index n = std::min(column_block_rows, last - start);
    prefetcher.aim(start + column_block_rows, std::min(last, start + 2 * column_block_rows));
    blocks.pack(start, n, block.data());
    for (Index i = 0; i < k; ++i) {
      if (i % combinations_per_turn == 0) give_turn();
      remainder_block(block.data(), needed.renumbered[static_cast<std::size_t>(i)], at_once,
                      prefetcher, r.col(i).data());
      r.col(i).tail(column_block_rows - n).setZero();
    }
    weighted = r;
    for (Index row = 0; weight != nullptr && row < n; row += 8) {
      const Index count = std::min<Index>(8, n - row);
      const Eight w = load_eight(*weight, start + row, count);
      for (Index c = 0; c < count; ++c) {
        if (w[c] > 0.0) {
          weighted.row(row + c) *= w[c];
        } else {  // such rows may hold anything
          weighted.row(row + c).setZero();
          r.row(row + c).setZero();
        }
      }
    }
    totals += weighted.colwise().sum().transpose();
    for (Index j = 0; j < k; ++j) {
      if (j % combinations_per_turn == 0) give_turn();
      for (Index i = j; i < k; ++i) products(i, j) += weighted.col(i).dot(r.col(j));
    }
  }
}

}  // namespace

SlotPlan plan_combinations(Index n_samples, Index n_columns, Index n_combinations) {
  const Index k = n_combinations;
  const Index slot_size = k * k + k;
  const Index affordable =
      std::min(products_at_once / std::max<Index>(1, slot_size),
               work_per_block / (column_block_rows * (n_columns + k + 1) * (k + 1)));
  return plan_slots({.n_samples = n_samples,
                     .fold_rows = column_block_rows,
                     .n_slots = std::clamp<Index>(affordable, 1, n_slots_wanted),
                     .least_folds = 4,
                     .work_per_row = n_columns + k * (k + 4) + 1,
                     .work_per_part = values_per_part,
                     .slot_size = slot_size});
}

void combine(const Rows& rows, const Column* weight, const double* scale,
             const std::vector<Combination>& combinations, const SlotPlan& plan, Index part,
             int n_threads, double* slots) {
  const Needed needed(rows, scale, combinations);
  const ColumnBlocks blocks(needed.selected.columns, needed.scales.data());
  for_each_task(plan.n_slots, n_threads, [&](Index slot) {
    combine_rows(needed, blocks, weight, part_of_slot(plan, rows.n_samples, slot, part),
                 slots + slot * plan.slot_size);
  });
}

RowMatrix combined_products(const SlotPlan& plan, Index k, double weight, bool centred,
                            const double* slots) {
  RowMatrix products = RowMatrix::Zero(k, k);
  Vector totals = Vector::Zero(k);
  for (Index slot = 0; slot < plan.n_slots; ++slot) {
    give_turn();
    const double* sums = slots + slot * plan.slot_size;
    const Eigen::Map<const Matrix> part(sums, k, k);
    for (Index j = 0; j < k; ++j)
      for (Index i = j; i < k; ++i) products(i, j) += part(i, j);
    totals += ConstVectorMap(sums + k * k, k);
  }
  if (centred) products -= totals * totals.transpose() / weight;
  products.triangularView<Eigen::StrictlyUpper>() = products.transpose();
  return products;
}

}  // namespace fastlr
