#include "fastlr/sweeps/double_double_moments.hpp"

#include <algorithm>
#include <array>

#include "fastlr/matrices.hpp"
#include "fastlr/reading/column_block.hpp"
#include "fastlr/registers/compensated.hpp"
#include "fastlr/threads.hpp"

namespace fastlr {
namespace {

constexpr Index most_in_slots = Index{1} << 21;   // doubles of all
constexpr Index pairs_per_part = Index{1} << 24;  // products in one call: some 10 to 60 ms
constexpr Index groups = column_block_rows / lanes;

constexpr Index pairs_below(Index i) { return i * (i + 1) / 2; }

/// Registers (hi, lo) of the products of variable i with those up to it.
double* row_of(double* slot, Index i) { return slot + 2 * lanes * pairs_below(i); }
const double* row_of(const double* slot, Index i) { return slot + 2 * lanes * pairs_below(i); }

/// One block of z = x - shift = hi + lo exactly, and v = w z, in column order; the last column is
/// the constant.
struct Block {
  explicit Block(Index n_variables)
      : hi(n_variables * column_block_rows),
        lo(n_variables * column_block_rows),
        weighted_hi(n_variables * column_block_rows),
        weighted_lo(n_variables * column_block_rows) {}
  Vector hi, lo, weighted_hi, weighted_lo;
};

void load_block(const ColumnBlocks& blocks, const Column* weight, const double* origin, Index first,
                Index n, Block& block) {
  const Index q = blocks.n_columns();
  blocks.pack(first, n, block.hi.data());
  std::array<double, column_block_rows> w{};
  if (weight != nullptr) {
    load_column(*weight, first, n, w.data());
  } else {
    std::fill_n(w.begin(), n, 1.0);
  }
  for (Index j = 0; j <= q; ++j) {
    const Lanes shift = broadcast(j < q ? -origin[j] : 1.0);
    for (Index i = 0; i < groups; ++i) {
      const Index at = j * column_block_rows + i * lanes;
      const Lanes x = j < q ? load(block.hi.data() + at) : broadcast(0.0);
      const Factor weights(load(w.data() + i * lanes));
      Lanes high;
      const Lanes low = sum_error(x, shift, high);
      const Lanes product = high * weights.value;
      const Lanes rest = multiply_add(low, weights.value, -product_excess(high, weights, product));
      store(block.hi.data() + at, high);
      store(block.lo.data() + at, low);
      store(block.weighted_hi.data() + at, product);
      store(block.weighted_lo.data() + at, rest);
    }
  }
}

/// (hi, lo) += sum z_c v over the block, for C neighbouring variables z and one v.
template <Index C>
void multiply_columns(const Block& block, Index first, Index variable, double* sums) {
  Lanes h[C];
  Lanes l[C];
#pragma GCC unroll 8
  for (Index c = 0; c < C; ++c) {
    h[c] = load(sums + 2 * c * lanes);
    l[c] = load(sums + (2 * c + 1) * lanes);
  }
  for (Index i = 0; i < groups; ++i) {
    const Factor v(load(block.weighted_hi.data() + variable * column_block_rows + i * lanes));
    const Lanes v_low = load(block.weighted_lo.data() + variable * column_block_rows + i * lanes);
#pragma GCC unroll 8
    for (Index c = 0; c < C; ++c) {
      const Lanes z = load(block.hi.data() + (first + c) * column_block_rows + i * lanes);
      const Lanes z_low = load(block.lo.data() + (first + c) * column_block_rows + i * lanes);
      const Lanes product = z * v.value;
      const Lanes excess = product_excess(z, v, product);
      Lanes s;
      const Lanes error = sum_error(h[c], product, s);
      h[c] = s;
      l[c] = multiply_add(z_low, v.value, multiply_add(z, v_low, l[c] + (error - excess)));
    }
  }
#pragma GCC unroll 8
  for (Index c = 0; c < C; ++c) {
    // Renormalised, so that lo stays small however many rows there are.
    Lanes s;
    const Lanes error = sum_error(h[c], l[c], s);
    store(sums + 2 * c * lanes, s);
    store(sums + (2 * c + 1) * lanes, error);
  }
}

void multiply_row(const Block& block, Index variable, double* sums) {
  constexpr Index at_once = lanes == 8 ? 4 : 2;
  Index j = 0;
  for (; j + at_once <= variable + 1; j += at_once)
    multiply_columns<at_once>(block, j, variable, sums + 2 * j * lanes);
  for (; j <= variable; ++j) multiply_columns<1>(block, j, variable, sums + 2 * j * lanes);
}

DoubleDouble pair_at(const double* values, Index size, Index k) {
  return {values[k], values[size + k]};
}

void set_pair(double* values, Index size, Index k, DoubleDouble x) {
  values[k] = x.hi;
  values[size + k] = x.lo;
}

}  // namespace

SlotPlan plan_double_double(Index n_samples, Index n_columns) {
  const Index pairs = pairs_below(n_columns + 1) + n_columns + 1;
  const Index slot_size = 2 * lanes * pairs;
  return plan_slots({.n_samples = n_samples,
                     .fold_rows = column_block_rows,
                     .n_slots = std::clamp<Index>(most_in_slots / slot_size, 1, most_slots),
                     .least_folds = 4,
                     .work_per_row = pairs,
                     .work_per_part = pairs_per_part,
                     .slot_size = slot_size});
}

void accumulate_double_double(const Rows& rows, const Column* weight, const double* shift,
                              const double* scale, const SlotPlan& plan, Index part, int n_threads,
                              double* slots) {
  const ColumnBlocks blocks(rows.columns, scale);
  const Index q = rows.n_columns();
  Vector origin(q);
  for (Index j = 0; j < q; ++j) origin[j] = shift[j] * scale[j];
  const auto range_of = [&](Index slot) { return part_of_slot(plan, rows.n_samples, slot, part); };
  if (plan.n_slots == 1) {  // many columns: the threads share the products of a block
    Block block(q + 1);
    const auto [first, last] = range_of(0);
    for (Index start = first; start < last; start += column_block_rows) {
      load_block(blocks, weight, origin.data(), start, std::min(column_block_rows, last - start),
                 block);
      for_each_task(q + 1, q < 64 ? 1 : n_threads,
                    [&](Index i) { multiply_row(block, i, row_of(slots, i)); });
    }
    return;
  }
  for_each_task(plan.n_slots, n_threads, [&](Index slot) {
    Block block(q + 1);
    const auto [first, last] = range_of(slot);
    for (Index start = first; start < last; start += column_block_rows) {
      load_block(blocks, weight, origin.data(), start, std::min(column_block_rows, last - start),
                 block);
      for (Index i = 0; i <= q; ++i)
        multiply_row(block, i, row_of(slots + slot * plan.slot_size, i));
    }
  });
}

double centre_double_double(const SlotPlan& plan, Index q, const double* shift, const double* scale,
                            const double* slots, double* mean, double* cross) {
  const auto sum = [&](Index i, Index j) {
    DoubleDouble total;
    for (Index slot = 0; slot < plan.n_slots; ++slot) {
      const double* sums = row_of(slots + slot * plan.slot_size, i) + 2 * j * lanes;
      total = total + total_of(sums, sums + lanes);
    }
    return total;
  };
  const DoubleDouble weight = sum(q, q);
  std::vector<DoubleDouble> first(static_cast<std::size_t>(q));
  for (Index j = 0; j < q; ++j) first[static_cast<std::size_t>(j)] = sum(q, j);
  for (Index i = 0; i < q; ++i) {
    const DoubleDouble mean_z = first[static_cast<std::size_t>(i)] / weight;
    set_pair(mean, q, i, DoubleDouble{shift[i] * scale[i], 0.0} + mean_z);
    for (Index j = 0; j <= i; ++j) {
      const DoubleDouble c = sum(i, j) - mean_z * first[static_cast<std::size_t>(j)];
      set_pair(cross, q * q, i * q + j, c);
      set_pair(cross, q * q, j * q + i, c);
    }
  }
  return weight.value();
}

double merge_double_double(Index q, double sign, double weight_a, const double* mean_a,
                           const double* cross_a, double weight_b, const double* mean_b,
                           const double* cross_b, double* mean, double* cross) {
  // With sign -1 this is the moments of a merged with those of -weight_b rows.
  const DoubleDouble a{weight_a, 0.0};
  const DoubleDouble b{sign * weight_b, 0.0};
  const DoubleDouble weight = a + b;
  const DoubleDouble harmonic = a * b / weight;
  std::vector<DoubleDouble> gap(static_cast<std::size_t>(q));
  for (Index j = 0; j < q; ++j) {
    const DoubleDouble of_a = pair_at(mean_a, q, j);
    const DoubleDouble of_b = pair_at(mean_b, q, j);
    set_pair(mean, q, j, (a * of_a + b * of_b) / weight);
    gap[static_cast<std::size_t>(j)] = of_b - of_a;
  }
  for (Index i = 0; i < q; ++i)
    for (Index j = 0; j < q; ++j) {
      const Index e = i * q + j;
      const DoubleDouble other = pair_at(cross_b, q * q, e);
      const DoubleDouble sum = pair_at(cross_a, q * q, e) + (sign > 0.0 ? other : -other);
      set_pair(
          cross, q * q, e,
          sum + harmonic * (gap[static_cast<std::size_t>(i)] * gap[static_cast<std::size_t>(j)]));
    }
  return weight.value();
}

}  // namespace fastlr
