// How a pass over the rows is cut: into slots, whose sums are kept apart and merged in order, and
// into parts, the calls that a pass is made of. A plan is a function of the shape alone, so that
// the answer never depends on threads or on patience.
#pragma once

#include <algorithm>

#include "fastlr/rows.hpp"

namespace fastlr {

struct SlotPlan {
  Index n_slots;        // each over consecutive rows
  Index rows_per_slot;  // a multiple of the rows that are summed before they are folded
  Index n_parts;        // calls, each short enough to stay interruptible
  Index rows_per_part;  // of each slot
  Index slot_size;      // doubles of one slot's sums
};

/// Of any pass whose sums are small: enough for many threads, few enough to merge.
constexpr Index most_slots = 64;

/// What a plan is made from.
struct SlotRequest {
  Index n_samples;
  Index fold_rows;        // rows that are summed together: no slot and no part ends within them
  Index n_slots;          // as many slots at most
  Index least_folds = 1;  // in a slot
  Index work_per_row;
  Index work_per_part;  // of all slots together
  Index slot_size;
};

inline SlotPlan plan_slots(const SlotRequest& wanted) {
  const auto times = [](Index whole, Index part) { return (whole + part - 1) / part; };
  const Index folds = times(wanted.n_samples, wanted.fold_rows);
  SlotPlan plan;
  plan.rows_per_slot =
      std::max(wanted.least_folds, times(folds, wanted.n_slots)) * wanted.fold_rows;
  plan.n_slots = std::max<Index>(1, times(wanted.n_samples, plan.rows_per_slot));
  const Index affordable = wanted.work_per_part / (wanted.work_per_row * plan.n_slots);
  plan.rows_per_part = std::min(
      plan.rows_per_slot, std::max<Index>(1, affordable / wanted.fold_rows) * wanted.fold_rows);
  plan.n_parts = times(plan.rows_per_slot, plan.rows_per_part);
  plan.slot_size = wanted.slot_size;
  return plan;
}

/// Rows [first, last).
struct RowRange {
  Index first;
  Index last;
};

/// The rows of one slot that one part of a pass reads; none, perhaps.
inline RowRange part_of_slot(const SlotPlan& plan, Index n_samples, Index slot, Index part) {
  const Index end = std::min(n_samples, (slot + 1) * plan.rows_per_slot);
  const Index first = std::min(end, slot * plan.rows_per_slot + part * plan.rows_per_part);
  return {first, std::min(end, first + plan.rows_per_part)};
}

}  // namespace fastlr
