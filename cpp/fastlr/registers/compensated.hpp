// Error-free transformations on all lanes of a register at once. Only for translation units built
// with -ffp-contract=off.
#pragma once

#include "fastlr/registers/double_double.hpp"
#include "fastlr/registers/lanes.hpp"

namespace fastlr {

/// s = a + b rounded; returns a + b - s, which is exact (Knuth 1969).
inline Lanes sum_error(Lanes a, Lanes b, Lanes& s) {
  s = a + b;
  const Lanes t = s - a;
  return (a - (s - t)) + (b - t);
}

/// s = a - b rounded; returns a - b - s.
inline Lanes difference_error(Lanes a, Lanes b, Lanes& s) {
  s = a - b;
  const Lanes t = s - a;
  return (a - (s - t)) - (b + t);
}

// Where a fused multiply-add is one instruction, it gives the rounding error of a product;
// elsewhere (where std::fma would call a library a thousand times slower) Dekker's splitting does.
#if defined(__FP_FAST_FMA) || defined(__FMA__)

/// A factor of many products, prepared for their errors.
struct Factor {
  explicit Factor(Lanes x) : value(x), minus(-x) {}
  Lanes value;
  Lanes minus;
};

/// product - x * y exactly, for product = x * y.value rounded.
inline Lanes product_excess(Lanes x, const Factor& y, Lanes product) {
  return Eigen::internal::pmadd(x, y.minus, product);
}

#else

/// The upper 26 bits of x (Veltkamp; overflows above 1e299, which scaling by powers of two
/// prevents).
inline Lanes upper_half(Lanes x) {
  const Lanes c = broadcast(134217729.0) * x;
  return c - (c - x);
}

struct Factor {
  explicit Factor(Lanes x) : value(x), high(upper_half(x)), low(x - high) {}
  Lanes value;
  Lanes high;
  Lanes low;
};

inline Lanes product_excess(Lanes x, const Factor& y, Lanes product) {
  const Lanes high = upper_half(x);
  const Lanes low = x - high;
  return ((product - high * y.high) - high * y.low - low * y.high) - low * y.low;
}

#endif

/// Unevaluated sums, one in each lane, with the arithmetic of DoubleDouble.
struct LanePairs {
  Lanes hi;
  Lanes lo;
};

inline LanePairs pair_sum(Lanes a, Lanes b) {
  LanePairs sum;
  sum.lo = sum_error(a, b, sum.hi);
  return sum;
}

inline LanePairs load_pairs(const double* hi, const double* lo) {
  return pair_sum(load(hi), load(lo));
}

inline LanePairs operator+(LanePairs a, LanePairs b) {
  const LanePairs s = pair_sum(a.hi, b.hi);
  const LanePairs t = pair_sum(a.lo, b.lo);
  const LanePairs v = pair_sum(s.hi, s.lo + t.hi);
  return pair_sum(v.hi, t.lo + v.lo);
}

inline LanePairs operator*(LanePairs a, LanePairs b) {
  const Lanes product = a.hi * b.hi;
  const Lanes excess = product_excess(a.hi, Factor(b.hi), product);
  return pair_sum(product, (a.hi * b.lo + a.lo * b.hi) - excess);
}

inline LanePairs operator-(LanePairs a) { return {-a.hi, -a.lo}; }

/// The lanes of hi + lo, added up in order without losing what cancels between them.
inline DoubleDouble total_of(const double* hi, const double* lo) {
  DoubleDouble sum;
  for (Index k = 0; k < lanes; ++k) sum = sum + two_sum(hi[k], lo[k]);
  return sum;
}

}  // namespace fastlr
