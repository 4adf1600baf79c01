// The pass itself. Built with FMA contraction: products of panels want it, and the only compensated
// sum here (fold) has no products.
#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "fastlr/products/basis.hpp"
#include "fastlr/products/cross_products.hpp"
#include "fastlr/products/few_variables.hpp"
#include "fastlr/products/fused_ring.hpp"
#include "fastlr/products/moments.hpp"
#include "fastlr/products/shared_products.hpp"
#include "fastlr/reading/weights.hpp"
#include "fastlr/threads.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr Index max_slots = 64;
constexpr Index slot_budget = Index{1} << 20;  // doubles in all slots' sums together
constexpr Index least_folds = 4;               // in a slot, whose sums are cold at first
/// Leading dimension of sums whose lower half leaves half of a second-level cache of 1 MiB to a
/// panel. More variables than that make one slot, which the threads share.
constexpr Index most_slotted = 256;
/// Of the panels that threads share: several folds of rows are dealt out at once, since whoever shares
/// the machine's cores costs most where threads wait for one another. No bit depends on it.
constexpr Index shared_panels_budget = Index{1} << 21;  // doubles: 16 MiB
constexpr Index most_folds_at_once = 8;
/// Multiply-adds that are done sooner than threads wake up.
constexpr Index serial_below = Index{1} << 19;
constexpr Index work_per_part = Index{1} << 29;  // multiply-adds in one call: some 5 to 80 ms

using AlignedVector = Eigen::Matrix<double, Eigen::Dynamic, 1>;

/// How many rows are summed before they are folded: more where folding costs more beside the
/// products of a row. A function of the number of variables alone, as the order of all sums is.
constexpr Index rows_to_fold(Index padded) {
  return padded > most_slotted ? rows_per_fold
                               : rows_per_fold * std::clamp<Index>(padded / 24, 1, 4);
}

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

/// How many rows to prefetch ahead: a panel, or two short ones. More would drive them out of the
/// second-level cache again before they are packed.
Index panel_rows_ahead(const Prefetcher& prefetcher) {
  constexpr Index panel_bytes_ahead = Index{1} << 16;
  const Index rows = panel_bytes_ahead / std::max<Index>(1, prefetcher.row_bytes());
  return rows < 2 * panel_rows ? panel_rows : 2 * panel_rows;
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
      PanelProduct<>{panel.data(), layout, n, first == start, sums, prefetcher}.all();
    }
    for (Index i = 0; i < layout.n_variables(); ++i)
      fold_row(i, layout.padded(), C.data(), slot.hi, slot.lo);
  }
}

/// Many variables, one slot: the threads share the packing of some folds of rows, and then the blocks
/// of their products, which whoever has summed one folds at once. There is no C.
void accumulate_blocks(const PanelLayout& layout, const Basis* basis, const Column* weight,
                       RowRange range, int n_threads, const Slot& slot) {
  const Index fold_rows = rows_to_fold(layout.padded());
  const Index per_fold = fold_rows / panel_rows;
  const Index fold_size = per_fold * layout.panel_size();
  const Index n_folds =
      n_threads == 1 ? 1
                     : std::clamp<Index>(shared_panels_budget / fold_size, 1, most_folds_at_once);
  const Index most_rows = std::min(n_folds * fold_rows, range.last - range.first);
  const Index most_panels = (most_rows + panel_rows - 1) / panel_rows;
  AlignedVector panels = AlignedVector::Zero(most_panels * layout.panel_size());
  AlignedVector raw = AlignedVector::Zero(basis != nullptr ? n_threads * layout.panel_size() : 0);
  AlignedVector roots(weight != nullptr ? most_panels * panel_rows : 0);
  std::vector<WeightStatistics> statistics(static_cast<std::size_t>(most_panels));
  SharedProduct<PanelLayout> product(layout, n_threads);
  for (Index start = range.first; start < range.last; start += most_rows) {
    const Index end = std::min(range.last, start + most_rows);
    const Index n_panels = (end - start + panel_rows - 1) / panel_rows;
    const auto rows_in = [&](Index k) {
      return std::min(panel_rows, end - start - k * panel_rows);
    };
    give_turn();
    for_each_task(n_panels, n_threads, [&](Index k, Index worker) {
      const Index first = start + k * panel_rows;
      double* root = nullptr;
      if (weight != nullptr) {
        root = roots.data() + k * panel_rows;
        statistics[static_cast<std::size_t>(k)] = pack_weights(*weight, first, rows_in(k), root);
      }
      double* const room = basis != nullptr ? raw.data() + worker * layout.panel_size() : nullptr;
      pack_panel(layout, basis, first, rows_in(k), root, room,
                 panels.data() + k * layout.panel_size());
    });
    for (Index k = 0; k < n_panels; ++k)
      *slot.statistics += statistics[static_cast<std::size_t>(k)];

    product.multiply(panels.data(), n_panels, per_fold, rows_in,
                     [&](const Block& block, const Sums& sums) {
                       for_each_row(layout, block, [&](Index i, Index j, Index count) {
                         const Index at = i * layout.padded() + j;
                         fold(sums.at(i, j), count, slot.hi + at, slot.lo + at);
                       });
                     });
  }
}

/// Multiply-adds for one row, with an allowance for packing it.
Index work_per_row(Index padded) { return padded * (padded / 2 + 16); }

}  // namespace

SlotPlan plan_pass(Index n_samples, Index n_columns) {
  const Index padded = padded_variables(n_columns);
  const Index size = padded * padded;
  const bool is_slotted = padded <= most_slotted;
  return plan_slots(
      {.n_samples = n_samples,
       .fold_rows = rows_to_fold(padded),
       .n_slots = is_slotted ? std::clamp<Index>(slot_budget / size, 1, max_slots) : 1,
       .least_folds = is_slotted ? least_folds : 1,
       .work_per_row = work_per_row(padded),
       // Blocks give their caller turns by themselves.
       .work_per_part = is_slotted ? work_per_part : std::numeric_limits<Index>::max(),
       .slot_size = 2 * size + statistics_size});
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
    for (Index k = 0; k < n_chosen; ++k)
      sample[static_cast<std::size_t>(k)] = load_one(column, chosen[static_cast<std::size_t>(k)]);
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
  const PanelLayout layout(rows, shift, scale);
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
