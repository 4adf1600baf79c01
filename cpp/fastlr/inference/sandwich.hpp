// The inner part of robust covariances, one pass over the rows without a table of scores. Instead of
// z it is about factor'z, if there is a factor:
//   meat       sum u^2 z z',  u = w r (HC0), w r / sqrt(1 - h) (HC2), w r / (1 - h) (HC3)
//   hac_meat   sum over lags l of (1 - |l| / (L + 1)) sum_t s_t s_(t-l)',  s = w r z
#pragma once

#include "fastlr/inference/fitted_rows.hpp"
#include "fastlr/slots.hpp"

namespace fastlr {

/// What residuals are divided by.
enum class Correction { none, root_of_rest, rest };

SlotPlan plan_meat(Index n_samples, Index n_features);

/// slots += part `part` of the sums. Of a row that counts w times, u^2 is taken w times. A correction
/// needs a factor. slots: (n_slots, slot_size), zeroed before part 0.
void robust_meat(const FittedRows& fit, Correction correction, const SlotPlan& plan, Index part,
                 int n_threads, double* slots);

/// The slots merged in order: out (p + 1, p + 1) is set. Returns how many rows have a leverage of 1,
/// so that their part cannot be stated: with a correction, if there are any, out is NaN.
Index meat_totals(const SlotPlan& plan, Index n_features, const double* slots, double* out);

/// Bartlett's weights make the sum over lags one of windows of L + 1 scores, which end at the rows
/// t < n + L: sum_t b_t b_t' / (L + 1), b_t = s_(t-L) + ... + s_t. A window goes on from the last
/// one, with rounding errors kept, so that the cost does not depend on L.
SlotPlan plan_hac(Index n_samples, Index n_features, Index n_lags);

/// slots += part `part` of the sums of windows, in the rows' order.
void hac_meat(const FittedRows& fit, Index n_lags, const SlotPlan& plan, Index part, int n_threads,
              double* slots);

/// out (p + 1, p + 1) is set.
void hac_totals(const SlotPlan& plan, Index n_features, Index n_lags, const double* slots,
                double* out);

}  // namespace fastlr
