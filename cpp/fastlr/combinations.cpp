#include "fastlr/combinations.hpp"

#include <algorithm>
#include <array>

#include "fastlr/column_block.hpp"
#include "fastlr/compensated.hpp"
#include "fastlr/row_blocks.hpp"

namespace fastlr {
namespace {

constexpr Index n_slots_wanted = 16;
constexpr Index values_per_part = Index{1} << 24;  // of X in one call: 5 to 60 ms on one core
constexpr Index groups = block_rows / lanes;

using AlignedVector = Eigen::Matrix<double, Eigen::Dynamic, 1>;

/// r (block_rows) of one combination of the columns in `block`.
void remainder_block(const double* block, const Combination& v, double* r) {
  for (Index g = 0; g < groups; ++g) {
    Lanes h = broadcast(v.constant_hi);
    Lanes l = broadcast(v.constant_lo);
    for (std::size_t k = 0; k < v.columns.size(); ++k) {
      const Lanes x = load(block + v.columns[k] * block_rows + g * lanes);
      const Factor coef(broadcast(v.hi[k]));
      const Lanes product = x * coef.value;
      const Lanes excess = product_excess(x, coef, product);
      Lanes s;
      const Lanes error = sum_error(h, product, s);
      h = s;
      l = multiply_add(x, broadcast(v.lo[k]), l + (error - excess));
    }
    store(r + g * lanes, h + l);
  }
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
                  Index first, Index last, double* sums) {
  const Index k = static_cast<Index>(needed.renumbered.size());
  AlignedVector block(std::max<Index>(1, blocks.n_columns()) * block_rows);
  Matrix r(block_rows, k);
  Matrix weighted(block_rows, k);
  Eigen::Map<Matrix> products(sums, k, k);
  VectorMap totals(sums + k * k, k);
  for (Index start = first; start < last; start += block_rows) {
    const Index n = std::min(block_rows, last - start);
    blocks.pack(start, n, block.data());
    for (Index i = 0; i < k; ++i) {
      remainder_block(block.data(), needed.renumbered[static_cast<std::size_t>(i)],
                      r.col(i).data());
      r.col(i).tail(block_rows - n).setZero();
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
    products.triangularView<Eigen::Lower>() += weighted.transpose() * r;
  }
}

}  // namespace

CombinationPlan plan_combinations(Index n_samples, Index n_columns, Index n_combinations) {
  CombinationPlan plan;
  const Index k = n_combinations;
  plan.slot_size = k * k + k;
  const Index blocks = (n_samples + block_rows - 1) / block_rows;
  plan.rows_per_slot =
      std::max<Index>(4, (blocks + n_slots_wanted - 1) / n_slots_wanted) * block_rows;
  plan.n_slots = std::max<Index>(1, (n_samples + plan.rows_per_slot - 1) / plan.rows_per_slot);
  const Index values_per_row = n_columns + k * (k + 4);
  const Index rows = values_per_part / (values_per_row * plan.n_slots);
  plan.rows_per_part =
      std::min(plan.rows_per_slot, std::max<Index>(1, rows / block_rows) * block_rows);
  plan.n_parts = (plan.rows_per_slot + plan.rows_per_part - 1) / plan.rows_per_part;
  return plan;
}

void combine(const Rows& rows, const Column* weight, const double* scale,
             const std::vector<Combination>& combinations, const CombinationPlan& plan, Index part,
             int n_threads, double* slots) {
  const Needed needed(rows, scale, combinations);
  const ColumnBlocks blocks(needed.selected, needed.scales.data());
  for_each_task(plan.n_slots, n_threads, [&](Index slot) {
    const Index end = std::min(rows.n_samples, (slot + 1) * plan.rows_per_slot);
    const Index first = std::min(end, slot * plan.rows_per_slot + part * plan.rows_per_part);
    combine_rows(needed, blocks, weight, first, std::min(end, first + plan.rows_per_part),
                 slots + slot * plan.slot_size);
  });
}

RowMatrix combined_products(const CombinationPlan& plan, Index k, double weight, bool centred,
                            const double* slots) {
  RowMatrix products = RowMatrix::Zero(k, k);
  Vector totals = Vector::Zero(k);
  for (Index slot = 0; slot < plan.n_slots; ++slot) {
    const double* sums = slots + slot * plan.slot_size;
    const Eigen::Map<const Matrix> part(sums, k, k);
    for (Index i = 0; i < k; ++i)
      for (Index j = 0; j <= i; ++j) products(i, j) += part(i, j);
    totals += ConstVectorMap(sums + k * k, k);
  }
  if (centred) products -= totals * totals.transpose() / weight;
  products.triangularView<Eigen::StrictlyUpper>() = products.transpose();
  return products;
}

}  // namespace fastlr
