#include "fastlr/sweeps/sparse_sweep.hpp"

#include <algorithm>
#include <array>

#include "fastlr/reading/loading.hpp"
#include "fastlr/registers/double_double.hpp"
#include "fastlr/threads.hpp"

namespace fastlr {
namespace {

constexpr Index sparse_rows_at_once = 64;
constexpr Index slots_at_once = 8;

/// sums (hi, lo), in the first lanes of two registers, += value + low.
inline void add_to(double* sums, double value, double low) {
  const DoubleDouble sum = two_sum(sums[0], value);
  sums[0] = sum.hi;
  sums[lanes] += sum.lo + low;
}

/// What a row needs to be read.
template <class Int>
struct Row {
  Row(const CompressedRows& X, Index i)
      : first(static_cast<const Int*>(X.start.data)[i]),
        last(static_cast<const Int*>(X.start.data)[i + 1]),
        columns(static_cast<const Int*>(X.columns.data)),
        values(X.values) {}

  Int first;
  Int last;
  const Int* columns;
  const double* values;
};

/// y - a - sum_j x_j b_j: each product and each sum keeps its rounding error.
template <class Int>
DoubleDouble residual_of(const Row<Int>& row, const double* scale, double y, const double* b,
                         const double* b_low, DoubleDouble a) {
  const DoubleDouble start = two_sum(y, -a.hi);
  double high = start.hi;
  double low = start.lo - a.lo;
  for (Int k = row.first; k < row.last; ++k) {
    const Index j = row.columns[k];
    const double x = row.values[k] * scale[j];
    const double product = x * b[j];
    const DoubleDouble difference = two_sum(high, -product);
    high = difference.hi;
    low = (low + (difference.lo + excess_of(x, b[j], product))) - x * b_low[j];
  }
  return two_sum(high, low);
}

template <class Int>
void add_gradient(const Row<Int>& row, const double* scale, DoubleDouble r, double* sums) {
  for (Int k = row.first; k < row.last; ++k) {
    const Index j = row.columns[k];
    const double x = row.values[k] * scale[j];
    const double product = x * r.hi;
    add_to(sums + 2 * j * lanes, product, x * r.lo - excess_of(x, r.hi, product));
  }
}

template <class Int>
void sweep_range(const SweepProblem& problem, const double* coef, const double* intercept,
                 RowRange range, double* slot) {
  const Index p = problem.n_features;
  const Index t = problem.n_targets;
  std::array<double, sparse_rows_at_once> y;
  std::array<double, sparse_rows_at_once> weight;
  for (Index start = range.first; start < range.last; start += sparse_rows_at_once) {
    const Index n = std::min(sparse_rows_at_once, range.last - start);
    if (problem.weight != nullptr) load_column(*problem.weight, start, n, weight.data());
    for (Index target = 0; target < t; ++target) {
      const Column& column = problem.rows.columns[static_cast<std::size_t>(p + target)];
      load_column(column, start, n, y.data());
      double* const sums = slot + target * accumulators(p);
      double* const tail = sums + 2 * p * lanes;
      for (Index i = 0; i < n; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const Row<Int> row(problem.rows.compressed, start + i);
        const DoubleDouble residual =
            residual_of(row, problem.scale, y[at] * problem.scale[p + target], coef + target * p,
                        coef + (t + target) * p, {intercept[target], intercept[t + target]});
        DoubleDouble weighted = residual;
        if (problem.weight != nullptr) {
          const double w = weight[at];
          weighted.hi = w * residual.hi;
          weighted.lo = w * residual.lo - excess_of(w, residual.hi, weighted.hi);
        }
        add_to(tail, weighted.hi, weighted.lo);
        add_to(tail + 2 * lanes, weighted.hi * residual.hi, 0.0);
        add_gradient(row, problem.scale, weighted, sums);
      }
    }
  }
}

}  // namespace

void sweep_sparse(const SweepProblem& problem, const double* coef, const double* intercept,
                  const SlotPlan& plan, Index part, int n_threads, double* slots) {
  // A few slots at a time, whose sums then stay in the cache: parts of a plan are for dense rows.
  const Index n_groups = std::clamp<Index>(plan.n_slots / slots_at_once, 1, plan.n_parts);
  const Index n_pieces = plan.n_parts / n_groups;
  const Index group = part / n_pieces;
  if (group >= n_groups) return;
  const Index first = group * plan.n_slots / n_groups;
  const Index last = (group + 1) * plan.n_slots / n_groups;
  const Index piece = (plan.rows_per_slot + n_pieces - 1) / n_pieces;
  for_each_task(last - first, n_threads, [&](Index task) {
    const Index k = first + task;
    const Index end = std::min(problem.rows.n_samples, (k + 1) * plan.rows_per_slot);
    const Index begin = std::min(end, k * plan.rows_per_slot + part % n_pieces * piece);
    const RowRange range{begin, std::min(end, begin + piece)};
    double* const slot = slots + k * plan.slot_size;
    if (problem.rows.compressed.columns.are_wide) {
      sweep_range<std::int64_t>(problem, coef, intercept, range, slot);
    } else {
      sweep_range<std::int32_t>(problem, coef, intercept, range, slot);
    }
  });
}

}  // namespace fastlr
