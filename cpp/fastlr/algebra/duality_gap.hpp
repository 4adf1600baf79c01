// The duality gap of the elastic net: how far an objective lies above its minimum, at most. Its sums
// are arranged so that nothing cancels.
#pragma once

#include <algorithm>
#include <cmath>

namespace fastlr {

/// The sum over columns from which the gap follows; `add` has one with coefficient w and gradient g.
struct DualityGap {
  double at_one = 0.0;     // sum over columns, the dual point being the residual itself
  double slope = 0.0;      // ... and with 1 - d times the residual: at_one + d slope
  double curvature = 0.0;  // + d^2 / 2 (curvature + |residual|^2)
  double product = 0.0;    // b'(q + g), for the residual
  double shrink = 1.0;     // largest 1 - d that is feasible
  double ridge_0 = 0.0;    // columns without l1: sum (l2 w - c g)^2 / (2 l2), in powers of c
  double ridge_1 = 0.0;
  double ridge_2 = 0.0;

  void add(double w, double g, double q, double l1, double l2, double diagonal, bool positive) {
    product += w * (q + g);
    if (l1 > 0.0) {
      const double v = g - l2 * w;
      const double size = positive ? v : std::abs(v);
      if (size > l1) shrink = std::min(shrink, l1 / size);
      if (w == 0.0) return;
      at_one += l1 * std::abs(w) - w * v;
      slope += w * v;
      curvature += l2 * w * w;
    } else if (l2 > 0.0) {
      const double up = positive && w == 0.0 ? std::max(g, 0.0) : g;
      ridge_0 += 0.5 * l2 * w * w;
      ridge_1 -= w * up;
      ridge_2 += 0.5 * up * up / l2;
    } else {  // not penalised: what a step along this column alone would gain
      const double up = positive && w == 0.0 ? std::max(g, 0.0) : g;
      at_one += std::abs(w * g) + (diagonal > 0.0 ? 0.5 * up * up / diagonal : 0.0);
    }
  }

  double value(double square_y) const {
    const double d = 1.0 - shrink;
    const double squares = std::max(square_y - product, 0.0) + curvature;
    return at_one + d * slope + 0.5 * d * d * squares +
           (ridge_0 + shrink * (ridge_1 + shrink * ridge_2));
  }
};

}  // namespace fastlr
