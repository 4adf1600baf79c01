// Panels of fitted rows: each row's variables as product kernels want them, and beside them its
// weight, its residual and its leverage.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "fastlr/inference/fitted_rows.hpp"
#include "fastlr/matrices.hpp"
#include "fastlr/products/basis.hpp"
#include "fastlr/products/panel_passes.hpp"
#include "fastlr/reading/loading.hpp"
#include "fastlr/reading/packing.hpp"
#include "fastlr/registers/lane_sums.hpp"

namespace fastlr {

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
  explicit FittedPanels(const FittedRows& fit, Index depth = panel_rows)
      : fit_(fit), features_(features_of(fit)), layout_(features_, fit.shift, fit.scale, depth) {
    if (fit.coef != nullptr) {
      coef_.setZero(layout_.padded());
      std::copy_n(fit.coef, fit.n_variables(), coef_.data());
    }
    const Index q = fit.n_variables();
    if (fit.factor != nullptr)
      whitening_.emplace(Eigen::Map<const RowMatrix>(fit.factor, q, q), layout_.padded());
  }
  FittedPanels(const FittedPanels&) = delete;
  FittedPanels& operator=(const FittedPanels&) = delete;

  const Rows& features() const { return features_; }
  const PanelLayout& layout() const { return layout_; }
  bool has_leverages() const { return whitening_.has_value(); }

  /// panel := rows [first, first + n), n <= panel_rows, and their weights and residuals.
  void read(Index first, Index n, double* panel, PanelFigures& figures) const {
    layout_.pack(first, n, nullptr, panel);
    if (fit_.weight != nullptr) {
      load_column(*fit_.weight, first, n, figures.weight.data());
    } else {
      std::fill_n(figures.weight.data(), n, 1.0);
    }
    std::fill(figures.weight.data() + n, figures.weight.data() + panel_rows, 0.0);
    if (fit_.coef != nullptr) set_residuals(first, n, panel, figures.residual);
  }

  /// white := panel * factor, for which it has room, and the rows' leverages.
  void whiten(const double* panel, Index n, double* white, PanelFigures& figures) const {
    whitening_->apply(panel, layout_, n, white);
    for (Index r = 0; r < n; r += lanes) {
      Lanes sum[lanes];
#pragma GCC unroll 8
      for (Index i = 0; i < lanes; ++i) sum[i] = broadcast(0.0);
      for (Index s = 0; s < layout_.n_strips(); ++s) {
        const double* const rows = white + s * layout_.strip_stride() + r * strip_width;
#pragma GCC unroll 8
        for (Index i = 0; i < lanes; ++i)
#pragma GCC unroll 8
          for (Index v = 0; v < strip_width; v += lanes) {
            const Lanes x = load(rows + i * strip_width + v);
            sum[i] = multiply_add(x, x, sum[i]);
          }
      }
      Lanes h = sums_of(sum);
      const Lanes w = load(figures.weight.data() + r);
      h = fit_.weights_count ? keep(h, is_positive(w)) : multiply(h, w);
      store(figures.leverage.data() + r, h);
    }
    std::fill(figures.leverage.data() + n, figures.leverage.data() + panel_rows, 0.0);
  }

  /// left := 1 - h, or NaN where that is nothing but rounding. Returns how many such rows there are
  /// among the first n.
  Index leave_one_out(const PanelFigures& figures, Index n, PanelColumn& left) const {
    Index n_undetermined = 0;
    for (Index r = 0; r < panel_rows; ++r) {
      const double rest = 1.0 - figures.leverage[r];
      const bool is_left = rest > fit_.least_left;
      left[r] = is_left ? rest : std::numeric_limits<double>::quiet_NaN();
      n_undetermined += !is_left && r < n;
    }
    return n_undetermined;
  }

 private:
  static Rows features_of(const FittedRows& fit) {
    Rows features{fit.rows.n_samples, fit.rows.columns, fit.rows.sparse};
    features.columns.resize(static_cast<std::size_t>(fit.n_features));
    return features;
  }

  void set_residuals(Index first, Index n, const double* panel, PanelColumn& residual) const {
    const Column& y = fit_.rows.columns[static_cast<std::size_t>(fit_.n_features)];
    const Lanes shift = broadcast(-fit_.shift[fit_.n_features]);
    const Lanes scale = broadcast(fit_.scale[fit_.n_features]);
    load_column(y, first, n, residual.data());
    for (Index r = 0; r < n; r += lanes) {
      Lanes sum[lanes];
#pragma GCC unroll 8
      for (Index i = 0; i < lanes; ++i) sum[i] = broadcast(0.0);
      for (Index s = 0; s < layout_.n_strips(); ++s) {
        const double* const rows = panel + s * layout_.strip_stride() + r * strip_width;
        const double* const coef = coef_.data() + s * strip_width;
#pragma GCC unroll 8
        for (Index v = 0; v < strip_width; v += lanes) {
          const Lanes b = load(coef + v);
#pragma GCC unroll 8
          for (Index i = 0; i < lanes; ++i)
            sum[i] = multiply_add(load(rows + i * strip_width + v), b, sum[i]);
        }
      }
      const Lanes target = multiply(add(load(residual.data() + r), shift), scale);
      store(residual.data() + r, add(target, multiply(broadcast(-1.0), sums_of(sum))));
    }
    std::fill(residual.data() + n, residual.data() + panel_rows, 0.0);
  }

  const FittedRows& fit_;
  Rows features_;
  PanelLayout layout_;
  AlignedVector coef_;
  std::optional<Basis> whitening_;
};

/// Row r of a panel times factor[r], for the first n rows.
inline void multiply_rows(const PanelLayout& layout, Index n, const PanelColumn& factor,
                          double* panel) {
  for (Index s = 0; s < layout.n_strips(); ++s) {
    double* row = panel + s * layout.strip_stride();
    for (Index r = 0; r < n; ++r, row += strip_width) {
      const Lanes u = broadcast_from(factor.data() + r);
#pragma GCC unroll 8
      for (Index v = 0; v < strip_width; v += lanes) store(row + v, multiply(load(row + v), u));
    }
  }
}

/// One thread's room for panels and for the scores of their rows.
struct ScoreRoom {
  explicit ScoreRoom(const FittedPanels& fitted)
      : panels(fitted),
        raw(AlignedVector::Zero(fitted.has_leverages() ? fitted.layout().panel_size() : 0)) {}

  /// panel := the variables of rows [first, first + n), n <= panel_rows, in the basis of the factor
  /// if there is one; scores := w r, and leverages if there is a factor.
  void read(Index first, Index n, double* panel) {
    const bool is_white = panels.has_leverages();
    panels.read(first, n, is_white ? raw.data() : panel, figures);
    for (Index r = 0; r < panel_rows; ++r) scores[r] = figures.weight[r] * figures.residual[r];
    if (is_white) panels.whiten(raw.data(), n, panel, figures);
  }

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
