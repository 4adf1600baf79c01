#include "fastlr/algebra/frame.hpp"

#include <algorithm>

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

Frame frame_of(const MomentsView& moments, bool fit_intercept, double alpha) {
  const Index p = moments.n_features;
  const Index t = moments.n_targets;
  const Index q = p + t;
  const auto entry = [&](Index i, Index j) { return moments.product(i, j, fit_intercept); };
  const auto size_of = [&](Index j) {
    const double size = moments.size != nullptr ? moments.size[j] : moments.product(j, j, true);
    return fit_intercept ? size : size + moments.weight * moments.mean[j] * moments.mean[j];
  };
  Frame frame;
  frame.n_features = p;
  frame.n_targets = t;
  frame.fit_intercept = fit_intercept;
  frame.weight = moments.weight;
  frame.scale.setZero(q);
  frame.yy.resize(t);
  frame.summed_y.resize(t);
  for (Index j = 0; j < q; ++j) {
    const double product = entry(j, j);
    // Rounding noise of a constant column: every value off by at most 4 u |mean|.
    const double noise = fit_intercept ? 4 * unit_roundoff * std::abs(moments.mean[j]) : 0.0;
    // What a sum of larger squares leaves below its own rounding is noise as well.
    const double left_over = 8 * moments.rounding * size_of(j);
    const double constant = moments.weight * noise * noise;
    const bool varies = product + alpha > std::max(constant, left_over);
    if (j < p && !varies && left_over > constant) frame.is_lost = true;
    if (varies) frame.scale[j] = power_of_two_scale(product + (j < p ? alpha : 0.0));
    if (j < p && varies) frame.live.push_back(j);
    if (j >= p) {
      if (!(product > 0.0)) frame.scale[j] = power_of_two_scale(1.0);
      if (frame.scale[j] == 0.0) frame.scale[j] = power_of_two_scale(product);
      frame.yy[j - p] = std::max(product, 0.0) * frame.scale[j] * frame.scale[j];
      frame.summed_y[j - p] =
          std::sqrt(std::max(std::max(product, size_of(j)), 0.0)) * frame.scale[j];
    }
  }
  frame.mean.resize(static_cast<std::size_t>(q));
  for (Index j = 0; j < q; ++j) {
    const DoubleDouble m = moments.mean_at(j);
    frame.mean[static_cast<std::size_t>(j)] = {m.hi * frame.scale[j], m.lo * frame.scale[j]};
  }
  const Index l = frame.n_live();
  frame.A.resize(l, l);
  frame.c.resize(l, t);
  frame.penalty.resize(l);
  frame.summed.resize(l);
  for (Index first = 0; first < l; first += 64) {  // a few rows at a time, for both triangles' sake
    give_turn();
    const Index last = std::min(l, first + 64);
    for (Index j = 0; j < last; ++j) {
      const Index b = frame.live[static_cast<std::size_t>(j)];
      for (Index i = std::max(first, j); i < last; ++i) {
        const Index a = frame.live[static_cast<std::size_t>(i)];
        const double value = entry(a, b) * frame.scale[a] * frame.scale[b];
        frame.A(i, j) = value;
        frame.A(j, i) = value;
      }
    }
  }
  for (Index i = 0; i < l; ++i) {
    const Index a = frame.live[static_cast<std::size_t>(i)];
    for (Index k = 0; k < t; ++k)
      frame.c(i, k) = entry(a, p + k) * frame.scale[a] * frame.scale[p + k];
    frame.penalty[i] = alpha * frame.scale[a] * frame.scale[a];
    frame.summed[i] = std::max(std::sqrt(std::max(frame.A(i, i), 0.0)),
                               std::sqrt(std::max(size_of(a), 0.0)) * frame.scale[a]);
  }
  return frame;
}

double Frame::inflation() const {
  double highest = 1.0;
  for (Index i = 0; i < n_live(); ++i)
    highest = std::max(highest, summed[i] * summed[i] / (A(i, i) + penalty[i]));
  return highest;
}

}  // namespace fastlr
