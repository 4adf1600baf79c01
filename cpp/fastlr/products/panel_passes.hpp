// What passes have in common that end in sums of products of panels: how their rows are cut, and
// the sums of many variables, which the threads share.
#pragma once

#include <algorithm>
#include <limits>

#include "fastlr/large_zeros.hpp"
#include "fastlr/matrices.hpp"
#include "fastlr/products/cross_products.hpp"
#include "fastlr/products/moments.hpp"
#include "fastlr/products/packing.hpp"
#include "fastlr/products/shared_products.hpp"
#include "fastlr/slots.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {

using AlignedVector = Eigen::Matrix<double, Eigen::Dynamic, 1>;

/// Leading dimension of sums whose lower half leaves half of a second-level cache of 1 MiB to a
/// panel. More variables than that make one slot, which the threads share.
constexpr Index most_slotted = 256;

/// How many rows are summed before they are folded: more where folding costs more beside the
/// products of a row. A function of the number of variables alone, as the order of all sums is.
constexpr Index rows_to_fold(Index padded) {
  return padded > most_slotted ? rows_per_fold
                               : rows_per_fold * std::clamp<Index>(padded / 24, 1, 4);
}

/// Multiply-adds for one row, with an allowance for packing it.
constexpr Index work_per_row(Index padded) { return padded * (padded / 2 + 16); }

/// The slots of a pass over so many rows, at most most_slots of them: each holds two matrices
/// (padded, padded), and `more` doubles behind them. A row takes `repeats` times the work of its
/// products.
inline SlotPlan plan_panels(Index n_samples, Index padded, Index most_slots, Index more,
                            Index repeats = 1) {
  constexpr Index slot_budget = Index{1} << 20;    // doubles in all slots' sums together
  constexpr Index least_folds = 4;                 // in a slot, whose sums are cold at first
  constexpr Index work_per_part = Index{1} << 29;  // multiply-adds in one call: some 5 to 80 ms
  const Index size = padded * padded;
  const bool is_slotted = padded <= most_slotted;
  return plan_slots(
      {.n_samples = n_samples,
       .fold_rows = rows_to_fold(padded),
       .n_slots = is_slotted ? std::clamp<Index>(slot_budget / size, 1, most_slots) : 1,
       .least_folds = is_slotted ? least_folds : 1,
       .work_per_row = repeats * work_per_row(padded),
       // Blocks give their caller turns by themselves.
       .work_per_part = is_slotted ? work_per_part : std::numeric_limits<Index>::max(),
       .slot_size = 2 * size + more});
}

/// How many rows to prefetch ahead: a panel, or two short ones. More would drive them out of the
/// second-level cache again before they are packed.
inline Index panel_rows_ahead(const Prefetcher& prefetcher) {
  constexpr Index panel_bytes_ahead = Index{1} << 16;
  const Index rows = panel_bytes_ahead / std::max<Index>(1, prefetcher.row_bytes());
  return rows < 2 * panel_rows ? panel_rows : 2 * panel_rows;
}

/// The depth of the panels of a pass.
constexpr Index depth_of_panels(Index padded) {
  return padded > most_slotted ? DeepPanel::depth : panel_rows;
}

/// Consecutive rows of deep panels that lie one behind the other, in pieces of panel_rows.
struct Panels {
  Index start;  // the first row of the first one
  Index end;
  Index count;  // of pieces

  Index first_row(Index k) const { return start + k * panel_rows; }
  Index rows_in(Index k) const { return std::min(panel_rows, end - first_row(k)); }
  /// Where piece k begins in its panel's first strip.
  Index offset(Index k, const PanelLayout& layout) const {
    constexpr Index pieces = DeepPanel::depth / panel_rows;
    return k / pieces * layout.panel_size() + k % pieces * panel_rows * strip_width;
  }
};

/// Many variables, one slot: `fill(panels, data)` packs some folds of rows, on threads of its own,
/// into deep panels, a fold each, and then the threads share the blocks of their products, whose
/// tiles are folded into (hi, lo) as soon as they are summed. There is no C.
class BlockSums {
 public:
  BlockSums(const PanelLayout& layout, RowRange range, int n_threads)
      : layout_(layout), range_(range), n_threads_(n_threads) {
    // Of the panels that threads share: several folds of rows are dealt out at once, since whoever
    // shares the machine's cores costs most where threads wait for one another. No bit depends on it.
    constexpr Index shared_panels_budget = Index{1} << 21;  // doubles: 16 MiB
    constexpr Index most_folds_at_once = 8;
    const Index n_folds =
        n_threads == 1
            ? 1
            : std::clamp<Index>(shared_panels_budget / layout.panel_size(), 1, most_folds_at_once);
    most_rows_ = std::min(n_folds * DeepPanel::depth, range.last - range.first);
  }

  Index most_panels() const { return (most_rows_ + panel_rows - 1) / panel_rows; }
  /// Doubles of all panels.
  Index size() const { return folds_in(most_rows_) * layout_.panel_size(); }

  template <class Fill>
  void add(double* hi, double* lo, const Fill& fill) const {
    LargeZeros data(size());
    SharedProduct product(layout_.strips(), n_threads_);
    const FoldedSums target(layout_.padded(), hi, lo);
    for (Index start = range_.first; start < range_.last; start += most_rows_) {
      const Index end = std::min(range_.last, start + most_rows_);
      const Panels panels{start, end, (end - start + panel_rows - 1) / panel_rows};
      give_turn();
      fill(panels, data.data());
      product.multiply(data.data(), end - start, target);
    }
  }

 private:
  static Index folds_in(Index rows) { return (rows + DeepPanel::depth - 1) / DeepPanel::depth; }

  const PanelLayout& layout_;
  RowRange range_;
  int n_threads_;
  Index most_rows_;
};

}  // namespace fastlr
