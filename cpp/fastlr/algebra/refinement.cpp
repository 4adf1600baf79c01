#include "fastlr/algebra/refinement.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr int most_sweeps = 10;
// A value this far below the size of its terms is zero in every digit that rounding to float64 left
// in the data.
constexpr double negligible = 1e-25;

// Of a sum of squares that the correction takes away to this share nothing is left but rounding.
constexpr double cancelled = 1e-10;

DoubleDouble pair_at(const double* values, Index size, Index k) {
  return {values[k], values[size + k]};
}

void add_to(double* values, Index size, Index k, DoubleDouble change) {
  const DoubleDouble sum = pair_at(values, size, k) + change;
  values[k] = sum.hi;
  values[size + k] = sum.lo;
}

/// error / |value|; 1 of nothing.
double ratio(double error, double value) { return value > error ? error / value : 1.0; }

double square_root(double x) { return std::sqrt(std::max(x, 0.0)); }

/// What rounding in a sweep does to K'g: about 2 u^2 (p + 2) times the size of the residuals'
/// terms, and 2 u^2 |x||r| in every gradient, which K' magnifies.
double rounding_of_sweep(const Refinement& f, Index target, const double* coef, double intercept,
                         double rss, const Vector& row_norm) {
  const double root_weight = std::sqrt(f.weight);
  double size = square_root(f.tss[target]) +
                root_weight * (std::abs(f.mean[f.n_features + target]) + std::abs(intercept));
  double magnified = 0.0;
  for (Index j = 0; j < f.n_features; ++j) {
    const double length = 1.0 + root_weight * std::abs(f.mean[j]);
    size += std::abs(coef[j]) * length;
    magnified += row_norm[j] * length;
  }
  return 2 * unit_roundoff * unit_roundoff *
         (static_cast<double>(f.n_features + 2) * size + magnified * square_root(rss));
}

}  // namespace

double digits_of(double relative_error) {
  if (!(relative_error > 0.0)) return relative_error == 0.0 ? 15.0 : 0.0;
  const double digits = -std::log10(relative_error);
  return digits >= 0.01 ? std::min(digits, 15.0) : 0.0;
}

double worst_relative_error(const Refinement& f, Index target, const double* coef, double intercept,
                            const double* error, double intercept_error, const double* length) {
  const double y_size = square_root(f.tss[target]);
  double intercept_size = std::abs(f.mean[f.n_features + target]) + y_size / std::sqrt(f.weight);
  for (Index j = 0; j < f.n_features; ++j) intercept_size += std::abs(coef[j] * f.mean[j]);
  double worst = 0.0;
  for (Index j = 0; j < f.n_features; ++j) {
    double b = std::abs(coef[j]);
    if (length != nullptr && length[j] > 0.0) b = std::max(b, y_size / length[j]);
    // Zero in every digit only if its error is below all digits as well.
    const double size = y_size > 0.0 ? std::max(b, error[j]) : b;
    if (size > negligible * y_size) worst = std::max(worst, ratio(error[j], b));
  }
  double a = std::abs(intercept);
  if (length != nullptr) a = std::max(a, y_size / std::sqrt(f.weight));
  const double size = y_size > 0.0 ? std::max(a, intercept_error) : a;
  if (f.fit_intercept && size > negligible * intercept_size)
    worst = std::max(worst, ratio(intercept_error, a));
  return worst;
}

RowMatrix start_of_progress(const Refinement& f) {
  RowMatrix progress = RowMatrix::Zero(f.n_targets, progress_size);
  progress.col(progress_contraction).setConstant(f.contraction);
  return progress;
}

bool refine(const Refinement& f, const SweepProblem& problem, const SlotPlan& plan,
            const double* slots, double* coef, double* intercept, double* progress) {
  const Index p = f.n_features;
  const Index t = f.n_targets;
  const Index q = p + t;
  const auto mean = [&](Index j) { return pair_at(f.mean, q, j); };
  const Vector row_norm = f.root.rowwise().norm();
  const Vector root_mean = f.root.transpose() * ConstVectorMap(f.mean, p);
  const double intercept_norm =
      f.fit_intercept ? std::sqrt(1.0 / f.weight + root_mean.squaredNorm()) : 0.0;
  Vector g(p);
  Vector error(p);
  bool all_done = true;
  for (Index k = 0; k < t; ++k) {
    double* now = progress + k * progress_size;
    const auto is = [&](Refining progress) {
      return now[progress_state] == static_cast<double>(progress);
    };
    const auto set = [&](Refining progress) {
      now[progress_state] = static_cast<double>(progress);
    };
    if (!is(Refining::going)) continue;
    give_turn();
    const SweepTotals totals = sweep_totals(problem, plan, k, slots);
    const DoubleDouble sum = f.fit_intercept ? totals.sum : DoubleDouble{};
    for (Index j = 0; j < p; ++j)
      g[j] = (totals.gradient[static_cast<std::size_t>(j)] - mean(j) * sum).value();
    const Vector step_in_root = f.root.transpose() * g;
    const Vector step = f.root * step_in_root;
    const double length = step_in_root.norm();
    ++now[progress_n_sweeps];
    if (now[progress_n_sweeps] > 1 && !(length <= 0.5 * now[progress_last_step])) {
      set(Refining::stagnated);
      now[progress_rss] = totals.rss;
    } else {
      const double shift = f.fit_intercept ? sum.value() / f.weight : 0.0;
      DoubleDouble a_step{shift, 0.0};
      for (Index j = 0; j < p; ++j) {
        add_to(coef, t * p, k * p + j, {step[j], 0.0});
        if (f.fit_intercept) a_step = a_step - mean(j) * DoubleDouble{step[j], 0.0};
      }
      add_to(intercept, t, k, a_step);
      // At the new point the sum of squares is smaller by |K'g|^2 + W shift^2.
      const double rss = totals.rss - g.dot(step) - f.weight * shift * shift;
      now[progress_rss] = rss > cancelled * totals.rss ? rss : 0.0;
      if (now[progress_n_sweeps] > 1 && now[progress_last_step] > 0.0) {
        // What was seen is a lower bound; where it is above what was expected, that was wrong.
        const double seen = length / now[progress_last_step];
        now[progress_contraction] = seen > now[progress_contraction]
                                        ? 10.0 * seen
                                        : std::min(now[progress_contraction], 10.0 * seen);
      }
      now[progress_last_step] = length;
    }
    const double* b = coef + k * p;
    const double sweep_rounding = rounding_of_sweep(f, k, b, intercept[k], totals.rss, row_norm);
    const double iteration = now[progress_contraction] * now[progress_last_step];
    const auto relative_error = [&](double in_root) {
      error = in_root * row_norm;
      return worst_relative_error(f, k, b, intercept[k], error.data(), in_root * intercept_norm);
    };
    // It does not help to go below what rounding in the sweep costs.
    const bool is_done = iteration <= sweep_rounding || relative_error(iteration) <= f.tolerance;
    now[progress_error] = iteration + sweep_rounding;
    now[progress_relative_error] = relative_error(now[progress_error]) + unit_roundoff;
    if (is(Refining::going) && (is_done || now[progress_n_sweeps] >= most_sweeps))
      set(is_done ? Refining::converged : Refining::stagnated);
    all_done = all_done && !is(Refining::going);
  }
  return all_done;
}

Solution finish(const Refinement& f, const double* scale, const double* coef,
                const double* intercept, const double* rss, double n_dof) {
  const Index p = f.n_features;
  const Index t = f.n_targets;
  const Vector row_norm = f.root.rowwise().norm();
  const Vector root_mean = f.root.transpose() * ConstVectorMap(f.mean, p);
  Solution out{RowMatrix(t, p), Vector(t), Vector(t), Vector(t),
               RowMatrix(t, p), Vector(t), Vector(t)};
  for (Index k = 0; k < t; ++k) {
    const double y_scale = scale[p + k];
    const double sd =
        n_dof > 0.0 ? std::sqrt(rss[k] / n_dof) : std::numeric_limits<double>::quiet_NaN();
    for (Index j = 0; j < p; ++j) {
      out.coef(k, j) = rescaled(coef[k * p + j], scale[j], y_scale);
      out.bse(k, j) = rescaled(sd * row_norm[j], scale[j], y_scale);
    }
    out.intercept[k] = rescaled(intercept[k], 1.0, y_scale);
    out.bse_intercept[k] =
        f.fit_intercept
            ? rescaled(sd * std::sqrt(1.0 / f.weight + root_mean.squaredNorm()), 1.0, y_scale)
            : 0.0;
    out.residual_sd[k] = rescaled(sd, 1.0, y_scale);
    out.rss[k] = rescaled(rescaled(rss[k], 1.0, y_scale), 1.0, y_scale);
    out.tss[k] = rescaled(rescaled(f.tss[k], 1.0, y_scale), 1.0, y_scale);
  }
  return out;
}

double relative_error_of_all(const Refinement& f, const double* coef, const double* intercept,
                             const double* error) {
  const Index p = f.n_features;
  double worst = 0.0;
  for (Index k = 0; k < f.n_targets; ++k) {
    const double* of_target = error + k * (p + 1);
    worst = std::max(
        worst, worst_relative_error(f, k, coef + k * p, intercept[k], of_target, of_target[p]));
  }
  return worst + unit_roundoff;
}

}  // namespace fastlr
