// Moments of every fold of cross-validation from one pass, wherever the folds' rows lie: a row is
// packed where its neighbours are, and dealt to the panel of its fold.
#pragma once

#include <cstdint>

#include "fastlr/products/moments.hpp"

namespace fastlr {

/// For each fold a slot holds what those of plan_pass() hold.
SlotPlan plan_folds(Index n_samples, Index n_columns);

/// slots += part `part` of the pass, row r to those of fold label[r], in [0, n_folds). slots: (n_folds,
/// n_slots, slot_size), zeroed before part 0; centre() takes those of one fold. Otherwise as accumulate().
void accumulate_folds(const Rows& rows, const Column* weight, const double* shift,
                      const double* scale, const std::int32_t* label, Index n_folds,
                      const SlotPlan& plan, Index part, int n_threads, double* slots);

}  // namespace fastlr
