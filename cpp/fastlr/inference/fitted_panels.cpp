// Built with FMA contraction, as all products of panels are.
#include "fastlr/inference/fitted_panels.hpp"

#include <limits>

#include "fastlr/reading/loading.hpp"
#include "fastlr/registers/lane_sums.hpp"

namespace fastlr {
namespace {

Rows features_of(const FittedRows& fit) {
  Rows features{fit.rows.n_samples, fit.rows.columns, fit.rows.sparse};
  features.columns.resize(static_cast<std::size_t>(fit.n_features));
  return features;
}

}  // namespace

FittedPanels::FittedPanels(const FittedRows& fit, Index depth)
    : fit_(fit), features_(features_of(fit)), layout_(features_, fit.shift, fit.scale, depth) {
  if (fit.coef != nullptr) {
    coef_.setZero(layout_.padded());
    std::copy_n(fit.coef, fit.n_variables(), coef_.data());
  }
  const Index q = fit.n_variables();
  if (fit.factor != nullptr)
    whitening_.emplace(Eigen::Map<const RowMatrix>(fit.factor, q, q), layout_.padded());
}

void FittedPanels::read(Index first, Index n, double* panel, PanelFigures& figures) const {
  layout_.pack(first, n, nullptr, panel);
  if (fit_.weight != nullptr) {
    load_column(*fit_.weight, first, n, figures.weight.data());
  } else {
    std::fill_n(figures.weight.data(), n, 1.0);
  }
  std::fill(figures.weight.data() + n, figures.weight.data() + panel_rows, 0.0);
  if (fit_.coef != nullptr) set_residuals(first, n, panel, figures.residual);
}

void FittedPanels::whiten(const double* panel, Index n, double* white,
                          PanelFigures& figures) const {
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

Index FittedPanels::leave_one_out(const PanelFigures& figures, Index n, PanelColumn& left) const {
  Index n_undetermined = 0;
  for (Index r = 0; r < panel_rows; ++r) {
    const double rest = 1.0 - figures.leverage[r];
    const bool is_left = rest > fit_.least_left;
    left[r] = is_left ? rest : std::numeric_limits<double>::quiet_NaN();
    n_undetermined += !is_left && r < n;
  }
  return n_undetermined;
}

void FittedPanels::set_residuals(Index first, Index n, const double* panel,
                                 PanelColumn& residual) const {
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

void multiply_rows(const PanelLayout& layout, Index n, const PanelColumn& factor, double* panel) {
  for (Index s = 0; s < layout.n_strips(); ++s) {
    double* row = panel + s * layout.strip_stride();
    for (Index r = 0; r < n; ++r, row += strip_width) {
      const Lanes u = broadcast_from(factor.data() + r);
#pragma GCC unroll 8
      for (Index v = 0; v < strip_width; v += lanes) store(row + v, multiply(load(row + v), u));
    }
  }
}

void ScoreRoom::read(Index first, Index n, double* panel) {
  const bool is_white = panels.has_leverages();
  panels.read(first, n, is_white ? raw.data() : panel, figures);
  for (Index r = 0; r < panel_rows; ++r) scores[r] = figures.weight[r] * figures.residual[r];
  if (is_white) panels.whiten(raw.data(), n, panel, figures);
}

}  // namespace fastlr
