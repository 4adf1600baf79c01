// What is left of combinations of columns, row by row in about twice the working precision: whether
// columns depend on one another is settled by the rows themselves.
#pragma once

#include <vector>

#include "fastlr/algebra/scaled_equations.hpp"
#include "fastlr/matrices.hpp"
#include "fastlr/slots.hpp"

namespace fastlr {

/// r = a + sum_j x_j v_j, the coefficients v and a unevaluated sums. The columns of `rows` are read
/// as x * scale; those whose coefficient is 0 cost nothing.
struct Combination {
  std::vector<Index> columns;
  std::vector<double> hi;
  std::vector<double> lo;
  double constant_hi = 0.0;
  double constant_lo = 0.0;
};

/// A slot holds (k, k) products, then (k) sums.
SlotPlan plan_combinations(Index n_samples, Index n_columns, Index n_combinations);

/// Into slots, for rows of part `part`: += sum w r_i r_j (lower triangle) and sum w r_i. `weight`
/// may be nullptr; slots: (n_slots, slot_size), zeroed before part 0. r is rounded to double after
/// it was summed.
void combine(const Rows& rows, const Column* weight, const double* scale,
             const std::vector<Combination>& combinations, const SlotPlan& plan, Index part,
             int n_threads, double* slots);

/// The slots added in order: products about the means, (k, k), and nothing taken away without
/// `centred`.
RowMatrix combined_products(const SlotPlan& plan, Index n_combinations, double weight, bool centred,
                            const double* slots);

}  // namespace fastlr
