// Panels of fitted rows: each row's variables as product kernels want them, and beside them its
// weight, its residual and its leverage.
#pragma once

#include <algorithm>
#include <array>
#include <optional>

#include "fastlr/inference/fitted_rows.hpp"
#include "fastlr/matrices.hpp"
#include "fastlr/products/basis.hpp"
#include "fastlr/products/packing.hpp"
#include "fastlr/products/panel_passes.hpp"

namespace fastlr {

/// Multiply-adds in one call of a pass over fitted rows.
constexpr Index work_per_call = Index{1} << 28;

/// One number for each row of a panel; zero beyond its last row.
struct PanelColumn {
  alignas(64) std::array<double, static_cast<std::size_t>(panel_rows)> values;

  double* data() { return values.data(); }
  const double* data() const { return values.data(); }
  double& operator[](Index r) { return values[static_cast<std::size_t>(r)]; }
  double operator[](Index r) const { return values[static_cast<std::size_t>(r)]; }
};

/// What is known of the rows of a panel besides their variables.
struct PanelFigures {
  PanelColumn weight;
  PanelColumn residual;
  PanelColumn leverage;
};

/// The panels of a fit's rows, for all threads.
class FittedPanels {
 public:
  explicit FittedPanels(const FittedRows& fit, Index depth = panel_rows);
  FittedPanels(const FittedPanels&) = delete;
  FittedPanels& operator=(const FittedPanels&) = delete;

  const Rows& features() const { return features_; }
  const PanelLayout& layout() const { return layout_; }
  bool has_leverages() const { return whitening_.has_value(); }

  /// panel := rows [first, first + n), n <= panel_rows, and their weights and residuals.
  void read(Index first, Index n, double* panel, PanelFigures& figures) const;

  /// white := panel * factor, for which it has room, and the rows' leverages.
  void whiten(const double* panel, Index n, double* white, PanelFigures& figures) const;

  /// left := 1 - h, or NaN where that is nothing but rounding. Returns how many such rows there are
  /// among the first n.
  Index leave_one_out(const PanelFigures& figures, Index n, PanelColumn& left) const;

 private:
  void set_residuals(Index first, Index n, const double* panel, PanelColumn& residual) const;

  const FittedRows& fit_;
  Rows features_;
  PanelLayout layout_;
  AlignedVector coef_;
  std::optional<Basis> whitening_;
};

/// Row r of a panel times factor[r], for the first n rows.
void multiply_rows(const PanelLayout& layout, Index n, const PanelColumn& factor, double* panel);

/// One thread's room for panels and for the scores of their rows.
struct ScoreRoom {
  explicit ScoreRoom(const FittedPanels& fitted)
      : panels(fitted),
        raw(AlignedVector::Zero(fitted.has_leverages() ? fitted.layout().panel_size() : 0)) {}

  /// panel := the variables of rows [first, first + n), n <= panel_rows, in the basis of the factor
  /// if there is one; scores := w r, and leverages if there is a factor.
  void read(Index first, Index n, double* panel);

  const FittedPanels& panels;
  AlignedVector raw;
  PanelFigures figures;
  PanelColumn scores;
};

/// Asks for the rows of later panels while those of one are at work.
class RowsAhead {
 public:
  explicit RowsAhead(const Rows& rows)
      : lines_(std::min(most_lines, Prefetcher(rows, 1).row_bytes() / cache_line + 1)),
        prefetcher_(rows, lines_),
        distance_(panel_rows_ahead(prefetcher_)) {}

  /// The panel that begins with row `first` of [start, last) is next.
  void aim(Index start, Index first, Index last) {
    if ((first - start) % distance_ == 0)
      prefetcher_.aim(std::min(last, first + distance_), std::min(last, first + 2 * distance_));
  }

  /// Called for every row.
  [[gnu::always_inline]] void ask() {
    const std::byte* const* const lines = prefetcher_.next(lines_);
    for (Index k = 0; k < lines_; ++k) prefetch(lines[k]);
  }

 private:
  static constexpr Index most_lines = 64;

  Index lines_;  // of a row
  Prefetcher prefetcher_;
  Index distance_;
};

}  // namespace fastlr
