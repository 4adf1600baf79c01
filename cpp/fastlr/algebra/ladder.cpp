#include "fastlr/algebra/ladder.hpp"

#include <algorithm>
#include <cmath>

namespace fastlr {
namespace {

// Sums of squares outside of this range have lost something to overflow or underflow.
constexpr double smallest_square = 1e-280;

bool is_in_range(const RowMatrix& cross) {
  return cross.diagonal().allFinite() && cross.diagonal().minCoeff() > smallest_square;
}

void accumulate_all(const Rows& rows, const Column* weight, int n_threads, Ladder& ladder) {
  const Index q = rows.n_columns();
  const SlotPlan plan = plan_pass(rows.n_samples, q);
  Vector shift(q);
  provisional_shift(rows, weight, shift.data());
  const Vector ones = Vector::Ones(q);
  Vector slots(plan.n_slots * plan.slot_size);
  ladder.mean.resize(2, q);
  ladder.cross.resize(q, q);
  ladder.summed_squares.resize(q);
  bool is_far = true;
  for (; is_far && ladder.n_passes < most_passes; ++ladder.n_passes) {
    slots.setZero();
    for (Index part = 0; part < plan.n_parts; ++part)
      accumulate(rows, weight, shift.data(), ones.data(), nullptr, 0, plan, part, n_threads,
                 slots.data());
    ladder.statistics = centre(plan, q, shift.data(), ones.data(), slots.data(), ladder.mean.data(),
                               ladder.cross.data());
    is_far = recentre(q, ladder.statistics.weight, ladder.mean.data(), ladder.cross.data(),
                      ones.data(), shift.data(), ladder.summed_squares.data());
  }
}

/// Sweeps until every target has converged; false if one of them cannot be made right with this
/// factor.
bool refine_all(const Rows& rows, const Column* weight, const Refinement& refinement, int n_threads,
                Ladder& ladder) {
  ScaledSolution& s = ladder.solution;
  const Index t = refinement.n_targets;
  const SweepProblem problem{rows, weight, s.scale.data(), refinement.n_features, t};
  const SlotPlan plan = plan_sweep(rows.n_samples, refinement.n_features, t);
  Vector slots(plan.n_slots * plan.slot_size);
  RowMatrix progress = start_of_progress(refinement);
  // refine() lets no target go on for more than ten sweeps.
  for (bool is_done = false; !is_done; ++ladder.n_sweeps) {
    slots.setZero();
    for (Index part = 0; part < plan.n_parts; ++part)
      sweep(problem, s.coef.data(), s.intercept.data(), plan, part, n_threads, slots.data());
    is_done = refine(refinement, problem, plan, slots.data(), s.coef.data(), s.intercept.data(),
                     progress.data());
  }
  s.rss = progress.col(progress_rss);
  const double worst = progress.col(progress_relative_error).maxCoeff();
  ladder.relative_error = {worst, worst};
  return (progress.col(progress_state).array() == static_cast<double>(Refining::converged)).all() ||
         digits_of(worst) > enough_digits;
}

}  // namespace

double contraction_of(const ScaledSolution& s) {
  const double p = static_cast<double>(std::max<Index>(s.length.size(), 1));
  return std::min(1.0, 4 * unit_roundoff * p * s.squared_condition * s.inflation);
}

Refinement refinement_of(const ScaledSolution& s, bool fit_intercept, double weight) {
  return {s.length.size(),
          s.tss.size(),
          fit_intercept,
          weight,
          s.mean.data(),
          s.tss.data(),
          Eigen::Map<const RowMatrix>(s.root.data(), s.root.rows(), s.root.cols()),
          contraction_of(s)};
}

RelativeError relative_error_of(const ScaledSolution& s, bool fit_intercept, double weight) {
  const Refinement refinement = refinement_of(s, fit_intercept, weight);
  const Index p = refinement.n_features;
  const auto worst = [&](const double* length) {
    double error = s.is_lost ? 1.0 : unit_roundoff;
    for (Index k = 0; k < refinement.n_targets; ++k)
      error = std::max(
          error, unit_roundoff + worst_relative_error(refinement, k, s.coef.data() + k * p,
                                                      s.intercept(0, k), s.error.row(k).data(),
                                                      s.error(k, p), length));
    return error;
  };
  return {worst(nullptr), worst(s.length.data())};
}

bool suffices(const ScaledSolution& s, double weight, double n_dof) {
  constexpr double cancelled = 1e-6;
  if (!(weight > 0.0)) return false;
  const Index p = s.length.size();
  const Vector row_norm = s.root.rowwise().norm();
  for (Index k = 0; k < s.tss.size(); ++k) {
    if (!(s.rss[k] > cancelled * s.tss[k]) && s.tss[k] > 0.0) return false;
    const double sd = n_dof > 0.0 ? std::sqrt(s.rss[k] / n_dof) : 0.0;
    for (Index j = 0; j < p; ++j)
      if (!(s.typical_error(k, j) <=
            sufficient_error * std::max(std::abs(s.coef(0, k * p + j)), sd * row_norm[j])))
        return false;
  }
  return true;
}

Ladder climb(const Rows& rows, const Column* weight, Index n_features, bool fit_intercept,
             Accuracy accuracy, int n_threads, bool with_condition) {
  Ladder ladder;
  accumulate_all(rows, weight, n_threads, ladder);
  ladder.n_samples =
      weight != nullptr ? static_cast<Index>(ladder.statistics.n_positive) : rows.n_samples;
  ladder.is_in_range =
      ladder.mean.allFinite() && ladder.statistics.weight > 0.0 && is_in_range(ladder.cross);
  if (!ladder.is_in_range) return ladder;
  const Index q = rows.n_columns();
  const MomentsView moments{n_features,         q - n_features,      ladder.statistics.weight,
                            ladder.mean.data(), ladder.cross.data(), ladder.summed_squares.data()};
  const bool is_small = rows.n_samples * n_features <= always_polished;
  const bool may_stop =
      accuracy == Accuracy::fast || (accuracy == Accuracy::automatic && !is_small);
  ScaledSolution& s = ladder.solution;
  s = solve_normal_equations(moments, fit_intercept, nullptr, true, may_stop, n_threads,
                             with_condition || may_stop);
  if (s.status != Status::ok) return ladder;
  const double n_dof = n_dof_of(static_cast<double>(ladder.n_samples), n_features, fit_intercept);
  Refinement refinement = refinement_of(s, fit_intercept, ladder.statistics.weight);
  if (accuracy == Accuracy::automatic) refinement.tolerance = automatic_tolerance;
  if (accuracy == Accuracy::fast || (may_stop && suffices(s, ladder.statistics.weight, n_dof))) {
    ladder.relative_error = relative_error_of(s, fit_intercept, ladder.statistics.weight);
  } else if (s.squared_condition > sharp_squared_condition) {
    return ladder;
  } else if (!refine_all(rows, weight, refinement, n_threads, ladder)) {
    return ladder;
  }
  ladder.finished =
      finish(refinement, s.scale.data(), s.coef.data(), s.intercept.data(), s.rss.data(), n_dof);
  ladder.is_complete = true;
  return ladder;
}

}  // namespace fastlr
