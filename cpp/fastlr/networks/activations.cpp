#include "fastlr/networks/activations.hpp"

#include "fastlr/networks/elementary.hpp"

namespace fastlr {
namespace {

template <class Scalar>
struct Point {
  Scalar value;
  Scalar slope;
};

/// z = f(z), slope = f'(z): one loop for both, and one without slopes.
template <class Scalar, class Function>
void each(Index n, Scalar* __restrict z, Scalar* __restrict slope, const Function& f) {
  if (slope == nullptr) {
#pragma GCC ivdep
    for (Index i = 0; i < n; ++i) z[i] = f(z[i]).value;
  } else {
#pragma GCC ivdep
    for (Index i = 0; i < n; ++i) {
      const Point<Scalar> at = f(z[i]);
      z[i] = at.value;
      slope[i] = at.slope;
    }
  }
}

}  // namespace

template <class Scalar>
void activate(Activation activation, Index n, Scalar* z, Scalar* slope) {
  using P = Point<Scalar>;
  constexpr Scalar largest = Elementary<Scalar>::largest;
  switch (activation) {
    case Activation::identity:
      for (Index i = 0; slope != nullptr && i < n; ++i) slope[i] = 1;
      return;
    case Activation::relu:
      return each(n, z, slope, [](Scalar x) -> P { return {x < 0 ? 0 : x, Scalar(x > 0)}; });
    case Activation::leaky_relu:
      return each(n, z, slope, [](Scalar x) -> P {
        const Scalar share = x > 0 ? Scalar(1) : Scalar(0.01);
        return {share * x, share};
      });
    case Activation::tanh:
      return each(n, z, slope, [](Scalar x) -> P {
        const Scalar t = hyperbolic_tangent(x);
        return {t, (1 - t) * (1 + t)};
      });
    case Activation::logistic:
      return each(n, z, slope, [](Scalar x) -> P {
        const Scalar e = exponential(-at_most(magnitude(x), largest));
        const Scalar sum = 1 + e;
        return {(x < 0 ? e : 1) / sum, e / (sum * sum)};
      });
    case Activation::elu:
      return each(n, z, slope, [](Scalar x) -> P {
        const Split<Scalar> s = split(x > 0 ? Scalar(0) : -at_most(-x, largest));
        return {x > 0 ? x : (s.power - 1) + s.power * s.q,
                x > 0 ? Scalar(1) : s.power + s.power * s.q};
      });
    case Activation::softplus:
      return each(n, z, slope, [](Scalar x) -> P {
        const Scalar e = exponential(-at_most(magnitude(x), largest));
        return {(x > 0 ? x : 0) + logarithm_of_one_more(e), (x < 0 ? e : 1) / (1 + e)};
      });
    case Activation::gelu:
      return each(n, z, slope, [](Scalar x) -> P {
        const Normal<Scalar> at = normal(x);
        return {x * at.below, at.below + x * at.density};
      });
  }
}

template void activate(Activation, Index, double*, double*);
template void activate(Activation, Index, float*, float*);

}  // namespace fastlr
