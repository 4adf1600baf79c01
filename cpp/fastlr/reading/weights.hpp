// Sample weights on their way into a panel: square roots, and the statistics that the likelihood
// needs.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "fastlr/products/moments.hpp"
#include "fastlr/reading/loading.hpp"
#include "fastlr/reading/packing.hpp"
#include "fastlr/registers/lanes.hpp"

namespace fastlr {

/// root[r] = sqrt(w[first + r]) for r < n <= panel_rows (room for whole eights), and the statistics
/// of these weights: one logarithm per lane and panel, of the product of its weights.
inline WeightStatistics pack_weights(const Column& weight, Index first, Index n, double* root) {
  load_column(weight, first, n, root);
  std::fill(root + n, root + round_up(n, 8), 0.0);
  const Lanes one = broadcast(1.0);
  Lanes sum = broadcast(0.0);
  Lanes count = broadcast(0.0);
  Lanes product = one;
  Lanes lowest = one;
  Lanes highest = one;
  for (Index r = 0; r < n; r += lanes) {
    const Lanes w = load(root + r);
    const Lanes positive = is_positive(w);
    sum = add(sum, w);
    count = add(count, keep(one, positive));
    product = multiply(product, choose(positive, w, one));
    lowest = smaller(lowest, product);
    highest = larger(highest, product);
    store(root + r, square_root(w));
  }
  WeightStatistics statistics{sum_of(sum), sum_of(count), 0.0};
  if (smallest_of(lowest) > 1e-290 && largest_of(highest) < 1e290) {  // all the way, not only last
    alignas(64) std::array<double, lanes> products;
    store(products.data(), product);
    for (const double value : products) statistics.sum_log_weight += std::log(value);
    return statistics;
  }
  for (Index r = 0; r < n; ++r) {
    const double w = load_one(weight, first + r);
    if (w > 0.0) statistics.sum_log_weight += std::log(w);
  }
  return statistics;
}

}  // namespace fastlr
