#include "fastlr/products/folds.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "fastlr/products/cross_products.hpp"
#include "fastlr/reading/weights.hpp"
#include "fastlr/threads.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr Index slots_of_a_fold = 32;
/// Multiply-adds in one call: long, since threads wait for one another at its end, where panels that
/// are not full are multiplied as well; turns are given on the way.
constexpr Index work_per_part = Index{1} << 32;
constexpr Index serial_below = Index{1} << 19;
constexpr Index rows_to_sum = 4096;  // before they are folded, which costs as much as many rows

using AlignedVector = Eigen::Matrix<double, Eigen::Dynamic, 1>;

/// The rows of one fold: those that wait for their panel to be full, and sums of products.
class FoldOfRows {
 public:
  FoldOfRows(const PanelLayout& layout, bool is_weighted, Index rows_of_first_panel)
      : layout_(layout),
        is_weighted_(is_weighted),
        full_(rows_of_first_panel),
        panel_(AlignedVector::Zero(layout.panel_size())),
        C_(layout.padded() * layout.padded()) {}

  /// Row r of a panel, whose weight is w.
  void take(const double* from, Index r, double w, Prefetcher& ahead, const Slot& slot) {
    const double* source = from + r * strip_width;
    double* target = panel_.data() + n_ * strip_width;
    for (Index s = 0; s < layout_.n_strips(); ++s, source += strip_size, target += strip_size)
#pragma GCC unroll 8
      for (Index v = 0; v < strip_width; v += lanes) store(target + v, load(source + v));
    weights_[static_cast<std::size_t>(n_)] = w;
    if (++n_ == full_) multiply(ahead, slot);
  }

  /// What has not been added to the slot yet.
  void finish(Prefetcher& ahead, const Slot& slot) {
    if (n_ > 0) multiply(ahead, slot);
    if (n_summed_ > 0) fold(slot);
  }

 private:
  void multiply(Prefetcher& ahead, const Slot& slot) {
    if (is_weighted_) {
      const Column weight{reinterpret_cast<const std::byte*>(weights_.data()), sizeof(double),
                          DType::f64};
      *slot.statistics += load_weights(weight, 0, n_, checked_.data());
    }
    const Sums sums{C_.data(), layout_.padded()};
    add_products(panel_.data(), layout_.strips(), n_, n_summed_ == 0, sums, ahead);
    n_summed_ += n_;
    n_ = 0;
    full_ = panel_rows;
    if (n_summed_ + panel_rows > rows_to_sum) fold(slot);
  }

  void fold(const Slot& slot) {
    for (Index i = 0; i < layout_.n_variables(); ++i)
      fold_row(i, layout_.padded(), C_.data(), slot.hi, slot.lo);
    n_summed_ = 0;
  }

  const PanelLayout& layout_;
  bool is_weighted_;
  Index full_;  // rows after which the panel is multiplied
  Index n_ = 0;
  Index n_summed_ = 0;
  AlignedVector panel_;
  AlignedVector C_;
  alignas(64) std::array<double, panel_rows> weights_;
  alignas(64) std::array<double, panel_rows> checked_;
};

Index work_per_row(Index padded) { return padded * (padded / 2 + 24); }

}  // namespace

SlotPlan plan_folds(Index n_samples, Index n_columns) {
  const Index padded = padded_variables(n_columns);
  return plan_slots({.n_samples = n_samples,
                     .fold_rows = rows_per_fold,
                     .n_slots = slots_of_a_fold,
                     .least_folds = 4,
                     .work_per_row = work_per_row(padded),
                     .work_per_part = work_per_part,
                     .slot_size = 2 * padded * padded + statistics_size});
}

void accumulate_folds(const Rows& rows, const Column* weight, const double* shift,
                      const double* scale, const std::int32_t* label, Index n_folds,
                      const SlotPlan& plan, Index part, int n_threads, double* slots) {
  const PanelLayout layout(rows, shift, scale);
  if (rows.n_samples * work_per_row(layout.padded()) < serial_below) n_threads = 1;
  for_each_task(plan.n_slots, n_threads, [&](Index k) {
    const RowRange range = part_of_slot(plan, rows.n_samples, k, part);
    if (range.first >= range.last) return;
    const auto slot_of = [&](Index fold) {
      return slot_at(plan, layout.padded(), slots + fold * plan.n_slots * plan.slot_size, k);
    };
    // First panels of different lengths, so that seldom many are full at once: memory brings the next
    // rows while one is multiplied.
    std::vector<FoldOfRows> folds;
    folds.reserve(static_cast<std::size_t>(n_folds));
    for (Index fold = 0; fold < n_folds; ++fold)
      folds.emplace_back(layout, weight != nullptr,
                         std::max<Index>(1, panel_rows * (fold + 1) / n_folds));
    AlignedVector panel = AlignedVector::Zero(layout.panel_size());
    alignas(64) std::array<double, panel_rows> roots;
    alignas(64) std::array<double, panel_rows> weights;
    weights.fill(1.0);
    Prefetcher prefetcher(rows, panel_rows);
    for (Index first = range.first; first < range.last; first += panel_rows) {
      if ((first - range.first) % rows_per_fold == 0) give_turn();
      const Index n = std::min(panel_rows, range.last - first);
      if (weight != nullptr) {
        load_column(*weight, first, n, weights.data());
        pack_weights(*weight, first, n, roots.data());
      }
      layout.pack(first, n, weight != nullptr ? roots.data() : nullptr, panel.data());
      prefetcher.aim(first + n, std::min(range.last, first + n + panel_rows));
      for (Index r = 0; r < n; ++r) {
        const Index fold = label[first + r];
        folds[static_cast<std::size_t>(fold)].take(
            panel.data(), r, weights[static_cast<std::size_t>(r)], prefetcher, slot_of(fold));
      }
    }
    for (Index fold = 0; fold < n_folds; ++fold)
      folds[static_cast<std::size_t>(fold)].finish(prefetcher, slot_of(fold));
  });
}

}  // namespace fastlr
