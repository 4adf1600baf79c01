// What the passes of inference are about: rows, and the fit whose residuals, leverages and scores
// they compute.
#pragma once

#include "fastlr/rows.hpp"

namespace fastlr {

/// Rows z = ((x - shift) * scale, 1) of p + 1 variables, and a fit of theirs:
///   r = (y - shift_y) * scale_y - coef'z,   h = a |factor'z|^2,   the score w r z,
/// or w r factor'z if there is a factor: sums of products in this basis keep their digits where
/// features nearly depend on one another.
/// Scales are powers of two. A weight w is an inverse variance, and then a = w; or it counts rows
/// that are equal to this one, and then a = 1: the leverage of each of them.
struct FittedRows {
  const Rows& rows;  // the p columns of X, then that of y, if there are residuals
  Index n_features;
  const Column* weight = nullptr;  // if all are 1
  bool weights_count = false;
  const double* shift = nullptr;   // for each column
  const double* scale = nullptr;   // for each column
  const double* coef = nullptr;    // (p + 1), if there are residuals
  const double* factor = nullptr;  // (p + 1, p + 1), upper triangular, or nullptr
  /// Where 1 - h is no more than this, the row alone determines a coefficient: what is divided by
  /// 1 - h is NaN.
  double least_left = 0.0;

  Index n_variables() const { return n_features + 1; }
};

}  // namespace fastlr
