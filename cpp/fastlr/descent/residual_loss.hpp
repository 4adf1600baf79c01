// Losses of a residual r = x' b + a - y other than its square, by their value l(r) and their slope
// l'(r), as scikit-learn's SGDRegressor has them:
//
//   huber                        r^2 / 2 where |r| <= epsilon, else epsilon |r| - epsilon^2 / 2
//   epsilon_insensitive          max(0, |r| - epsilon)
//   squared_epsilon_insensitive  max(0, |r| - epsilon)^2
//
// With c = r cut at +-epsilon and d = r - c, exact where it is small, they are c (r + d) / 2, |d|
// and d^2, with slopes c, sign(d) and 2 d.
#pragma once

#include <cstdint>
#include <limits>

#include "fastlr/matrices.hpp"

namespace fastlr {

enum class Loss : std::uint8_t {
  squared,  // r^2 / 2, which has faster ways of its own
  huber,
  epsilon_insensitive,
  squared_epsilon_insensitive
};

/// The squared loss, to whom it is known when compiling.
struct SquaredLoss {};

/// One of the losses.
struct ResidualLoss {
  bool is_squared() const { return kind == Loss::squared; }

  /// Returns 2 l(r), and sets slope = l'(r), cut at max_slope; for numbers or registers of them.
  template <class V>
  [[gnu::always_inline]] V evaluate(const V& r, V& slope) const {
    using namespace Eigen::internal;
    const V inside = pmax(pmin(r, pset1<V>(epsilon)), pset1<V>(-epsilon));
    const V outside = psub(r, inside);
    V twice = pmul(r, r);
    slope = r;
    if (kind == Loss::huber) {
      twice = pmul(inside, padd(r, outside));
      slope = inside;
    } else if (kind == Loss::epsilon_insensitive) {
      const V zero = pset1<V>(0.0);
      const V one = pset1<V>(1.0);
      slope = psub(pand(pcmp_lt(zero, outside), one), pand(pcmp_lt(outside, zero), one));
      twice = pmul(pset1<V>(2.0), pabs(outside));
    } else if (kind == Loss::squared_epsilon_insensitive) {
      slope = padd(outside, outside);
      twice = pmul(slope, outside);
    }
    slope = pmax(pmin(slope, pset1<V>(max_slope)), pset1<V>(-max_slope));
    return twice;
  }

  Loss kind = Loss::squared;
  double epsilon = 0.0;
  double max_slope = std::numeric_limits<double>::infinity();
};

}  // namespace fastlr
