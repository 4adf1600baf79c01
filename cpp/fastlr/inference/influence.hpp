// How much each row has to say in a fit, without refits: everything follows from its residual r,
// its weight w and its leverage h. One pass over the rows.
#pragma once

#include <array>
#include <vector>

#include "fastlr/inference/fitted_rows.hpp"
#include "fastlr/slots.hpp"

namespace fastlr {

/// residuals[i] = r and leverages[i] = h of row i, for rows within `range`; either may be nullptr.
void row_figures(const FittedRows& fit, RowRange range, int n_threads, double* residuals,
                 double* leverages);

/// Rows of what influence() writes. s^2 = variance; v = w, or 1 where weights count; s_i^2 is the
/// variance without the row, ((n - k) s^2 - v r^2 / (1 - h)) / (n - k - 1).
enum class Measure : Index {
  leverage,  // h
  residual,  // r
  internal,  // sqrt(v) r / (s sqrt(1 - h))
  external,  // sqrt(v) r / (s_i sqrt(1 - h))
  cooks,     // internal^2 h / ((1 - h) k)
  dffits,    // external sqrt(h / (1 - h))
  press,     // r / (1 - h): the residual of the fit without the row
};

constexpr Index n_measures = 7;

constexpr std::array<const char*, n_measures> measure_names{
    "leverage", "residual", "internal", "external", "cooks", "dffits", "press"};

struct InfluenceSettings {
  double variance;                   // s^2, on the scale of the residuals
  double df_resid;                   // n - k
  double n_parameters;               // k
  const double* change = nullptr;    // (p + 1, p + 1), if DFBETAS are asked for
  Index n_changes = 0;               // how many of its columns
  Measure ranking = Measure::cooks;  // largest magnitudes are kept
  Index n_top = 0;                   // of so many rows
};

SlotPlan plan_influence(Index n_samples, Index n_features, Index n_top);

/// Part `part` of the pass. `out` (n_measures, n_samples) and `changes` (n_samples, n_changes),
/// which may be nullptr, are set: changes = sqrt(v) external / sqrt(1 - h) * (factor'z)' change,
/// in standard errors without the row if change = factor' / standard errors at s = 1. What cannot
/// be stated is NaN. slots: (n_slots, slot_size), zeroed before part 0.
void influence(const FittedRows& fit, const InfluenceSettings& settings, const SlotPlan& plan,
               Index part, int n_threads, double* slots, double* out, double* changes);

struct InfluenceTotals {
  double press;            // sum w (r / (1 - h))^2 over the rows that have one
  double squares;          // sum w r^2
  Index n_undetermined;    // those that have none
  std::vector<Index> top;  // rows by falling magnitude of the ranking; NaN is not ranked
};

InfluenceTotals influence_totals(const SlotPlan& plan, Index n_top, const double* slots);

}  // namespace fastlr
