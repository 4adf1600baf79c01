#include "fastlr/sweeps/powers.hpp"

#include <algorithm>

#include "fastlr/reading/loading.hpp"
#include "fastlr/registers/compensated.hpp"

namespace fastlr {

void powers(const Column& x, Index n, Index degree, double* high, double* low) {
  constexpr Index parts = 8 / lanes;
  for (Index r = 0; r < n; r += 8) {
    const Index count = std::min<Index>(8, n - r);
    const Eight base = load_eight(x, r, count);
    Eight hi = base;
    Eight lo = Eight::Zero();
    for (Index k = 0; k < degree; ++k) {
      if (k > 0) {
        for (Index i = 0; i < parts; ++i) {  // (hi + lo) x, renormalised
          const Factor factor(load(base.data() + i * lanes));
          const Lanes h = load(hi.data() + i * lanes);
          const Lanes product = h * factor.value;
          const Lanes rest = multiply_add(load(lo.data() + i * lanes), factor.value,
                                          -product_excess(h, factor, product));
          Lanes s;
          const Lanes error = sum_error(product, rest, s);
          store(hi.data() + i * lanes, s);
          store(lo.data() + i * lanes, error);
        }
      }
      std::copy_n(hi.data(), count, high + k * n + r);
      std::copy_n(lo.data(), count, low + k * n + r);
    }
  }
}

}  // namespace fastlr
