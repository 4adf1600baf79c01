// Unevaluated sums of two doubles, about 32 digits. Only for translation units built with
// -ffp-contract=off.
#pragma once

#include <cmath>

#if defined(__FAST_MATH__)
#error "double-double arithmetic needs IEEE semantics: build without -ffast-math"
#endif

namespace fastlr {

struct DoubleDouble {
  double hi = 0.0;
  double lo = 0.0;

  double value() const { return hi + lo; }
};

/// a + b exactly (Knuth 1969).
inline DoubleDouble two_sum(double a, double b) {
  const double s = a + b;
  const double t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}

/// a * b exactly, barring overflow and underflow; std::fma keeps it exact on machines without FMA
/// too.
inline DoubleDouble two_product(double a, double b) {
  const double p = a * b;
  return {p, std::fma(a, b, -p)};
}

/// product - x * y exactly, for their product rounded: by a fused
/// multiply-add where that is one instruction, else by Dekker's splitting (see compensated.hpp).
inline double excess_of(double x, double y, double product) {
#if defined(__FP_FAST_FMA) || defined(__FMA__)
  return __builtin_fma(-x, y, product);
#else
  const auto upper = [](double a) {
    const double c = 134217729.0 * a;
    return c - (c - a);
  };
  const double x_high = upper(x);
  const double y_high = upper(y);
  const double x_low = x - x_high;
  const double y_low = y - y_high;
  return ((product - x_high * y_high) - x_high * y_low - x_low * y_high) - x_low * y_low;
#endif
}

inline DoubleDouble operator-(DoubleDouble a) { return {-a.hi, -a.lo}; }

inline DoubleDouble operator+(DoubleDouble a, DoubleDouble b) {
  const DoubleDouble s = two_sum(a.hi, b.hi);
  const DoubleDouble t = two_sum(a.lo, b.lo);
  const DoubleDouble v = two_sum(s.hi, s.lo + t.hi);
  return two_sum(v.hi, t.lo + v.lo);
}

inline DoubleDouble operator-(DoubleDouble a, DoubleDouble b) { return a + (-b); }

inline DoubleDouble operator*(DoubleDouble a, DoubleDouble b) {
  const DoubleDouble p = two_product(a.hi, b.hi);
  return two_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

inline DoubleDouble operator/(DoubleDouble a, DoubleDouble b) {
  const double q1 = a.hi / b.hi;
  const DoubleDouble r1 = a - DoubleDouble{q1, 0.0} * b;
  const double q2 = r1.hi / b.hi;
  const DoubleDouble r2 = r1 - DoubleDouble{q2, 0.0} * b;
  return two_sum(q1, q2) + DoubleDouble{r2.hi / b.hi, 0.0};
}

}  // namespace fastlr
