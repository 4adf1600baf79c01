#include "fastlr/inference/sandwich.hpp"

#include <cmath>
#include <vector>

#include "fastlr/inference/fitted_panels.hpp"
#include "fastlr/threads.hpp"

namespace fastlr {
namespace {

/// Multiply-adds that are done sooner than threads wake up.
constexpr Index serial_below = Index{1} << 19;
constexpr Index meat_extra = 8;  // doubles of a slot behind its sums: rows that are undetermined

Index padded_of(Index n_features) { return padded_variables(n_features); }

int useful_threads(const SlotPlan& plan, Index n_features, int n_threads) {
  const Index rows = plan.n_slots * plan.rows_per_slot;
  return rows * work_per_row(padded_of(n_features)) < serial_below ? 1 : n_threads;
}

/// The matrices of a slot, and what stands behind them.
struct MeatSlot {
  double* hi;
  double* lo;
  double* more;
};

MeatSlot meat_slot(const SlotPlan& plan, Index padded, double* slots, Index k) {
  double* const base = slots + k * plan.slot_size;
  return {base, base + padded * padded, base + 2 * padded * padded};
}

/// u of the rows that a room has read. Returns how many of them have none.
Index set_sizes(const FittedRows& fit, Correction correction, Index n, ScoreRoom& room) {
  if (fit.weights_count)
    for (Index r = 0; r < panel_rows; ++r)
      room.scores[r] = std::sqrt(room.figures.weight[r]) * room.figures.residual[r];
  if (correction == Correction::none) return 0;
  PanelColumn left;
  const Index n_undetermined = room.panels.leave_one_out(room.figures, n, left);
  for (Index r = 0; r < panel_rows; ++r)
    room.scores[r] /= correction == Correction::rest ? left[r] : std::sqrt(left[r]);
  return n_undetermined;
}

/// panel := rows [first, first + n) times u. Returns how many have none.
Index read_weighted(const FittedRows& fit, Correction correction, Index first, Index n,
                    ScoreRoom& room, double* panel) {
  room.read(first, n, panel);
  const Index n_undetermined = set_sizes(fit, correction, n, room);
  multiply_rows(room.panels.layout(), n, room.scores, panel);
  return n_undetermined;
}

/// One thread, one slot: (hi, lo) += the products of what `fill(first, n, panel)` packs.
template <class Fill>
void sum_slot(const PanelLayout& layout, const Rows& rows, RowRange range, double* hi, double* lo,
              const Fill& fill) {
  const Index fold_rows = rows_to_fold(layout.padded());
  AlignedVector panel = AlignedVector::Zero(layout.panel_size());
  AlignedVector C(layout.padded() * layout.padded());
  const Sums sums{C.data(), layout.padded()};
  Prefetcher prefetcher(rows, panel_rows);
  const Index ahead = panel_rows_ahead(prefetcher);
  for (Index start = range.first; start < range.last; start += fold_rows) {
    give_turn();  // heard on the caller's thread; the others end their rows of this call
    const Index end = std::min(range.last, start + fold_rows);
    for (Index first = start; first < end; first += panel_rows) {
      const Index n = std::min(panel_rows, end - first);
      fill(first, n, panel.data());
      if ((first - start) % ahead == 0) {
        const Index last = std::min(range.last, rows.n_samples);
        prefetcher.aim(std::min(last, first + ahead), std::min(last, first + 2 * ahead));
      }
      add_products(panel.data(), layout.strips(), n, first == start, sums, prefetcher);
    }
    for (Index i = 0; i < layout.n_variables(); ++i) fold_row(i, layout.padded(), C.data(), hi, lo);
  }
}

/// The slots' sums merged in order, as a whole symmetric matrix out (q, q).
void total_products(const SlotPlan& plan, Index q, Index padded, const double* slots, double* out) {
  const Index size = padded * padded;
  AlignedVector hi = AlignedVector::Zero(size);
  AlignedVector lo = AlignedVector::Zero(size);
  for (Index k = 0; k < plan.n_slots; ++k) {
    const double* const sums = slots + k * plan.slot_size;
    for (Index i = 0; i < q; ++i) {
      fold_row(i, padded, sums, hi.data(), lo.data());
      fold_row(i, padded, sums + size, hi.data(), lo.data());
    }
  }
  for (Index i = 0; i < q; ++i)
    for (Index j = 0; j <= i; ++j) {
      const double total = hi[i * padded + j] + lo[i * padded + j];
      out[i * q + j] = total;
      out[j * q + i] = total;
    }
}

/// panel := scores of rows [first, first + n), n <= panel_rows, which are zero before the first row of
/// the table and behind the last one.
void read_scores(Index n_samples, Index first, Index n, ScoreRoom& room, double* panel) {
  const PanelLayout& layout = room.panels.layout();
  const Index begin = std::clamp<Index>(first, 0, n_samples);
  const Index end = std::clamp<Index>(first + n, begin, n_samples);
  const Index count = end - begin;
  if (count == 0) {
    for (Index s = 0; s < layout.n_strips(); ++s)
      std::fill_n(panel + s * layout.strip_stride(), n * strip_width, 0.0);
    return;
  }
  const Index before = begin - first;
  AlignedVector moved;  // panels are written in whole groups of rows, from their first one on
  if (before > 0) moved = AlignedVector::Zero(layout.panel_size());
  double* const read = before > 0 ? moved.data() : panel;
  room.read(begin, count, read);
  multiply_rows(layout, count, room.scores, read);
  for (Index s = 0; s < layout.n_strips(); ++s) {
    double* const rows = panel + s * layout.strip_stride();
    const double* const scored = read + s * layout.strip_stride();
    if (before > 0)
      std::copy_n(scored, count * strip_width, std::fill_n(rows, before * strip_width, 0.0));
    std::fill(rows + (before + count) * strip_width, rows + n * strip_width, 0.0);
  }
}

/// (h, l) += x as an unevaluated sum (TwoSum): no products, so that nothing is contracted.
[[gnu::always_inline]] inline void add_exactly(const Lanes& x, Lanes& h, Lanes& l) {
  const Lanes s = h + x;
  const Lanes t = s - h;
  l = l + ((h - (s - t)) + (x - t));
  h = s;
}

/// The windows of a strip go on for n rows: window += entering - leaving, and entering becomes
/// window. window: 8 sums, then their 8 low parts.
void move_windows(Index n, double* entering, const double* leaving, double* window) {
#pragma GCC unroll 8
  for (Index v = 0; v < strip_width; v += lanes) {
    Lanes h = load(window + v);
    Lanes l = load(window + strip_width + v);
    for (Index r = 0; r < n; ++r) {
      add_exactly(load(entering + r * strip_width + v), h, l);
      add_exactly(-load(leaving + r * strip_width + v), h, l);
      store(entering + r * strip_width + v, h + l);
    }
    store(window + v, h);
    store(window + strip_width + v, l);
  }
}

/// A window that ends before row `end`.
void set_window(Index n_samples, Index end, Index n_lags, ScoreRoom& room, double* panel,
                double* windows) {
  const AlignedVector nothing = AlignedVector::Zero(strip_size);
  for (Index first = std::max<Index>(0, end - 1 - n_lags); first < end; first += panel_rows) {
    give_turn();
    const Index n = std::min(panel_rows, end - first);
    read_scores(n_samples, first, n, room, panel);
    for (Index s = 0; s < room.panels.layout().n_strips(); ++s)
      move_windows(n, panel + s * room.panels.layout().strip_stride(), nothing.data(),
                   windows + 2 * s * strip_width);
  }
}

/// Many variables: windows of all folds that are in memory, strip by strip.
void add_hac_blocks(const FittedPanels& panels, Index n_lags, RowRange range, int n_threads,
                    const MeatSlot& slot) {
  const PanelLayout& layout = panels.layout();
  const Index n_samples = panels.features().n_samples;
  std::vector<ScoreRoom> rooms(static_cast<std::size_t>(n_threads), ScoreRoom(panels));
  const BlockSums sums(layout, range, n_threads);
  AlignedVector leaving = AlignedVector::Zero(sums.size());
  sums.add(slot.hi, slot.lo, [&](const Panels& some, double* data) {
    for_each_task(some.count, n_threads, [&](Index k, Index worker) {
      ScoreRoom& room = rooms[static_cast<std::size_t>(worker)];
      const Index first = some.first_row(k);
      const Index n = some.rows_in(k);
      const Index at = some.offset(k, layout);
      read_scores(n_samples, first, n, room, data + at);
      read_scores(n_samples, first - n_lags - 1, n, room, leaving.data() + at);
    });
    for_each_task(layout.n_strips(), n_threads, [&](Index s) {
      for (Index k = 0; k < some.count; ++k) {
        const Index at = some.offset(k, layout) + s * layout.strip_stride();
        move_windows(some.rows_in(k), data + at, leaving.data() + at,
                     slot.more + 2 * s * strip_width);
      }
    });
  });
}

}  // namespace

SlotPlan plan_meat(Index n_samples, Index n_features) {
  return plan_panels(n_samples, padded_of(n_features), most_slots, meat_extra, 3);
}

void robust_meat(const FittedRows& fit, Correction correction, const SlotPlan& plan, Index part,
                 int n_threads, double* slots) {
  const FittedPanels panels(fit, depth_of_panels(padded_of(fit.n_features)));
  const PanelLayout& layout = panels.layout();
  n_threads = useful_threads(plan, fit.n_features, n_threads);
  if (layout.padded() > most_slotted) {
    const MeatSlot slot = meat_slot(plan, layout.padded(), slots, 0);
    const BlockSums sums(layout, part_of_slot(plan, fit.rows.n_samples, 0, part), n_threads);
    std::vector<ScoreRoom> rooms(static_cast<std::size_t>(n_threads), ScoreRoom(panels));
    std::vector<Index> undetermined(static_cast<std::size_t>(sums.most_panels()));
    sums.add(slot.hi, slot.lo, [&](const Panels& some, double* data) {
      for_each_task(some.count, n_threads, [&](Index k, Index worker) {
        undetermined[static_cast<std::size_t>(k)] =
            read_weighted(fit, correction, some.first_row(k), some.rows_in(k),
                          rooms[static_cast<std::size_t>(worker)], data + some.offset(k, layout));
      });
      for (Index k = 0; k < some.count; ++k)
        *slot.more += static_cast<double>(undetermined[static_cast<std::size_t>(k)]);
    });
    return;
  }
  for_each_task(plan.n_slots, n_threads, [&](Index k) {
    const MeatSlot slot = meat_slot(plan, layout.padded(), slots, k);
    ScoreRoom room(panels);
    sum_slot(layout, panels.features(), part_of_slot(plan, fit.rows.n_samples, k, part), slot.hi,
             slot.lo, [&](Index first, Index n, double* panel) {
               *slot.more +=
                   static_cast<double>(read_weighted(fit, correction, first, n, room, panel));
             });
  });
}

Index meat_totals(const SlotPlan& plan, Index n_features, const double* slots, double* out) {
  const Index padded = padded_of(n_features);
  total_products(plan, n_features + 1, padded, slots, out);
  double n_undetermined = 0.0;
  for (Index k = 0; k < plan.n_slots; ++k)
    n_undetermined += slots[k * plan.slot_size + 2 * padded * padded];
  return static_cast<Index>(n_undetermined);
}

SlotPlan plan_hac(Index n_samples, Index n_features, Index n_lags) {
  // Every slot begins with a window of its own, which costs its rows.
  const Index n_windows = n_samples + n_lags;
  const Index slots = std::clamp<Index>(n_windows / (8 * (n_lags + 1)), 1, most_slots);
  const Index padded = padded_of(n_features);
  return plan_panels(n_windows, padded, slots, 2 * padded, 3);
}

void hac_meat(const FittedRows& fit, Index n_lags, const SlotPlan& plan, Index part, int n_threads,
              double* slots) {
  const FittedPanels panels(fit, depth_of_panels(padded_of(fit.n_features)));
  const PanelLayout& layout = panels.layout();
  const Index n_samples = fit.rows.n_samples;
  const Index n_windows = n_samples + n_lags;
  n_threads = useful_threads(plan, fit.n_features, n_threads);
  if (layout.padded() > most_slotted) {
    add_hac_blocks(panels, n_lags, part_of_slot(plan, n_windows, 0, part), n_threads,
                   meat_slot(plan, layout.padded(), slots, 0));
    return;
  }
  for_each_task(plan.n_slots, n_threads, [&](Index k) {
    const MeatSlot slot = meat_slot(plan, layout.padded(), slots, k);
    const RowRange range = part_of_slot(plan, n_windows, k, part);
    ScoreRoom room(panels);
    AlignedVector leaving = AlignedVector::Zero(layout.panel_size());
    if (part == 0) set_window(n_samples, range.first, n_lags, room, leaving.data(), slot.more);
    sum_slot(layout, panels.features(), range, slot.hi, slot.lo,
             [&](Index first, Index n, double* panel) {
               read_scores(n_samples, first - n_lags - 1, n, room, leaving.data());
               read_scores(n_samples, first, n, room, panel);
               for (Index s = 0; s < layout.n_strips(); ++s)
                 move_windows(n, panel + s * layout.strip_stride(),
                              leaving.data() + s * layout.strip_stride(),
                              slot.more + 2 * s * strip_width);
             });
  });
}

void hac_totals(const SlotPlan& plan, Index n_features, Index n_lags, const double* slots,
                double* out) {
  total_products(plan, n_features + 1, padded_of(n_features), slots, out);
  const Index q = n_features + 1;
  for (Index k = 0; k < q * q; ++k) out[k] /= static_cast<double>(n_lags + 1);
}

}  // namespace fastlr
