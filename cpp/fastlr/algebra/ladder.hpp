// The common case in one call: moments, normal equations, and as many sweeps as it takes. Whatever
// is rarer (columns that depend on one another, values at the ends of the range) is left to the
// caller, who has the same steps one by one.
#pragma once

#include "fastlr/algebra/normal_equations.hpp"
#include "fastlr/algebra/refinement.hpp"
#include "fastlr/products/moments.hpp"
#include "fastlr/sweeps/sweep.hpp"

namespace fastlr {

enum class Accuracy : int { fast, automatic, max };

/// Below this many values a sweep costs next to nothing, and "auto" always makes one.
constexpr Index always_polished = Index{1} << 17;

/// Estimated relative error that "auto" refines to; the estimate is ten times what to expect.
constexpr double automatic_tolerance = 2e-15;

/// Squared condition number up to which the factor of the moments gives standard errors right to
/// 1e-10: they err by some u times it.
constexpr double sharp_squared_condition = 2e6;

/// Targets that do not converge are good enough with so many digits.
constexpr double enough_digits = 14.0;

/// By which factor a sweep with this solution's root reduces the error, at most.
double contraction_of(const ScaledSolution& solution);

/// What the steps of a refinement share, for a solution that outlives it.
Refinement refinement_of(const ScaledSolution& solution, bool fit_intercept, double weight);

/// Estimated relative error of the worst coefficient of all targets, and of the worst one as far as
/// predictions are concerned: a coefficient that is zero but for rounding may have no right digit.
struct RelativeError {
  double worst = 0.0;
  double relevant = 0.0;
};
RelativeError relative_error_of(const ScaledSolution& solution, bool fit_intercept, double weight);

/// Whether one pass is enough for "auto": every coefficient right to 1e-13 of itself or of its
/// standard error, and the sum of squares not cancelled below ten digits.
bool suffices(const ScaledSolution& solution, double weight, double n_dof);

/// Degrees of freedom that a fit of so many coefficients leaves to the residuals.
inline double n_dof_of(double n_samples, Index rank, bool fit_intercept) {
  return n_samples - static_cast<double>(rank) - (fit_intercept ? 1.0 : 0.0);
}

struct Ladder {
  bool is_complete = false;  // whether `finished` and `relative_error` are set
  bool is_in_range = true;   // of the moments: finite, and no squares lost to underflow; where they
                             // are not, there is no solution
  Index n_samples = 0;       // rows of positive weight
  WeightStatistics statistics{};
  RowMatrix mean;         // (2, q)
  RowMatrix cross;        // (q, q)
  Vector summed_squares;  // (q) see MomentsView
  ScaledSolution solution;
  Solution finished;
  RelativeError relative_error;
  Index n_passes = 0;
  Index n_sweeps = 0;
};

/// rows: n_features columns of X, then the targets. Why it may stop before the fit is complete is
/// told in docs/from-cpp.md. Without `with_condition` a fit of few columns that sweeps have refined
/// has NaN for a condition number: what takes a quarter of the time of a hundred rows.
Ladder climb(const Rows& rows, const Column* weight, Index n_features, bool fit_intercept,
             Accuracy accuracy, int n_threads, bool with_condition = true);

}  // namespace fastlr
