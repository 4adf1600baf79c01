// Squared loss, or another one of the residuals, and its gradient over all rows, in one pass over
// rows that stay where they lie.
#pragma once

#include "fastlr/descent/residual_loss.hpp"
#include "fastlr/rows.hpp"
#include "fastlr/slots.hpp"

namespace fastlr {

/// A slot holds sum w r^2, sum w r, six of padding, then X' (w r) in whole eights; of another loss l
/// the sums of 2 w l(r), of w l'(r) and of w l'(r) x.
SlotPlan plan_loss(Index n_samples, Index n_features);

/// r = X b + a - y with theta = (b_1 .. b_p, a); the last column of `rows` is y. slots (n_slots,
/// slot_size), zeroed before part 0, += sums over part `part`. `weight` may be nullptr.
void accumulate_loss(const Rows& rows, const Column* weight, const double* theta,
                     const SlotPlan& plan, Index part, int n_threads, double* slots,
                     const ResidualLoss& loss = {});

/// Adds the slots in order: gradient (p + 1), set, = (X' (w r), sum w r). Returns sum w r^2; of
/// another loss, twice its sum.
double add_slots(const SlotPlan& plan, Index n_features, const double* slots, double* gradient);

/// max over rows of weight of sum_j ((x_j - centre_j) factor_j)^2; centre and factor may be
/// nullptr. The last column of `rows` is y, and does not count.
double largest_row_norm(const Rows& rows, const Column* weight, const double* centre,
                        const double* factor, Index first, Index last, int n_threads);

}  // namespace fastlr
