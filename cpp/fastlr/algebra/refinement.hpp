// Coefficients as double-doubles, improved sweep by sweep with the (pseudo-)inverse K K' of the
// normal equations:
//
//   g = sum w x r - mean x sum w r,   b += K K'g,   a += sum w r / W - mean x' K K'g
//
// Corrected semi-normal equations (Bjorck 1987) with residual and gradient in about twice the
// working precision. The error of the next point is K E K'g with |E| about the distance of K'AK
// from the identity, which says both when to stop and how many digits are right.
#pragma once

#include "fastlr/algebra/scaled_equations.hpp"
#include "fastlr/matrices.hpp"
#include "fastlr/sweeps/sweep.hpp"

namespace fastlr {

enum class Refining : int { going, converged, stagnated };

/// How sweeps have gone for a target, kept between them: columns of a (t, progress_size) table.
enum ProgressColumn : Index {
  progress_state,           // Refining
  progress_last_step,       // |K'g| of the last correction
  progress_rss,             // at the current point, in scaled columns
  progress_relative_error,  // estimated, of the worst coefficient (the intercept is one)
  progress_n_sweeps,
  progress_contraction,  // by which factor a sweep reduces the error, at most
  progress_error,        // estimated |K^+ error|: of coefficients it is this times |row of K|
  progress_size
};

/// What does not change between sweeps.
struct Refinement {
  Index n_features;
  Index n_targets;
  bool fit_intercept;
  double weight;
  const double* mean;                // (2, p + t) in scaled columns, an unevaluated sum
  const double* tss;                 // (t) in scaled columns
  Eigen::Map<const RowMatrix> root;  // (p, r)
  double contraction;  // what is known beforehand: u times the condition number of what K was
                       // computed from
  double tolerance = unit_roundoff;  // estimated relative error of the worst coefficient to stop at
};

/// (t, progress_size) before the first sweep.
RowMatrix start_of_progress(const Refinement& refinement);

/// One correction of every target that is going on. coef: (2, t * p), intercept: (2, t), progress:
/// (t, progress_size), all updated. True when all targets have converged or stagnated.
bool refine(const Refinement& refinement, const SweepProblem& problem, const SlotPlan& plan,
            const double* slots, double* coef, double* intercept, double* progress);

/// A fit in the user's units.
struct Solution {
  RowMatrix coef;        // (t, p)
  Vector intercept;      // (t)
  Vector rss;            // (t)
  Vector tss;            // (t)
  RowMatrix bse;         // (t, p) standard errors
  Vector bse_intercept;  // (t)
  Vector residual_sd;    // (t) sqrt(rss / n_dof), NaN without degrees of freedom
};

/// scale: (p + t) of the scaled columns. Standard errors are residual_sd |row of K|, that of the
/// intercept residual_sd sqrt(1 / W + |K' mean x|^2).
Solution finish(const Refinement& refinement, const double* scale, const double* coef,
                const double* intercept, const double* rss, double n_dof);

/// -log10 of a relative error, between 0 and 15.
double digits_of(double relative_error);

/// max_j error_j / |b_j| over coefficients and intercept; what is zero but for rounding does not
/// count. With `length` (p) of the columns, |b_j| counts as at least |y| / length_j: then it is the
/// worst error that matters to predictions.
double worst_relative_error(const Refinement& refinement, Index target, const double* coef,
                            double intercept, const double* error, double intercept_error,
                            const double* length = nullptr);

/// The worst of all targets and coefficients, u at least. error: (t, p + 1), the intercept's last.
double relative_error_of_all(const Refinement& refinement, const double* coef,
                             const double* intercept, const double* error);

}  // namespace fastlr
