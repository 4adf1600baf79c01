// Exponentials and what activations are made of, for loops that the compiler turns into registers:
// no branches, no tables, no calls. Right to 2 units in the last place, the normal distribution to 3,
// where results are normal numbers (tests/kernels/test_activations.py).
//
// x = n ln 2 + r with |r| <= ln 2 / 2, so that exp(x) = 2^n (1 + q) with q = exp(r) - 1, a polynomial.
// Coefficients interpolate at Chebyshev's nodes.
#pragma once

#include <bit>
#include <cstdint>

namespace fastlr {

/// What differs between double and single precision: how a whole number becomes a power of two, and
/// how many terms a polynomial needs.
template <class Scalar>
struct Elementary;

template <>
struct Elementary<double> {
  using Bits = std::int64_t;
  static constexpr int mantissa = 52;
  static constexpr Bits bias = 1023;
  static constexpr Bits upper_half = ~((Bits{1} << 27) - 1);  // a number whose square is exact
  static constexpr double round = 6755399441055744.0;         // 1.5 * 2^52
  static constexpr double ln2_high = 6.93147180369123816490e-01;
  static constexpr double ln2_low = 1.90821492927058770002e-10;
  static constexpr double largest = 708.0;        // e^-708 is a normal number
  static constexpr double largest_normal = 37.5;  // x whose Phi(-x) is one
  static constexpr double of_expm1[] = {0.5,
                                        0.1666666666666667103,
                                        0.041666666666666669783,
                                        0.0083333333333260831202,
                                        0.0013888888888883711167,
                                        0.00019841269875002278793,
                                        0.0000248015873256774619,
                                        2.7557255170000887438e-6,
                                        2.7557273478718580474e-7,
                                        2.5105312729622101787e-8,
                                        2.09147553258932022e-9};
  static constexpr double of_log1p[] = {
      0.33333333333333333443,  0.19999999999999761253,  0.14285714285800049646,
      0.11111111099118385279,  0.090909099489813571913, 0.076922719824302746434,
      0.066675893157246279183, 0.0586713953065159873,   0.05422589197440007411,
      0.037460718977753836504, 0.078152889004614252231};
  static constexpr double of_mills[] = {
      0.75528513041575149302,     -0.60789664197189208869,   0.38713740074221461498,
      -0.18652185795965928483,    0.060396574890932732134,   -0.0075401889666618467871,
      -0.0034796923673126127512,  0.0016308184566325831801,  0.00013334431148678970952,
      -0.00023109492733580516691, -1.9082520401122914141e-6, 0.000035144646746224272997,
      7.1663696920421568175e-7,   -5.9200462562497568083e-6, -6.2960644992779786201e-7,
      1.0212836672519711704e-6,   2.7161693043075414076e-7,  -1.5458783436319056184e-7,
      -8.5147255495920146322e-8,  1.2948286565547671116e-8,  1.9386680729664462118e-8,
      2.0869121389123939264e-9,   -2.4015511087194106189e-9, -7.6385875538402124012e-10,
      -2.7610366473944200056e-11};
};

template <>
struct Elementary<float> {
  using Bits = std::int32_t;
  static constexpr int mantissa = 23;
  static constexpr Bits bias = 127;
  static constexpr Bits upper_half = ~((Bits{1} << 12) - 1);
  static constexpr float round = 12582912.0F;  // 1.5 * 2^23
  static constexpr float ln2_high = 6.9313812256e-01F;
  static constexpr float ln2_low = 9.0580006145e-06F;
  static constexpr float largest = 87.0F;
  static constexpr float largest_normal = 12.8F;
  static constexpr float of_expm1[] = {0.50000000135387298866F,   0.16666666681704215043F,
                                       0.041666464197405692315F,  0.0083333108446478625642F,
                                       0.0013933730715792082502F, 0.00019891080463998842039F};
  static constexpr float of_log1p[] = {0.33333333660263706234F, 0.19999853165964858701F,
                                       0.14296178997151418861F, 0.10853287900440186323F,
                                       0.11612164612011674416F};
  static constexpr float of_mills[] = {0.75528512219111490364F,    -0.60789646825609717715F,
                                       0.38713775687712806972F,    -0.18652571865397772358F,
                                       0.060394179269408086338F,   -0.0075162587460108460266F,
                                       -0.0034742563425787506061F, 0.0015696398970496866436F,
                                       0.00012841005420836508486F, -0.00016001171886144744039F};
};

/// c[0] + c[1] x + c[2] x^2 + ..., unrolled whatever the compiler thinks of it.
template <std::size_t k = 0, class Scalar, std::size_t n>
[[gnu::always_inline]] inline Scalar polynomial(const Scalar (&c)[n], Scalar x) {
  if constexpr (k + 1 == n) {
    return c[k];
  } else {
    return c[k] + x * polynomial<k + 1>(c, x);
  }
}

/// x = n ln 2 + r: q = exp(r) - 1 and 2^n.
template <class Scalar>
struct Split {
  Scalar q;
  Scalar power;
};

/// Of x + rest, where |x| <= largest and `rest` is tiny beside 1.
template <class Scalar>
[[gnu::always_inline]] inline Split<Scalar> split(Scalar x, Scalar rest = 0) {
  using E = Elementary<Scalar>;
  constexpr Scalar per_ln2 = Scalar(1.44269504088896340736);
  const Scalar shifted = x * per_ln2 + E::round;
  const Scalar n = shifted - E::round;
  const Scalar r = ((x - n * E::ln2_high) - n * E::ln2_low) + rest;
  const auto whole =
      std::bit_cast<typename E::Bits>(shifted) - std::bit_cast<typename E::Bits>(E::round);
  const auto power =
      std::bit_cast<Scalar>(static_cast<typename E::Bits>((whole + E::bias) << E::mantissa));
  return {r + (r * r) * polynomial(E::of_expm1, r), power};
}

/// exp(x + rest) for |x| <= largest.
template <class Scalar>
[[gnu::always_inline]] inline Scalar exponential(Scalar x, Scalar rest = 0) {
  const Split<Scalar> s = split(x, rest);
  return s.power + s.power * s.q;
}

/// exp(x) - 1 for |x| <= largest.
template <class Scalar>
[[gnu::always_inline]] inline Scalar exponential_less_one(Scalar x) {
  const Split<Scalar> s = split(x);
  return (s.power - 1) + s.power * s.q;
}

template <class Scalar>
[[gnu::always_inline]] inline Scalar magnitude(Scalar x) {
  return x < 0 ? -x : x;
}

template <class Scalar>
[[gnu::always_inline]] inline Scalar at_most(Scalar x, Scalar limit) {
  return x > limit ? limit : x;  // NaN stays NaN
}

template <class Scalar>
[[gnu::always_inline]] inline Scalar hyperbolic_tangent(Scalar x) {
  const Scalar e = exponential_less_one(at_most(2 * magnitude(x), Scalar(44)));
  const Scalar t = e / (e + 2);
  return x < 0 ? -t : t;
}

/// log(1 + u) for 0 <= u <= 1: 2 atanh(s) with s = u / (2 + u), of which 2 s = u - s u.
template <class Scalar>
[[gnu::always_inline]] inline Scalar logarithm_of_one_more(Scalar u) {
  const Scalar s = u / (2 + u);
  const Scalar z = s * s;
  return u - s * (u - 2 * (z * polynomial(Elementary<Scalar>::of_log1p, z)));
}

/// The normal distribution at x: Phi(x), and its density.
template <class Scalar>
struct Normal {
  Scalar below;
  Scalar density;
};

/// Phi(-a) = exp(-a^2 / 2) M(a) for a >= 0, where (a + 4) M(a) is a polynomial of 1 - 8 / (a + 4). The
/// square is taken of the upper half of a, exactly, and of the rest.
template <class Scalar>
[[gnu::always_inline]] inline Normal<Scalar> normal(Scalar x) {
  using E = Elementary<Scalar>;
  const Scalar a = at_most(magnitude(x), E::largest_normal);
  const Scalar upper = std::bit_cast<Scalar>(
      static_cast<typename E::Bits>(std::bit_cast<typename E::Bits>(a) & E::upper_half));
  const Scalar e =
      exponential(Scalar(-0.5) * upper * upper, Scalar(-0.5) * ((a - upper) * (a + upper)));
  const Scalar w = 1 / (a + 4);
  const Scalar tail = e * (polynomial(E::of_mills, 1 - 8 * w) * w);
  constexpr Scalar per_root = Scalar(0.39894228040143267794);  // 1 / sqrt(2 pi)
  return {x < 0 ? tail : 1 - tail, per_root * e};
}

}  // namespace fastlr
