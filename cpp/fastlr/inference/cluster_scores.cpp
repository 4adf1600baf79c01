#include "fastlr/inference/cluster_scores.hpp"

#include <bit>
#include <stdexcept>

#include "fastlr/inference/fitted_panels.hpp"
#include "fastlr/threads.hpp"

namespace fastlr {
namespace {

constexpr Index rows_per_sum = 32;  // rows of a slot for each of its clusters, if there are several
constexpr Index codes_ahead = 8;    // rows whose clusters' sums are asked for ahead of time

void check_codes(const std::int32_t* codes, Index n, Index n_clusters) {
  std::int32_t least = 0;
  std::int32_t largest = 0;
  for (Index r = 0; r < n; ++r) {
    least = std::min(least, codes[r]);
    largest = std::max(largest, codes[r]);
  }
  if (least < 0 || largest >= n_clusters)
    throw std::out_of_range("a code of a cluster is out of range");
}

/// The sums of the rows' clusters += u z, row after row.
void add_rows(const double* panel, const PanelColumn& u, const std::int32_t* codes, Index n,
              Index n_strips, RowsAhead& ahead, double* sums) {
  const Index stride = n_strips * strip_width;
  for (Index r = 0; r < n; ++r) {
    const double* const next = sums + codes[std::min(r + codes_ahead, n - 1)] * stride;
    const double* row = panel + r * strip_width;
    const Lanes factor = broadcast_from(u.data() + r);
    double* const out = sums + codes[r] * stride;
    ahead.ask();
    for (Index s = 0; s < n_strips; ++s, row += strip_size) {
      prefetch<first_level>(reinterpret_cast<const std::byte*>(next + s * strip_width));
#pragma GCC unroll 8
      for (Index v = 0; v < strip_width; v += lanes) {
        double* const at = out + s * strip_width + v;
        store(at, multiply_add(load(row + v), factor, load(at)));
      }
    }
  }
}

}  // namespace

SlotPlan plan_clusters(Index n_samples, Index n_features, Index n_clusters) {
  const Index padded = padded_variables(n_features);
  // Two at least, if there are eight rows to a cluster; and a power of two, which threads can share.
  const Index least = 8 * n_clusters <= n_samples ? 2 : 1;
  const Index small = std::clamp<Index>(n_samples / (rows_per_sum * n_clusters), least, most_slots);
  return plan_slots({.n_samples = n_samples,
                     .fold_rows = panel_rows,
                     .n_slots = static_cast<Index>(std::bit_ceil(static_cast<std::size_t>(small))),
                     .least_folds = 4,
                     .work_per_row = work_per_row(padded),
                     .work_per_part = work_per_call,
                     .slot_size = n_clusters * padded});
}

void cluster_scores(const FittedRows& fit, const std::int32_t* codes, Index n_clusters,
                    const SlotPlan& plan, Index part, int n_threads, double* slots) {
  const FittedPanels panels(fit);
  const Index n_strips = panels.layout().n_strips();
  for_each_task(plan.n_slots, n_threads, [&](Index k) {
    ScoreRoom room(panels);
    RowsAhead ahead(panels.features());
    AlignedVector panel = AlignedVector::Zero(panels.layout().panel_size());
    const RowRange range = part_of_slot(plan, fit.rows.n_samples, k, part);
    for (Index first = range.first; first < range.last; first += panel_rows) {
      const Index n = std::min(panel_rows, range.last - first);
      check_codes(codes + first, n, n_clusters);
      ahead.aim(range.first, first, range.last);
      room.read(first, n, panel.data());
      add_rows(panel.data(), room.scores, codes + first, n, n_strips, ahead,
               slots + k * plan.slot_size);
    }
  });
}

void cluster_totals(const SlotPlan& plan, Index n_features, Index n_clusters, const double* slots,
                    double* out) {
  const Index q = n_features + 1;
  const Index padded = padded_variables(n_features);
  for (Index g = 0; g < n_clusters; ++g) {
    double* const total = out + g * q;
    std::copy_n(slots + g * padded, q, total);
    for (Index k = 1; k < plan.n_slots; ++k) {
      const double* const sums = slots + k * plan.slot_size + g * padded;
      for (Index j = 0; j < q; ++j) total[j] += sums[j];
    }
  }
}

}  // namespace fastlr
