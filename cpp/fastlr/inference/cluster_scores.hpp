// Sums of scores over the rows of each cluster, wherever these rows stand.
#pragma once

#include "fastlr/inference/fitted_rows.hpp"
#include "fastlr/slots.hpp"

namespace fastlr {

/// Doubles from one cluster's sums to the next's.
Index cluster_stride(Index n_features);

/// scores (n_clusters, cluster_stride) += sum of w r z over the rows of each cluster within
/// `range`, in their order. codes: one for each row of the table, from 0 to n_clusters - 1. Throws
/// std::out_of_range where one is not. Gives turns.
void cluster_scores(const FittedRows& fit, const std::int32_t* codes, Index n_clusters,
                    RowRange range, int n_threads, double* scores);

}  // namespace fastlr
