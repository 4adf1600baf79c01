// Sample weights on their way into sums: themselves or their square roots, and the statistics that
// the likelihood needs.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

#include "fastlr/products/moments.hpp"
#include "fastlr/products/packing.hpp"
#include "fastlr/reading/loading.hpp"
#include "fastlr/registers/lanes.hpp"

namespace fastlr {

/// The sum of logarithms of `lanes` numbers between 1e-290 and 1e290: one logarithm, of the product
/// of their significands.
inline double sum_of_logarithms(const Lanes& v) {
  alignas(64) std::array<double, lanes> values;
  store(values.data(), v);
  double significands = 1.0;
  double exponents = 0.0;
  for (const double value : values) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    constexpr std::uint64_t fraction = (std::uint64_t{1} << 52) - 1;
    significands *= std::bit_cast<double>((bits & fraction) | std::bit_cast<std::uint64_t>(1.0));
    exponents += static_cast<double>(static_cast<Index>(bits >> 52) - 1023);
  }
  return std::log(significands) + exponents * std::numbers::ln2;
}

/// w[r] = the weight of row first + r for r < n <= panel_rows, zeros up to whole eights (there is
/// room for them), and the statistics of these weights. A negative weight becomes NaN, which spoils
/// the sums as a value that is not finite does; the caller looks afterwards.
inline WeightStatistics load_weights(const Column& weight, Index first, Index n, double* out) {
  load_column(weight, first, n, out);
  std::fill(out + n, out + round_up(n, 8), 0.0);
  const Lanes one = broadcast(1.0);
  Lanes sum = broadcast(0.0);
  Lanes count = broadcast(0.0);
  Lanes product = one;
  Lanes lowest = one;
  Lanes highest = one;
  Lanes least = broadcast(0.0);
  for (Index r = 0; r < n; r += lanes) {
    const Lanes w = load(out + r);
    least = smaller(least, w);
    const Lanes positive = is_positive(w);
    sum = add(sum, w);
    count = add(count, keep(one, positive));
    product = multiply(product, choose(positive, w, one));
    lowest = smaller(lowest, product);
    highest = larger(highest, product);
  }
  WeightStatistics statistics{sum_of(sum), sum_of(count), 0.0};
  if (smallest_of(least) < 0.0) [[unlikely]] {
    statistics.weight = std::numeric_limits<double>::quiet_NaN();
    for (Index r = 0; r < n; ++r)
      if (out[r] < 0.0) out[r] = statistics.weight;
  }
  if (smallest_of(lowest) > 1e-290 && largest_of(highest) < 1e290) {  // all the way, not only last
    statistics.sum_log_weight = sum_of_logarithms(product);
    return statistics;
  }
  for (Index r = 0; r < n; ++r) {
    if (out[r] > 0.0) statistics.sum_log_weight += std::log(out[r]);
  }
  return statistics;
}

/// The same with the square roots of the weights.
inline WeightStatistics pack_weights(const Column& weight, Index first, Index n, double* root) {
  const WeightStatistics statistics = load_weights(weight, first, n, root);
  for (Index r = 0; r < n; r += lanes) store(root + r, square_root(load(root + r)));
  return statistics;
}

}  // namespace fastlr
