// Sample weights on their way into a panel: square roots, and the statistics that the likelihood
// needs.
#pragma once

#include <cmath>

#include "fastlr/loading.hpp"
#include "fastlr/packing.hpp"

namespace fastlr {

/// root[r] = sqrt(w[first + r]) for r < n <= panel_rows (room for whole eights). n_positive += #{w
/// > 0}, sum_log += sum of log(w) over them: one logarithm per lane and panel, of the product of
/// its weights.
inline void pack_weights(const Column& weight, Index first, Index n, double* root,
                         double& n_positive, double& sum_log) {
  Eight product = Eight::Ones();
  Eight count = Eight::Zero();
  for (Index r = 0; r < n; r += 8) {
    const Eight w = load_eight(weight, first + r, std::min<Index>(8, n - r));
    const auto positive = w > 0.0;
    Eigen::Map<Eight>(root + r) = w.sqrt();
    product *= positive.select(w, Eight::Ones());
    count += positive.select(Eight::Ones(), Eight::Zero());
  }
  n_positive += count.sum();
  if (product.minCoeff() > 1e-290 && product.maxCoeff() < 1e290) {
    sum_log += product.log().sum();
    return;
  }
  for (Index r = 0; r < n; ++r) {
    const double w = load_one(weight, first + r);
    if (w > 0.0) sum_log += std::log(w);
  }
}

}  // namespace fastlr
