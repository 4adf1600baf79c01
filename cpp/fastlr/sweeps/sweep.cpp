#include "fastlr/sweeps/sweep.hpp"

#include <algorithm>
#include <array>

#include "fastlr/matrices.hpp"
#include "fastlr/reading/column_block.hpp"
#include "fastlr/reading/prefetching.hpp"
#include "fastlr/registers/compensated.hpp"
#include "fastlr/sweeps/sparse_sweep.hpp"
#include "fastlr/threads.hpp"

namespace fastlr {
namespace {

constexpr Index min_slots = 8;
constexpr Index most_blocks_per_task = 16;     // of residuals, which share their workspace
constexpr Index slot_budget = Index{1} << 20;  // doubles in all slots together
constexpr Index values_per_sweep_part = Index{1} << 24;  // of X in one call: 5 to 60 ms on one core

/// One block's residuals of one target, times the weight.
struct Residuals {
  std::array<double, column_block_rows> hi;
  std::array<double, column_block_rows> lo;
};

/// Cache lines to prefetch beside so many registers of values, as a share of what they fill. Some are asked
/// for here and some where the gradient is summed, lest requests queue up in one place.
constexpr Index lines_beside(Index registers, Index quarters) {
  return (registers * lanes * Index{sizeof(double)} * quarters + 4 * cache_line - 1) /
         (4 * cache_line);
}
constexpr Index of_residuals = 3;
constexpr Index of_gradients = 2;

/// r = y - a - sum_j x_j b_j for U registers of rows: each product and each sum keeps its rounding
/// error. `ahead` are lines to prefetch.
template <Index U>
void residual_registers(const double* X, Index n_columns, const double* y, const double* b,
                        const double* b_low, DoubleDouble a, const std::byte* const* ahead,
                        double* hi, double* lo) {
  Lanes h[U];
  Lanes l[U];
#pragma GCC unroll 8
  for (Index u = 0; u < U; ++u) {
    l[u] = sum_error(load(y + u * lanes), broadcast(-a.hi), h[u]) - broadcast(a.lo);
  }
  for (Index j = 0; j < n_columns; ++j, X += column_block_rows) {
    const Factor coef(broadcast(b[j]));
    const Lanes minus_low = broadcast(-b_low[j]);
    for (Index line = 0; line < lines_beside(U, of_residuals); ++line) prefetch(*ahead++);
#pragma GCC unroll 8
    for (Index u = 0; u < U; ++u) {
      const Lanes x = load(X + u * lanes);
      const Lanes product = x * coef.value;
      const Lanes excess = product_excess(x, coef, product);
      Lanes s;
      const Lanes error = difference_error(h[u], product, s);
      h[u] = s;
      l[u] = multiply_add(x, minus_low, l[u] + (error + excess));
    }
  }
#pragma GCC unroll 8
  for (Index u = 0; u < U; ++u) {
    Lanes s;
    const Lanes error = sum_error(h[u], l[u], s);
    store(hi + u * lanes, s);
    store(lo + u * lanes, error);
  }
}

#if defined(__FP_FAST_FMA) || defined(__FMA__)
constexpr Index registers_at_once = lanes == 8 ? 4 : 2;
#else
constexpr Index registers_at_once = 2;
#endif

/// The most lines that are asked for at once.
constexpr Index lines_at_once(Index n_columns) {
  constexpr Index beside_gradient = column_block_rows / lanes * lines_beside(lanes, of_gradients);
  return std::max(n_columns * lines_beside(registers_at_once, of_residuals), beside_gradient);
}

/// The block's first n residuals; the rest is zero, so that it adds nothing.
void residual_block(const double* X, Index n_columns, const double* y, const double* b,
                    const double* b_low, DoubleDouble a, Index n, Prefetcher& prefetcher,
                    Residuals& r) {
  constexpr Index step = registers_at_once * lanes;
  for (Index i = 0; i < n; i += step) {
    const std::byte* const* ahead = prefetcher.next(lines_at_once(n_columns));
    residual_registers<registers_at_once>(X + i, n_columns, y + i, b, b_low, a, ahead,
                                          r.hi.data() + i, r.lo.data() + i);
  }
  std::fill(r.hi.begin() + n, r.hi.end(), 0.0);
  std::fill(r.lo.begin() + n, r.lo.end(), 0.0);
}

/// (hi, lo) += sum_r x_rc r for C columns.
template <Index C>
void gradient_columns(const double* X, const Residuals& r, Index n_groups, Prefetcher& prefetcher,
                      double* sums) {
  const std::byte* const* ahead = prefetcher.next(n_groups * lines_beside(C, of_gradients));
  Lanes h[C];
  Lanes l[C];
#pragma GCC unroll 8
  for (Index c = 0; c < C; ++c) {
    h[c] = load(sums + 2 * c * lanes);
    l[c] = load(sums + (2 * c + 1) * lanes);
  }
  for (Index i = 0; i < n_groups; ++i) {
    const Factor residual(load(r.hi.data() + i * lanes));
    const Lanes low = load(r.lo.data() + i * lanes);
    for (Index line = 0; line < lines_beside(C, of_gradients); ++line) prefetch(*ahead++);
#pragma GCC unroll 8
    for (Index c = 0; c < C; ++c) {
      const Lanes x = load(X + c * column_block_rows + i * lanes);
      const Lanes product = x * residual.value;
      const Lanes excess = product_excess(x, residual, product);
      Lanes s;
      const Lanes error = sum_error(h[c], product, s);
      h[c] = s;
      l[c] = multiply_add(x, low, l[c] + (error - excess));
    }
  }
#pragma GCC unroll 8
  for (Index c = 0; c < C; ++c) {
    store(sums + 2 * c * lanes, h[c]);
    store(sums + (2 * c + 1) * lanes, l[c]);
  }
}

void gradient_block(const double* X, Index n_columns, const Residuals& r, Index n_groups,
                    Prefetcher& prefetcher, double* sums) {
  constexpr Index at_once = lanes == 8 ? 4 : 2;
  Index j = 0;
  for (; j + at_once <= n_columns; j += at_once)
    gradient_columns<at_once>(X + j * column_block_rows, r, n_groups, prefetcher,
                              sums + 2 * j * lanes);
  for (; j < n_columns; ++j)
    gradient_columns<1>(X + j * column_block_rows, r, n_groups, prefetcher, sums + 2 * j * lanes);
}

/// r := w r, and into sums: += sum w r, sum w r^2 (r before weighting).
void weigh_and_sum(const double* weight, Index n_groups, Residuals& r, double* sums) {
  Lanes sum_hi = load(sums);
  Lanes sum_lo = load(sums + lanes);
  Lanes rss_hi = load(sums + 2 * lanes);
  Lanes rss_lo = load(sums + 3 * lanes);
  for (Index i = 0; i < n_groups; ++i) {
    const Lanes residual = load(r.hi.data() + i * lanes);
    Lanes h = residual;
    Lanes l = load(r.lo.data() + i * lanes);
    if (weight != nullptr) {
      const Lanes w = load(weight + i * lanes);
      h = w * residual;
      l = multiply_add(w, l, -product_excess(w, Factor(residual), h));
      store(r.hi.data() + i * lanes, h);
      store(r.lo.data() + i * lanes, l);
    }
    Lanes s;
    sum_lo = sum_lo + (sum_error(sum_hi, h, s) + l);
    sum_hi = s;
    rss_lo = rss_lo + sum_error(rss_hi, h * residual, s);
    rss_hi = s;
  }
  store(sums, sum_hi);
  store(sums + lanes, sum_lo);
  store(sums + 2 * lanes, rss_hi);
  store(sums + 3 * lanes, rss_lo);
}

/// Coefficients as the columns of X's n_terms want them.
struct Coefficients {
  Coefficients(const SweepProblem& problem, const double* coef, Index target)
      : hi(problem.n_columns()), lo(problem.n_columns()) {
    const Index p = problem.n_features;
    for (Index j = 0; j < problem.n_columns(); ++j) {
      hi[j] = coef[target * p + j % p];
      lo[j] = coef[(problem.n_targets + target) * p + j % p];
    }
  }
  Vector hi;
  Vector lo;
};

/// How many rows to prefetch ahead: what leaves most of a second-level cache to the block.
Index block_rows_ahead(const Prefetcher& prefetcher) {
  constexpr Index block_bytes_ahead = Index{1} << 15;
  const Index rows = block_bytes_ahead / std::max<Index>(1, prefetcher.row_bytes());
  return std::clamp<Index>(rows / column_block_rows, 1, 16) * column_block_rows;
}

void sweep_rows(const SweepProblem& problem, const ColumnBlocks& blocks,
                const std::vector<Coefficients>& coef, const double* intercept, RowRange range,
                double* sums) {
  const auto [first, last] = range;
  const Index n_columns = problem.n_columns();
  const Index t = problem.n_targets;
  Vector block(blocks.n_columns() * column_block_rows);
  std::array<double, column_block_rows> weight;
  Residuals r;
  Prefetcher prefetcher(problem.rows, lines_at_once(n_columns));
  const Index ahead = block_rows_ahead(prefetcher);
  for (Index start = first; start < last; start += column_block_rows) {
    const Index n = std::min(column_block_rows, last - start);
    const Index n_groups = (n + lanes - 1) / lanes;
    if ((start - first) % ahead == 0)
      prefetcher.aim(start + ahead, std::min(last, start + 2 * ahead));
    blocks.pack(start, n, block.data());
    if (problem.weight != nullptr) {
      load_column(*problem.weight, start, n, weight.data());
      std::fill(weight.begin() + n, weight.end(), 0.0);
    }
    for (Index k = 0; k < t; ++k) {
      const Coefficients& b = coef[static_cast<std::size_t>(k)];
      double* out = sums + k * accumulators(n_columns);
      residual_block(block.data(), n_columns, block.data() + (n_columns + k) * column_block_rows,
                     b.hi.data(), b.lo.data(), {intercept[k], intercept[t + k]}, n, prefetcher, r);
      weigh_and_sum(problem.weight != nullptr ? weight.data() : nullptr, n_groups, r,
                    out + 2 * n_columns * lanes);
      gradient_block(block.data(), n_columns, r, n_groups, prefetcher, out);
    }
  }
}

}  // namespace

SlotPlan plan_sweep(Index n_samples, Index n_columns, Index n_targets) {
  const Index slot_size = n_targets * accumulators(n_columns);
  return plan_slots({.n_samples = n_samples,
                     .fold_rows = column_block_rows,
                     .n_slots = std::clamp<Index>(slot_budget / slot_size, min_slots, most_slots),
                     .least_folds = 4,
                     .work_per_row = (n_columns + 1) * n_targets,
                     .work_per_part = values_per_sweep_part,
                     .slot_size = slot_size});
}

void sweep(const SweepProblem& problem, const double* coef, const double* intercept,
           const SlotPlan& plan, Index part, int n_threads, double* slots) {
  if (problem.rows.compressed.n_columns > 0)
    return sweep_sparse(problem, coef, intercept, plan, part, n_threads, slots);
  const ColumnBlocks blocks(problem.rows.columns, problem.scale);
  std::vector<Coefficients> b;
  for (Index k = 0; k < problem.n_targets; ++k) b.emplace_back(problem, coef, k);
  for_each_task(plan.n_slots, n_threads, [&](Index slot) {
    sweep_rows(problem, blocks, b, intercept,
               part_of_slot(plan, problem.rows.n_samples, slot, part),
               slots + slot * plan.slot_size);
  });
}

SweepTotals sweep_totals(const SweepProblem& problem, const SlotPlan& plan, Index target,
                         const double* slots) {
  const Index n_columns = problem.n_columns();
  // Lane by lane over the slots, then over the lanes: pairs (hi, lo) of each column, of the residuals and
  // of their squares.
  Vector sums = Vector::Zero(accumulators(n_columns));
  for (Index slot = 0; slot < plan.n_slots; ++slot) {
    const double* const more = slots + slot * plan.slot_size + target * accumulators(n_columns);
    for (Index e = 0; e < 2 * (n_columns + 2) * lanes; e += 2 * lanes) {
      double* const hi = sums.data() + e;
      const LanePairs sum =
          LanePairs{load(hi), load(hi + lanes)} + load_pairs(more + e, more + e + lanes);
      store(hi, sum.hi);
      store(hi + lanes, sum.lo);
    }
  }
  const auto total = [&](Index k) {
    const double* const hi = sums.data() + 2 * k * lanes;
    return total_of(hi, hi + lanes);
  };
  SweepTotals totals;
  totals.gradient.resize(static_cast<std::size_t>(problem.n_features));
  for (Index j = 0; j < n_columns; ++j) {
    DoubleDouble& g = totals.gradient[static_cast<std::size_t>(j % problem.n_features)];
    g = g + total(j);
  }
  totals.sum = total(n_columns);
  totals.rss = total(n_columns + 1).value();
  return totals;
}

void residuals(const SweepProblem& problem, const double* coef, const double* intercept,
               Index target, int n_threads, double* r) {
  const ColumnBlocks blocks(problem.rows.columns, problem.scale);
  const Coefficients b(problem, coef, target);
  const Index n_columns = problem.n_columns();
  const Index n_samples = problem.rows.n_samples;
  const Index n_blocks = (n_samples + column_block_rows - 1) / column_block_rows;
  const Index rows_per_task =
      std::clamp<Index>(n_blocks / (4 * std::max(n_threads, 1)), 1, most_blocks_per_task) *
      column_block_rows;
  for_each_task((n_samples + rows_per_task - 1) / rows_per_task, n_threads, [&](Index task) {
    Vector block(blocks.n_columns() * column_block_rows);
    Residuals part;
    Prefetcher nothing = Prefetcher::idle(lines_at_once(n_columns));
    const Index end = std::min(n_samples, (task + 1) * rows_per_task);
    for (Index start = task * rows_per_task; start < end; start += column_block_rows) {
      const Index n = std::min(column_block_rows, end - start);
      blocks.pack(start, n, block.data());
      residual_block(block.data(), n_columns,
                     block.data() + (n_columns + target) * column_block_rows, b.hi.data(),
                     b.lo.data(), {intercept[target], intercept[problem.n_targets + target]}, n,
                     nothing, part);
      std::copy_n(part.hi.data(), n, r + start);
      std::copy_n(part.lo.data(), n, r + n_samples + start);
    }
  });
}

void transposed_product(const SweepProblem& problem, const double* r, int n_threads,
                        double* total) {
  constexpr Index columns_per_task = 256;
  const Index p = problem.n_features;
  const Index n_samples = problem.rows.n_samples;
  std::fill_n(total, 2 * p, 0.0);
  for_each_task((p + columns_per_task - 1) / columns_per_task, n_threads, [&](Index task) {
    const Index first = task * columns_per_task;
    const Index n_columns = std::min(columns_per_task, p - first);
    for (Index term = 0; term < problem.n_terms; ++term) {
      const Index begin = term * p + first;
      const ColumnBlocks blocks(columns_of(problem.rows, begin, n_columns), problem.scale + begin);
      Vector block(n_columns * column_block_rows);
      Vector sums = Vector::Zero(2 * n_columns * lanes);
      Residuals part;
      Prefetcher nothing = Prefetcher::idle(lines_at_once(n_columns));
      for (Index start = 0; start < n_samples; start += column_block_rows) {
        const Index n = std::min(column_block_rows, n_samples - start);
        blocks.pack(start, n, block.data());
        part.hi.fill(0.0);
        part.lo.fill(0.0);
        std::copy_n(r + start, n, part.hi.data());
        std::copy_n(r + n_samples + start, n, part.lo.data());
        gradient_block(block.data(), n_columns, part, (n + lanes - 1) / lanes, nothing,
                       sums.data());
      }
      for (Index c = 0; c < n_columns; ++c) {
        const DoubleDouble g =
            DoubleDouble{total[first + c], total[p + first + c]} +
            total_of(sums.data() + 2 * c * lanes, sums.data() + (2 * c + 1) * lanes);
        total[first + c] = g.hi;
        total[p + first + c] = g.lo;
      }
    }
  });
}

}  // namespace fastlr
