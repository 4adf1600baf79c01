// What happens to moments after the pass: p^2 work in double-double where differences would lose
// digits.
#include "fastlr/products/moments.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fastlr/matrices.hpp"
#include "fastlr/registers/compensated.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

DoubleDouble mean_at(Index n_columns, const double* mean, Index j) {
  return {mean[j], mean[n_columns + j]};
}

/// total += slot, of the sums that lie on or below the diagonal.
void merge_slot(Index n_variables, Index padded, const Slot& total, const Slot& slot) {
  for (Index i = 0; i < n_variables; ++i) {
    for (Index e = i * padded; e <= i * padded + i; e += lanes) {
      const LanePairs sum = LanePairs{load(total.hi + e), load(total.lo + e)} +
                            LanePairs{load(slot.hi + e), load(slot.lo + e)};
      store(total.hi + e, sum.hi);
      store(total.lo + e, sum.lo);
    }
  }
  *total.statistics += *slot.statistics;
}

constexpr Index rows_to_mirror = 32;

/// What lies above the diagonal of rows [first, last) of what lies below it, in whole lines.
void mirror(Index n, Index first, Index last, double* cross) {
  for (Index j = 0; j < last; ++j)
    for (Index i = std::max(first, j + 1); i < last; ++i) cross[j * n + i] = cross[i * n + j];
}

}  // namespace

WeightStatistics centre(const SlotPlan& plan, Index n_columns, const double* shift,
                        const double* scale, double* slots, double* mean, double* cross) {
  const Index padded = padded_variables(n_columns);
  const Slot total = slot_at(plan, padded, slots, 0);
  for (Index k = 1; k < plan.n_slots; ++k)
    merge_slot(n_columns + 1, padded, total, slot_at(plan, padded, slots, k));
  // Row n_columns of the sums belongs to the constant: sum w z in front, the total weight at the
  // end.
  const Index one = n_columns * padded;
  const DoubleDouble weight = two_sum(total.hi[one + n_columns], total.lo[one + n_columns]);
  Vector reciprocal = Vector::Ones(padded);  // of powers of two
  for (Index j = 0; j < n_columns; ++j) reciprocal[j] = 1.0 / scale[j];
  Vector products(padded);
  for (Index i = 0; i < n_columns; ++i) {
    const DoubleDouble mean_z = two_sum(total.hi[one + i], total.lo[one + i]) / weight;
    const DoubleDouble m =
        DoubleDouble{shift[i], 0.0} + DoubleDouble{mean_z.hi / scale[i], mean_z.lo / scale[i]};
    mean[i] = m.hi;
    mean[n_columns + i] = m.lo;
    const LanePairs minus_mean{broadcast(-mean_z.hi), broadcast(-mean_z.lo)};
    const Lanes of_row = broadcast(reciprocal[i]);
    const double* const hi = total.hi + i * padded;
    const double* const lo = total.lo + i * padded;
    for (Index j = 0; j <= i; j += lanes) {
      const LanePairs c = load_pairs(hi + j, lo + j) +
                          minus_mean * load_pairs(total.hi + one + j, total.lo + one + j);
      store(products.data() + j, (c.hi + c.lo) * of_row * load(reciprocal.data() + j));
    }
    std::copy_n(products.data(), i + 1, cross + i * n_columns);
    if ((i + 1) % rows_to_mirror != 0 && i + 1 < n_columns) continue;
    mirror(n_columns, i / rows_to_mirror * rows_to_mirror, i + 1, cross);
    give_turn();
  }
  const bool weighted = total.statistics->weight != 0.0;
  return weighted ? *total.statistics : WeightStatistics{weight.value(), weight.value(), 0.0};
}

bool recentre(Index n_columns, double weight, const double* mean, const double* cross,
              const double* scale, double* shift, double* summed_squares) {
  constexpr double most_lost = 16.0;  // about one digit
  bool is_far = false;
  for (Index j = 0; j < n_columns; ++j) {
    const double left = std::max(cross[j * n_columns + j], 0.0);
    const DoubleDouble m = mean_at(n_columns, mean, j);
    const double gap = (m - DoubleDouble{shift[j] * scale[j], 0.0}).value();
    const double lost = weight * gap * gap;
    summed_squares[j] = left + lost;
    if (!std::isfinite(lost) || lost <= most_lost * left ||
        std::abs(gap) <= 2 * std::numeric_limits<double>::epsilon() * std::abs(m.hi))
      continue;
    shift[j] = m.value() / scale[j];
    is_far = true;
  }
  return is_far;
}

double merge(Index n_columns, double weight_a, const double* mean_a, const double* cross_a,
             double weight_b, const double* mean_b, const double* cross_b, double* mean,
             double* cross) {
  const double weight = weight_a + weight_b;
  // The larger weight times the smaller one's share: the same for (a, b) and (b, a), and no
  // overflow.
  const double harmonic = std::max(weight_a, weight_b) * (std::min(weight_a, weight_b) / weight);
  Vector gap(n_columns);
  for (Index j = 0; j < n_columns; ++j) {
    const DoubleDouble a = mean_at(n_columns, mean_a, j);
    const DoubleDouble b = mean_at(n_columns, mean_b, j);
    const DoubleDouble m = (DoubleDouble{weight_a, 0.0} * a + DoubleDouble{weight_b, 0.0} * b) /
                           two_sum(weight_a, weight_b);
    mean[j] = m.hi;
    mean[n_columns + j] = m.lo;
    gap[j] = (b - a).value();
  }
  for (Index i = 0; i < n_columns; ++i)
    for (Index j = 0; j < n_columns; ++j) {
      const Index e = i * n_columns + j;
      cross[e] = (cross_a[e] + cross_b[e]) + harmonic * (gap[i] * gap[j]);
    }
  return weight;
}

double subtract(Index n_columns, double weight_a, const double* mean_a, const double* cross_a,
                double weight_b, const double* mean_b, const double* cross_b, double* mean,
                double* cross) {
  const double weight = weight_a - weight_b;
  // a is what is left and b together, hence with gap = mean_b - mean
  //   cross_a = cross + cross_b + (weight weight_b / weight_a) gap gap'.
  const double harmonic = weight * (weight_b / weight_a);
  Vector gap(n_columns);
  for (Index j = 0; j < n_columns; ++j) {
    const DoubleDouble a = mean_at(n_columns, mean_a, j);
    const DoubleDouble b = mean_at(n_columns, mean_b, j);
    const DoubleDouble m = (DoubleDouble{weight_a, 0.0} * a - DoubleDouble{weight_b, 0.0} * b) /
                           two_sum(weight_a, -weight_b);
    mean[j] = m.hi;
    mean[n_columns + j] = m.lo;
    gap[j] = (b - m).value();
  }
  for (Index i = 0; i < n_columns; ++i)
    for (Index j = 0; j < n_columns; ++j) {
      const Index e = i * n_columns + j;
      cross[e] = (cross_a[e] - cross_b[e]) - harmonic * (gap[i] * gap[j]);
    }
  return weight;
}

}  // namespace fastlr
