// A sweep over rows that are mostly zeros, by the values that are kept.
#pragma once

#include "fastlr/registers/lanes.hpp"
#include "fastlr/sweeps/sweep.hpp"

namespace fastlr {

/// Registers of accumulators for one target: (hi, lo) for each column of X and for sum w r, and sum
/// w r^2.
constexpr Index accumulators(Index n_columns) { return (2 * (n_columns + 2)) * lanes; }

/// As sweep(), with sums in the first lane of each register. Values are single ones, not registers,
/// and there is one term.
void sweep_sparse(const SweepProblem& problem, const double* coef, const double* intercept,
                  const SlotPlan& plan, Index part, int n_threads, double* slots);

}  // namespace fastlr
