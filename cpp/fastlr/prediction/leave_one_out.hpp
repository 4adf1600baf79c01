// The error of every row when it is predicted by the fit to all other rows, for many ridge penalties
// at once (Allen 1974): its residual r over 1 - h, h its leverage. With the eigenvectors V of the
// centred cross-products and q = V'(x - mean),
//
//   r_k = y - mean of y - sum_j q_j along[j, k],    h_k = w (sum_j q_j^2 inverse[j, k] + of_mean).
#pragma once

#include "fastlr/rows.hpp"
#include "fastlr/slots.hpp"

namespace fastlr {

/// A matrix (p, n_alphas), or where `right` is not nullptr its factors left (p, rank) and right
/// (rank, n_alphas): 1 / (d_j + alpha_k) is known to all digits from a few of its columns.
struct PenaltyMatrix {
  const double* left;
  const double* right;
  Index rank;  // columns of left
};

struct LeaveOneOut {
  Index n_features;
  Index n_targets;
  Index n_alphas;
  const double* mean;          // of features, then targets
  const double* vectors;       // (p, p), a column for each eigenvector
  PenaltyMatrix inverse;       // of leverages
  const PenaltyMatrix* along;  // of residuals, one for each target
  double of_mean;              // what the mean, which is fitted as well, has of every leverage
};

/// A slot holds sums of squares (n_targets, n_alphas rounded up to eights), and their low parts.
SlotPlan plan_leave_one_out(Index n_samples, Index n_features, Index n_targets, Index n_alphas);

/// slots += sum w e^2 over the rows of part `part`; the errors e go to `errors` (n, n_targets,
/// n_alphas) as well, if it is not nullptr. A row that alone decides something has an infinite error; of
/// weight zero it has one, and counts for nothing. `weight` may be nullptr.
void leave_one_out(const Rows& rows, const Column* weight, const LeaveOneOut& fit,
                   const SlotPlan& plan, Index part, int n_threads, double* slots, double* errors);

}  // namespace fastlr
