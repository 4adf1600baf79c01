// Moments in double-double, for rows that cannot be read twice: products of (x - shift), which is
// kept as an unevaluated sum, accumulated with all their rounding errors (Dot2, Ogita, Rump and
// Oishi 2005). They carry about 30 digits, so that normal equations may square the condition
// number: 31 - 2 log10(kappa) digits are left.
#pragma once

#include "fastlr/rows.hpp"
#include "fastlr/slots.hpp"

namespace fastlr {

/// A slot holds registers of (hi, lo) for the lower triangle of (X | y | 1)'(X | y | 1).
SlotPlan plan_double_double(Index n_samples, Index n_columns);

/// slots += part `part` of the pass; zeroed before part 0.
void accumulate_double_double(const Rows& rows, const Column* weight, const double* shift,
                              const double* scale, const SlotPlan& plan, Index part, int n_threads,
                              double* slots);

/// Merge the slots in order and centre, all for columns * scale. mean: (2, q), cross: (2, q, q),
/// both set; returns the total weight.
double centre_double_double(const SlotPlan& plan, Index n_columns, const double* shift,
                            const double* scale, const double* slots, double* mean, double* cross);

/// out = a + b, or a - b with sign = -1. cross: (2, q, q).
double merge_double_double(Index n_columns, double sign, double weight_a, const double* mean_a,
                           const double* cross_a, double weight_b, const double* mean_b,
                           const double* cross_b, double* mean, double* cross);

}  // namespace fastlr
