// Plans of slots for Python, and the room for a plan's slots, which Python owns.
#pragma once

#include "bindings/arguments.hpp"
#include "bindings/level_module.hpp"
#include "fastlr/slots.hpp"

namespace fastlr {

template <class Name>
using SizeCalled = Index;

/// (n_slots, slot_size, n_parts) of the plan for sizes of these names, which all start at 1.
template <auto plan_for, class... Names>
void bind_plan(LevelModule& m, const char* name, const Names&... sizes) {
  m.def(
      name,
      [](SizeCalled<Names>... size) {
        require(((size >= 1) && ...), "the sizes of a plan start at 1");
        const SlotPlan plan = plan_for(size...);
        return results(plan.n_slots, plan.slot_size, plan.n_parts);
      },
      py::arg(sizes)...);
}

/// The slots (n_slots, slot_size) of a plan.
inline double* slots_of(const SlotPlan& plan, DoubleArray& slots) {
  check_size(slots, plan.n_slots * plan.slot_size, "slots");
  return slots.mutable_data();
}

/// ... which a part of the pass is to be added to.
inline double* slots_of(const SlotPlan& plan, Index part, DoubleArray& slots) {
  require(part >= 0 && part < plan.n_parts, "there is no such part");
  return slots_of(plan, slots);
}

inline const double* slots_of(const SlotPlan& plan, const DoubleArray& slots) {
  check_size(slots, plan.n_slots * plan.slot_size, "slots");
  return slots.data();
}

}  // namespace fastlr
