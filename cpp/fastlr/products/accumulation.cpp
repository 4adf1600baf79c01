// The pass itself. Built with FMA contraction: products of panels want it, and the only compensated
// sum here (fold) has no products.
#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>

#include "fastlr/products/basis.hpp"
#include "fastlr/products/cross_products.hpp"
#include "fastlr/products/few_variables.hpp"
#include "fastlr/products/fused_ring.hpp"
#include "fastlr/products/moments.hpp"
#include "fastlr/products/panel_passes.hpp"
#include "fastlr/reading/weights.hpp"
#include "fastlr/threads.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {

namespace {

/// Multiply-adds that are done sooner than threads wake up.
constexpr Index serial_below = Index{1} << 19;

static_assert(rows_to_fold(2 * strip_width) == rows_per_fold);  // a ring takes whole folds

/// The weights of some rows on their way into a panel or a ring.
class PanelWeights {
 public:
  PanelWeights(const Column* weight, WeightStatistics& statistics)
      : weight_(weight), statistics_(statistics) {}

  /// Square roots of the weights of rows [first, first + n) of a fold, or nullptr without weights.
  const double* roots(Index first, Index n) {
    if (weight_ == nullptr) return nullptr;
    for (Index k = 0; k < n; k += panel_rows)
      statistics_ +=
          pack_weights(*weight_, first + k, std::min(panel_rows, n - k), roots_.data() + k);
    return roots_.data();
  }

 private:
  const Column* weight_;
  WeightStatistics& statistics_;
  alignas(64) std::array<double, rows_per_fold> roots_;
};

/// One thread, one slot, few variables.
void accumulate_few(const PanelLayout& layout, const Column* weight, RowRange range,
                    const Slot& slot) {
  const Index n_columns = layout.n_variables() - 1;
  const Index padded = layout.padded();
  alignas(64) std::array<double, most_few_sums * lanes> lane_sums{};
  alignas(64) std::array<double, (most_few + 1) * 2 * strip_width> sums{};
  alignas(64) std::array<double, few_rows> weights;
  FewVariables variables(layout);
  for (Index start = range.first; start < range.last; start += rows_per_fold) {
    const Index end = std::min(range.last, start + rows_per_fold);
    double total = weight == nullptr ? static_cast<double>(end - start) : 0.0;
    for (Index first = start; first < end; first += few_rows) {
      const Index n = std::min(few_rows, end - first);
      if (weight != nullptr) {
        const WeightStatistics statistics = load_weights(*weight, first, n, weights.data());
        total += statistics.weight;
        *slot.statistics += statistics;
      }
      variables.add(first, n, weight != nullptr ? weights.data() : nullptr, lane_sums.data());
    }
    double* const constant = sums.data() + n_columns * padded;
    for (Index i = 0; i < n_columns; ++i) {
      const double* const row = lane_sums.data() + few_sum(i, 0) * lanes;
      for (Index j = 0; j <= i; ++j) sums[i * padded + j] = sum_of(load(row + j * lanes));
      constant[i] = sum_of(load(row + (i + 1) * lanes));
    }
    constant[n_columns] = total;
    lane_sums.fill(0.0);
    for (Index i = 0; i <= n_columns; ++i) fold_row(i, padded, sums.data(), slot.hi, slot.lo);
  }
}

/// Rows in their own basis, or in another one through `raw`, a panel's worth of room.
void pack_panel(const PanelLayout& layout, const Basis* basis, Index first, Index n,
                const double* root_weight, double* raw, double* panel) {
  layout.pack(first, n, root_weight, basis != nullptr ? raw : panel);
  if (basis != nullptr) basis->apply(raw, layout, n, panel);
}

/// One thread, one slot: pack a panel, multiply, fold.
void accumulate_slot(const PanelLayout& layout, const Rows& rows, const Basis* basis,
                     const Column* weight, RowRange range, const Slot& slot) {
  const Index fold_rows = rows_to_fold(layout.padded());
  AlignedVector panel = AlignedVector::Zero(layout.panel_size());
  AlignedVector raw = AlignedVector::Zero(basis != nullptr ? panel.size() : 0);
  AlignedVector C(layout.padded() * layout.padded());
  const Sums sums{C.data(), layout.padded()};
  PanelWeights weights(weight, *slot.statistics);
  Prefetcher prefetcher(rows, panel_rows);
  const Index ahead = panel_rows_ahead(prefetcher);
  FusedRing ring(layout);
  for (Index start = range.first; start < range.last; start += fold_rows) {
    give_turn();  // heard on the caller's thread; the others end their rows of this call
    const Index end = std::min(range.last, start + fold_rows);
    const Index taken = basis == nullptr ? ring.rows_taken(start, end) : 0;
    if (taken > 0) ring.set_products(start, taken, weights.roots(start, taken), C.data());
    for (Index first = start + taken; first < end; first += panel_rows) {
      const Index n = std::min(panel_rows, end - first);
      pack_panel(layout, basis, first, n, weights.roots(first, n), raw.data(), panel.data());
      if ((first - start) % ahead == 0)
        prefetcher.aim(first + ahead, std::min(range.last, first + 2 * ahead));
      add_products(panel.data(), layout.strips(), n, first == start, sums, prefetcher);
    }
    for (Index i = 0; i < layout.n_variables(); ++i)
      fold_row(i, layout.padded(), C.data(), slot.hi, slot.lo);
  }
}

/// Many variables, one slot: the threads share the packing of panels, and then their products.
void accumulate_blocks(const PanelLayout& layout, const Basis* basis, const Column* weight,
                       RowRange range, int n_threads, const Slot& slot) {
  const BlockSums sums(layout, range, n_threads);
  const Index most_panels = sums.most_panels();
  AlignedVector raw = AlignedVector::Zero(basis != nullptr ? n_threads * layout.panel_size() : 0);
  AlignedVector roots(weight != nullptr ? most_panels * panel_rows : 0);
  std::vector<WeightStatistics> statistics(static_cast<std::size_t>(most_panels));
  sums.add(slot.hi, slot.lo, [&](const Panels& panels, double* data) {
    for_each_task(panels.count, n_threads, [&](Index k, Index worker) {
      const Index first = panels.first_row(k);
      const Index n = panels.rows_in(k);
      double* root = nullptr;
      if (weight != nullptr) {
        root = roots.data() + k * panel_rows;
        statistics[static_cast<std::size_t>(k)] = pack_weights(*weight, first, n, root);
      }
      double* const room = basis != nullptr ? raw.data() + worker * layout.panel_size() : nullptr;
      pack_panel(layout, basis, first, n, root, room, data + panels.offset(k, layout));
    });
    for (Index k = 0; k < panels.count; ++k)
      *slot.statistics += statistics[static_cast<std::size_t>(k)];
  });
}

}  // namespace

SlotPlan plan_pass(Index n_samples, Index n_columns) {
  return plan_panels(n_samples, padded_variables(n_columns), most_slots, statistics_size);
}

void provisional_shift(const Rows& rows, const Column* weight, double* shift) {
  constexpr Index most = 15;
  constexpr Index most_skipped = 64;  // rows of weight zero, from each place on
  const Index n = std::min(most, rows.n_samples);
  std::array<Index, most> chosen;
  Index n_chosen = 0;
  for (Index k = 0; k < n; ++k) {
    Index row = k * (rows.n_samples - 1) / std::max<Index>(1, n - 1);
    const Index end = std::min(rows.n_samples, row + most_skipped);
    while (weight != nullptr && row < end && !(load_one(*weight, row) > 0.0)) ++row;
    if (row < end) chosen[static_cast<std::size_t>(n_chosen++)] = row;
  }
  std::array<double, most> sample{};
  for (Index j = 0; j < rows.n_columns(); ++j) {
    const Column& column = rows.columns[static_cast<std::size_t>(j)];
    for (Index k = 0; k < n_chosen; ++k) {
      const Index row = chosen[static_cast<std::size_t>(k)];
      double& value = sample[static_cast<std::size_t>(k)];
      if (column.dtype == DType::f64) {
        std::memcpy(&value, column.at(row), sizeof value);
      } else {
        value = load_one(column, row);
      }
    }
    const auto middle = sample.begin() + n_chosen / 2;
    std::nth_element(sample.begin(), middle, sample.begin() + n_chosen);
    shift[j] = n_chosen > 0 ? *middle : 0.0;
  }
}

void largest_deviation(const Rows& rows, const Column* weight, const double* shift,
                       const double* diagonal, int n_threads, double* deviation) {
  if (rows.n_samples * rows.n_columns() < serial_below) n_threads = 1;
  for_each_task(rows.n_columns(), n_threads, [&](Index j) {
    deviation[j] = 0.0;
    if (diagonal[j] > 1e-280 && diagonal[j] < 1e280) return;
    const Column& column = rows.columns[static_cast<std::size_t>(j)];
    Eight largest = Eight::Zero();
    bool is_finite = true;
    for (Index r = 0; r < rows.n_samples; r += 8) {
      const Index count = std::min<Index>(8, rows.n_samples - r);
      const Eight x = load_eight(column, r, count);
      is_finite = is_finite && x.isFinite().all();
      Eight of_rows = (x - shift[j]).abs();
      if (weight != nullptr)
        of_rows = (load_eight(*weight, r, count) > 0.0).select(of_rows, Eight::Zero());
      for (Index i = 0; i < count; ++i) largest[i] = std::max(largest[i], of_rows[i]);
    }
    // The difference of two huge values may overflow though both are finite.
    deviation[j] = is_finite ? std::min(largest.maxCoeff(), std::numeric_limits<double>::max())
                             : std::numeric_limits<double>::infinity();
  });
}

void accumulate(const Rows& rows, const Column* weight, const double* shift, const double* scale,
                const double* K, Index n_features, const SlotPlan& plan, Index part, int n_threads,
                double* slots) {
  const PanelLayout layout(rows, shift, scale, depth_of_panels(padded_variables(rows.n_columns())));
  std::optional<Basis> change;
  if (K != nullptr)
    change.emplace(Eigen::Map<const RowMatrix>(K, n_features, n_features), layout.padded());
  const Basis* basis = change ? &*change : nullptr;
  if (rows.n_samples * work_per_row(layout.padded()) < serial_below) n_threads = 1;
  if (layout.padded() > most_slotted) {
    accumulate_blocks(layout, basis, weight, part_of_slot(plan, rows.n_samples, 0, part), n_threads,
                      slot_at(plan, layout.padded(), slots, 0));
    return;
  }
  for_each_task(plan.n_slots, n_threads, [&](Index k) {
    const RowRange range = part_of_slot(plan, rows.n_samples, k, part);
    const Slot slot = slot_at(plan, layout.padded(), slots, k);
    if (rows.n_columns() <= most_few && basis == nullptr) {
      accumulate_few(layout, weight, range, slot);
    } else {
      accumulate_slot(layout, rows, basis, weight, range, slot);
    }
  });
}

}  // namespace fastlr
