#include "fastlr/inference/influence.hpp"

#include <cmath>

#include "fastlr/inference/fitted_panels.hpp"
#include "fastlr/threads.hpp"

namespace fastlr {
namespace {

/// Below it a variance without the row is nothing but rounding.
constexpr double least_variance = 1e-14;

/// A row among the most influential ones. Of equal ones the first goes before.
struct Ranked {
  double magnitude;
  double row;

  bool goes_before(const Ranked& other) const {
    return magnitude > other.magnitude || (magnitude == other.magnitude && row < other.row);
  }
  static bool is_better(const Ranked& a, const Ranked& b) { return a.goes_before(b); }
};

/// What a slot keeps: sums, then the best rows, the worst of them first.
struct Kept {
  double press[2];  // an unevaluated sum, as the other one
  double squares[2];
  double n_undetermined;
  double n_ranked;

  Ranked* ranked() { return reinterpret_cast<Ranked*>(this + 1); }
  const Ranked* ranked() const { return reinterpret_cast<const Ranked*>(this + 1); }

  static void add(double value, double (&sum)[2]) {
    const double s = sum[0] + value;
    const double t = s - sum[0];
    sum[1] += (sum[0] - (s - t)) + (value - t);
    sum[0] = s;
  }

  void rank(const Ranked& one, Index n_top) {
    Ranked* const first = ranked();
    Ranked* const last = first + static_cast<Index>(n_ranked);
    if (static_cast<Index>(n_ranked) < n_top) {
      *last = one;
      n_ranked += 1.0;
      std::push_heap(first, last + 1, Ranked::is_better);
    } else if (one.goes_before(*first)) {
      std::pop_heap(first, last, Ranked::is_better);
      *(last - 1) = one;
      std::push_heap(first, last, Ranked::is_better);
    }
  }
};

static_assert(sizeof(Kept) == 6 * sizeof(double) && sizeof(Ranked) == 2 * sizeof(double));

Index slot_size(Index n_top) { return round_up(6 + 2 * n_top, 8); }

struct Measures {
  std::array<PanelColumn, n_measures> columns;
  PanelColumn change_factor;

  PanelColumn& operator[](Measure m) { return columns[static_cast<std::size_t>(m)]; }
};

/// All measures of the rows of a panel.
void measure(const PanelFigures& figures, const PanelColumn& left,
             const InfluenceSettings& settings, bool weights_count, Measures& measures) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const double s = std::sqrt(settings.variance);
  const double df = settings.df_resid;
  const double per_parameter = 1.0 / settings.n_parameters;
  for (Index r = 0; r < panel_rows; ++r) {
    const double h = figures.leverage[r];
    const double residual = figures.residual[r];
    // What counts no row is none of the fit's: leaving it out changes nothing.
    const bool is_row = !weights_count || figures.weight[r] > 0.0;
    const double root_weight = weights_count ? (is_row ? 1.0 : 0.0) : std::sqrt(figures.weight[r]);
    const double root_left = std::sqrt(left[r]);
    const double internal = root_weight * residual / (s * root_left);
    const double rest = df - internal * internal;
    const double without = rest > least_variance * df && df > 1.0 ? rest : nan;
    const double external = internal * std::sqrt((df - 1.0) / without);
    const double ratio = h / left[r];
    measures[Measure::leverage][r] = h;
    measures[Measure::residual][r] = residual;
    measures[Measure::internal][r] = is_row ? internal : nan;
    measures[Measure::external][r] = is_row ? external : nan;
    measures[Measure::cooks][r] = internal * internal * ratio * per_parameter;
    measures[Measure::dffits][r] = external * std::sqrt(ratio);
    measures[Measure::press][r] = residual / left[r];
    measures.change_factor[r] = root_weight * external / root_left;
  }
}

/// One thread's room.
struct Room {
  Room(const PanelLayout& layout, bool has_changes)
      : panel(AlignedVector::Zero(layout.panel_size())),
        white(AlignedVector::Zero(layout.panel_size())),
        changes(AlignedVector::Zero(has_changes ? layout.panel_size() : 0)) {}

  AlignedVector panel;
  AlignedVector white;
  AlignedVector changes;
  PanelFigures figures;
  PanelColumn left;
  Measures measures;
};

/// sum w e^2; with `is_stated`, over the rows of which it says so.
double sum_of_squares(const PanelColumn& weight, const PanelColumn& errors,
                      const PanelColumn* is_stated) {
  double sum = 0.0;
  for (Index r = 0; r < panel_rows; ++r) {
    const bool counts = is_stated == nullptr || !std::isnan((*is_stated)[r]);
    sum += counts ? weight[r] * errors[r] * errors[r] : 0.0;
  }
  return sum;
}

void rank_rows(const PanelColumn& values, Index first, Index n, Index n_top, Kept& kept) {
  for (Index r = 0; r < n; ++r) {
    const Ranked one{std::abs(values[r]), static_cast<double>(first + r)};
    if (!std::isnan(one.magnitude)) kept.rank(one, n_top);
  }
}

/// out (n, n_changes) = the rows of a panel times their factors.
void write_changes(const double* panel, const PanelColumn& factor, Index n, Index n_changes,
                   double* out) {
  for (Index r = 0; r < n; ++r, out += n_changes)
    for (Index j = 0; j < n_changes; ++j)
      out[j] = panel[j / strip_width * strip_size + r * strip_width + j % strip_width] * factor[r];
}

}  // namespace

void row_figures(const FittedRows& fit, RowRange range, int n_threads, double* residuals,
                 double* leverages) {
  const FittedPanels panels(fit);
  const PanelLayout& layout = panels.layout();
  constexpr Index most_panels = 16;
  const Index n_panels = (range.last - range.first + panel_rows - 1) / panel_rows;
  const Index per_task = std::clamp<Index>(n_panels / (4 * std::max(n_threads, 1)), 1, most_panels);
  for_each_task((n_panels + per_task - 1) / per_task, n_threads, [&](Index task) {
    Room room(layout, false);
    const Index end = std::min(range.last, range.first + (task + 1) * per_task * panel_rows);
    for (Index first = range.first + task * per_task * panel_rows; first < end;
         first += panel_rows) {
      const Index n = std::min(panel_rows, end - first);
      panels.read(first, n, room.panel.data(), room.figures);
      if (residuals != nullptr) std::copy_n(room.figures.residual.data(), n, residuals + first);
      if (leverages == nullptr) continue;
      panels.whiten(room.panel.data(), n, room.white.data(), room.figures);
      std::copy_n(room.figures.leverage.data(), n, leverages + first);
    }
  });
}

SlotPlan plan_influence(Index n_samples, Index n_features, Index n_top) {
  const Index padded = padded_variables(n_features);
  return plan_slots({.n_samples = n_samples,
                     .fold_rows = panel_rows,
                     .n_slots = most_slots,
                     .least_folds = 4,
                     .work_per_row = 2 * work_per_row(padded),
                     .work_per_part = work_per_call,
                     .slot_size = slot_size(n_top)});
}

void influence(const FittedRows& fit, const InfluenceSettings& settings, const SlotPlan& plan,
               Index part, int n_threads, double* slots, double* out, double* changes) {
  const FittedPanels panels(fit);
  const PanelLayout& layout = panels.layout();
  const Index q = fit.n_variables();
  const Index n_samples = fit.rows.n_samples;
  std::optional<Basis> change;
  if (changes != nullptr)
    change.emplace(Eigen::Map<const RowMatrix>(settings.change, q, q), layout.padded(),
                   Basis::Shape::full);
  for_each_task(plan.n_slots, n_threads, [&](Index k) {
    Kept& kept = *reinterpret_cast<Kept*>(slots + k * plan.slot_size);
    Room room(layout, changes != nullptr);
    Measures& measures = room.measures;
    const RowRange range = part_of_slot(plan, n_samples, k, part);
    for (Index first = range.first; first < range.last; first += panel_rows) {
      const Index n = std::min(panel_rows, range.last - first);
      panels.read(first, n, room.panel.data(), room.figures);
      panels.whiten(room.panel.data(), n, room.white.data(), room.figures);
      kept.n_undetermined += static_cast<double>(panels.leave_one_out(room.figures, n, room.left));
      measure(room.figures, room.left, settings, fit.weights_count, measures);
      const PanelFigures& figures = room.figures;
      const PanelColumn& press = measures[Measure::press];
      Kept::add(sum_of_squares(figures.weight, press, &room.left), kept.press);
      Kept::add(sum_of_squares(figures.weight, figures.residual, nullptr), kept.squares);
      if (settings.n_top > 0) rank_rows(measures[settings.ranking], first, n, settings.n_top, kept);
      if (out != nullptr)
        for (Index m = 0; m < n_measures; ++m)
          std::copy_n(measures[static_cast<Measure>(m)].data(), n, out + m * n_samples + first);
      if (changes != nullptr) {
        change->apply(room.white.data(), layout, n, room.changes.data());
        write_changes(room.changes.data(), measures.change_factor, n, settings.n_changes,
                      changes + first * settings.n_changes);
      }
    }
  });
}

InfluenceTotals influence_totals(const SlotPlan& plan, Index n_top, const double* slots) {
  Kept sums{};
  std::vector<Ranked> best;
  for (Index k = 0; k < plan.n_slots; ++k) {
    const Kept& kept = *reinterpret_cast<const Kept*>(slots + k * plan.slot_size);
    for (const double part : kept.press) Kept::add(part, sums.press);
    for (const double part : kept.squares) Kept::add(part, sums.squares);
    sums.n_undetermined += kept.n_undetermined;
    best.insert(best.end(), kept.ranked(), kept.ranked() + static_cast<Index>(kept.n_ranked));
  }
  std::sort(best.begin(), best.end(), Ranked::is_better);
  InfluenceTotals totals{sums.press[0] + sums.press[1],
                         sums.squares[0] + sums.squares[1],
                         static_cast<Index>(sums.n_undetermined),
                         {}};
  for (Index i = 0; i < std::min(n_top, static_cast<Index>(best.size())); ++i)
    totals.top.push_back(static_cast<Index>(best[static_cast<std::size_t>(i)].row));
  return totals;
}

}  // namespace fastlr
