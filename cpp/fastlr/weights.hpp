// Sample weights on their way into a panel: square roots, and the statistics that the likelihood
// needs.
#pragma once

#include <cmath>

#include "fastlr/loading.hpp"
#include "fastlr/moments.hpp"
#include "fastlr/packing.hpp"

namespace fastlr {

/// root[r] = sqrt(w[first + r]) for r < n <= panel_rows (room for whole eights), and the statistics
/// of these weights: one logarithm per lane and panel, of the product of its weights.
inline WeightStatistics pack_weights(const Column& weight, Index first, Index n, double* root) {
  Eight sum = Eight::Zero();
  Eight count = Eight::Zero();
  Eight product = Eight::Ones();
  for (Index r = 0; r < n; r += 8) {
    const Eight w = load_eight(weight, first + r, std::min<Index>(8, n - r));
    const auto positive = w > 0.0;
    Eigen::Map<Eight>(root + r) = w.sqrt();
    sum += w;
    count += positive.select(Eight::Ones(), Eight::Zero());
    product *= positive.select(w, Eight::Ones());
  }
  WeightStatistics statistics{sum.sum(), count.sum(), 0.0};
  if (product.minCoeff() > 1e-290 && product.maxCoeff() < 1e290) {
    statistics.sum_log_weight = product.log().sum();
    return statistics;
  }
  for (Index r = 0; r < n; ++r) {
    const double w = load_one(weight, first + r);
    if (w > 0.0) statistics.sum_log_weight += std::log(w);
  }
  return statistics;
}

}  // namespace fastlr
