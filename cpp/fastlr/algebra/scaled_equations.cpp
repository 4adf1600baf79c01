#include "fastlr/algebra/scaled_equations.hpp"

#include <algorithm>

#include "fastlr/large_zeros.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

/// The power of two that brings sqrt(value) into [1/2, 1).
double power_of_two_scale(double value) {
  int exponent = 0;
  std::frexp(std::sqrt(value), &exponent);
  return std::ldexp(1.0, -exponent);
}

}  // namespace

ScaledEquations scaled_equations(const MomentsView& moments, bool fit_intercept,
                                 const double* penalty) {
  const Index p = moments.n_features;
  const Index t = moments.n_targets;
  const Index q = p + t;
  const auto entry = [&](Index i, Index j) { return moments.product(i, j, fit_intercept); };
  const auto penalty_of = [&](Index j) { return penalty != nullptr && j < p ? penalty[j] : 0.0; };
  const auto summed_squares_of = [&](Index j) {
    const double about_mean =
        moments.summed_squares != nullptr ? moments.summed_squares[j] : moments.product(j, j, true);
    return fit_intercept ? about_mean
                         : about_mean + moments.weight * moments.mean[j] * moments.mean[j];
  };
  ScaledEquations equations;
  equations.n_features = p;
  equations.n_targets = t;
  equations.fit_intercept = fit_intercept;
  equations.weight = moments.weight;
  equations.scale.setZero(q);
  equations.yy.resize(t);
  equations.summed_y.resize(t);
  for (Index j = 0; j < q; ++j) {
    const double product = entry(j, j);
    // Rounding noise of a constant column: every value off by at most 4 u |mean|.
    const double noise = fit_intercept ? 4 * unit_roundoff * std::abs(moments.mean[j]) : 0.0;
    // What a sum of larger squares leaves below its own rounding is noise as well.
    const double left_over = 8 * moments.rounding * summed_squares_of(j);
    const double constant = moments.weight * noise * noise;
    const bool varies = product + penalty_of(j) > std::max(constant, left_over);
    if (j < p && !varies && left_over > constant) equations.is_lost = true;
    if (varies) equations.scale[j] = power_of_two_scale(product + penalty_of(j));
    if (j < p && varies) equations.varying.push_back(j);
    if (j >= p) {
      if (!(product > 0.0)) equations.scale[j] = power_of_two_scale(1.0);
      if (equations.scale[j] == 0.0) equations.scale[j] = power_of_two_scale(product);
      equations.yy[j - p] = std::max(product, 0.0) * equations.scale[j] * equations.scale[j];
      equations.summed_y[j - p] =
          std::sqrt(std::max(std::max(product, summed_squares_of(j)), 0.0)) * equations.scale[j];
    }
  }
  equations.mean.resize(static_cast<std::size_t>(q));
  for (Index j = 0; j < q; ++j) {
    const DoubleDouble m = moments.mean_at(j);
    equations.mean[static_cast<std::size_t>(j)] = {m.hi * equations.scale[j],
                                                   m.lo * equations.scale[j]};
  }
  const Index l = equations.n_varying();
  equations.A.resize(l, l);
  prefer_huge_pages(equations.A.data(), equations.A.size());
  equations.c.resize(l, t);
  equations.penalty.resize(l);
  equations.summed.resize(l);
  Vector scales(l);
  for (Index i = 0; i < l; ++i)
    scales[i] = equations.scale[equations.varying[static_cast<std::size_t>(i)]];
  for (Index j = 0; j < l; ++j) {  // the later column's scale comes first: both triangles are equal
    if (j % 64 == 0) give_turn();
    const Index b = equations.varying[static_cast<std::size_t>(j)];
    auto column = equations.A.col(j);
    if (fit_intercept && l == p) {
      column = ConstVectorMap(moments.cross + b * q, l);
    } else {
      for (Index i = 0; i < l; ++i) {
        const Index a = equations.varying[static_cast<std::size_t>(i)];
        column[i] =
            fit_intercept ? moments.cross[b * q + a] : entry(std::max(a, b), std::min(a, b));
      }
    }
    column.head(j) = (column.head(j) * scales[j]).cwiseProduct(scales.head(j));
    column.tail(l - j) = column.tail(l - j).cwiseProduct(scales.tail(l - j)) * scales[j];
  }
  for (Index i = 0; i < l; ++i) {
    const Index a = equations.varying[static_cast<std::size_t>(i)];
    for (Index k = 0; k < t; ++k)
      equations.c(i, k) = entry(a, p + k) * equations.scale[a] * equations.scale[p + k];
    equations.penalty[i] = penalty_of(a) * equations.scale[a] * equations.scale[a];
    equations.summed[i] =
        std::max(std::sqrt(std::max(equations.A(i, i), 0.0)),
                 std::sqrt(std::max(summed_squares_of(a), 0.0)) * equations.scale[a]);
  }
  return equations;
}

double ScaledEquations::inflation() const {
  double highest = 1.0;
  for (Index i = 0; i < n_varying(); ++i)
    highest = std::max(highest, summed[i] * summed[i] / (A(i, i) + penalty[i]));
  return highest;
}

}  // namespace fastlr
