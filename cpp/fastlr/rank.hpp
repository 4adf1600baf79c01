// How many columns are independent, decided at the level of rounding that the data themselves
// carry.
#pragma once

#include "fastlr/frame.hpp"
#include "fastlr/views.hpp"

namespace fastlr {

/// What the singular values of R tell, R (p, p) upper triangular from Z = Q R in the frame.
struct RankDecision {
  Index rank = 0;
  double condition_number =
      1.0;         // of the columns scaled to unit length; of the independent part if truncated
  RowMatrix root;  // (p, rank) K with K K' = (R'R)^+ in the metric of unit columns
  RowMatrix null_space;  // (p - rank, p): sum_j N_kj z_j / length_j = 0; columns that do not vary
                         // come last
  Vector length;         // (p) column norms of R
};

/// Direction v_k of unit columns is null iff sigma_k <= 8 u (|diag(gran) v_k| + sqrt(p) sigma_1):
/// dependence below the rounding error of the data counts as exact. gran_j = sqrt(sum w x_j^2) /
/// length_j is what the offset of a column costs (1 without intercept).
RankDecision decide_rank(Eigen::Map<const RowMatrix> R, const Vector& gran);

}  // namespace fastlr
