// Sums of scores over the rows of each cluster, wherever these rows stand.
#pragma once

#include "fastlr/inference/fitted_rows.hpp"
#include "fastlr/slots.hpp"

namespace fastlr {

/// As many slots as are small beside the rows; one, if there are few rows to a cluster.
SlotPlan plan_clusters(Index n_samples, Index n_features, Index n_clusters);

/// slots += part `part` of the sums of scores over the rows of each cluster. codes: one for each
/// row, from 0 to n_clusters - 1. Throws std::out_of_range where one is not. slots: (n_slots,
/// slot_size), zeroed before part 0.
void cluster_scores(const FittedRows& fit, const std::int32_t* codes, Index n_clusters,
                    const SlotPlan& plan, Index part, int n_threads, double* slots);

/// The slots merged in order: out (n_clusters, p + 1) is set.
void cluster_totals(const SlotPlan& plan, Index n_features, Index n_clusters, const double* slots,
                    double* out);

}  // namespace fastlr
