// Moments: total weight, means and centred cross-products of all variables (X | y...), from one
// pass over the rows.
//
//   accumulate   rows -> slots of shifted sums S = sum w z z',  z = ((x - shift) * scale, 1)
//   centre       slots -> weight, mean, cross = sum w (x - mean)(x - mean)'
//   merge        two moments -> moments of all their rows (Chan, Golub, LeVeque 1979)
//   subtract     its inverse
#pragma once

#include "fastlr/rows.hpp"
#include "fastlr/slots.hpp"

namespace fastlr {

constexpr Index rows_per_fold = 1024;

/// Leading dimension of the sums of so many columns and the constant.
constexpr Index padded_variables(Index n_columns) { return round_up(n_columns + 1, 8); }

/// What is known of the weights alone: their sum, how many are positive, and the sum of those
/// logarithms.
struct WeightStatistics {
  double weight = 0.0;
  double n_positive = 0.0;
  double sum_log_weight = 0.0;

  WeightStatistics& operator+=(const WeightStatistics& other) {
    weight += other.weight;
    n_positive += other.n_positive;
    sum_log_weight += other.sum_log_weight;
    return *this;
  }
};

constexpr Index statistics_size = 8;  // doubles kept for them in a slot

/// The sums of one slot as they lie in the workspace: (padded, padded) each, lower triangle of
/// strips.
struct Slot {
  double* hi;
  double* lo;
  WeightStatistics* statistics;
};

inline Slot slot_at(const SlotPlan& plan, Index padded, double* slots, Index k) {
  double* base = slots + k * plan.slot_size;
  const Index size = padded * padded;
  return {base, base + size, reinterpret_cast<WeightStatistics*>(base + 2 * size)};
}

/// A slot holds sums, their low parts, and the weights' statistics.
SlotPlan plan_pass(Index n_samples, Index n_columns);

/// shift[j] = median of a few rows of column j, of positive weight: |mean - shift| is seldom above
/// one standard deviation, and a constant column is shifted to exact zeros. `weight` may be
/// nullptr.
void provisional_shift(const Rows& rows, const Column* weight, double* shift);

/// deviation[j] = max |x_ij - shift_j| over rows of positive weight, infinite if any value is not
/// finite; 0 where diagonal[j], a sum of squares, is well inside of the range of doubles.
void largest_deviation(const Rows& rows, const Column* weight, const double* shift,
                       const double* diagonal, int n_threads, double* deviation);

/// What a pass about `shift` has added up: summed_squares[j] = cross_jj + W (mean_j - shift_j)^2,
/// to which its rounding errors belong. Where that is far more than cross_jj, the mean becomes the
/// shift; true if it is anywhere: then another pass is due. scale: (q) of mean and cross, which
/// shift does not have.
bool recentre(Index n_columns, double weight, const double* mean, const double* cross,
              const double* scale, double* shift, double* summed_squares);

constexpr int most_passes = 4;  // about ever better shifts

/// slots += part `part` of the pass. `weight` may be nullptr. slots: (n_slots, slot_size),
/// zeroed before part 0. Not finite in, not finite out: the caller looks afterwards. With K
/// (n_features, n_features), upper triangular, the first variables are those of (x - shift) * scale
/// * K instead.
void accumulate(const Rows& rows, const Column* weight, const double* shift, const double* scale,
                const double* K, Index n_features, const SlotPlan& plan, Index part, int n_threads,
                double* slots);

/// Merge the slots in order (they are used up), centre, unscale. mean: (2, q), cross: (q, q), both
/// set.
WeightStatistics centre(const SlotPlan& plan, Index n_columns, const double* shift,
                        const double* scale, double* slots, double* mean, double* cross);

/// out = a + b. `out` may alias neither. Commutative to the bit.
double merge(Index n_columns, double weight_a, const double* mean_a, const double* cross_a,
             double weight_b, const double* mean_b, const double* cross_b, double* mean,
             double* cross);

/// out = a - b, the moments of the rows of `a` that are not in `b`; needs weight_a > weight_b.
double subtract(Index n_columns, double weight_a, const double* mean_a, const double* cross_a,
                double weight_b, const double* mean_b, const double* cross_b, double* mean,
                double* cross);

}  // namespace fastlr
