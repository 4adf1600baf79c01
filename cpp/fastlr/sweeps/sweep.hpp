// One pass over the rows that tells how far coefficients are from the least-squares solution, in
// about twice the working precision (Dot2 of Ogita, Rump and Oishi 2005): rounding in it is not
// magnified by the condition number squared, as it is in the moments.
#pragma once

#include "fastlr/registers/double_double.hpp"
#include "fastlr/rows.hpp"
#include "fastlr/slots.hpp"

namespace fastlr {

/// What a sweep is about. The columns of `rows` are `n_terms` tables of n_features columns each,
/// whose sum is X (a second table holds what rounding to float64 took from the first), then the
/// targets. All are read as x * scale, exactly; coef and intercept belong to these scaled columns.
struct SweepProblem {
  const Rows& rows;
  const Column* weight;  // or nullptr
  const double* scale;   // one power of two for each column of `rows`
  Index n_features;
  Index n_targets;
  Index n_terms = 1;

  Index n_columns() const { return n_terms * n_features; }  // of X's n_terms together
};

SlotPlan plan_sweep(Index n_samples, Index n_columns, Index n_targets);

/// r = y - a - X b in double-double, and into slots, for rows of part `part`:
///   += sum w x r,  sum w r,  sum w r^2.
/// coef: (2, n_targets, n_features) and intercept: (2, n_targets), unevaluated sums. slots:
/// (n_slots, slot_size), zeroed before part 0. Of rows that have a compressed form that one is read,
/// and of the features' columns nothing.
void sweep(const SweepProblem& problem, const double* coef, const double* intercept,
           const SlotPlan& plan, Index part, int n_threads, double* slots);

/// The slots merged in order, for one target.
struct SweepTotals {
  std::vector<DoubleDouble> gradient;  // (n_features) sum w x r
  DoubleDouble sum;                    // sum w r
  double rss = 0.0;                    // sum w r^2
};

SweepTotals sweep_totals(const SweepProblem& problem, const SlotPlan& plan, Index target,
                         const double* slots);

/// r = y - a - X b of one target: (2, n_samples), an unevaluated sum, is set.
void residuals(const SweepProblem& problem, const double* coef, const double* intercept,
               Index target, int n_threads, double* r);

/// total = X'r for r: (2, n_samples), an unevaluated sum over all rows. total: (2, n_features),
/// set.
void transposed_product(const SweepProblem& problem, const double* r, int n_threads, double* total);

}  // namespace fastlr
