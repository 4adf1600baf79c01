// The table of one CPU level: what a level library exports, without Python in it. Everything that
// is hot, or costs p^3, is compiled once for each level and reached through it; all else is
// compiled once. Who is on a level (see OnLevel) calls these functions by their own names.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "fastlr/algebra/coordinate_descent.hpp"
#include "fastlr/algebra/dense.hpp"
#include "fastlr/descent/descent.hpp"
#include "fastlr/inference/cluster_scores.hpp"
#include "fastlr/inference/influence.hpp"
#include "fastlr/inference/sandwich.hpp"
#include "fastlr/measuring/roofline.hpp"
#include "fastlr/networks/networks.hpp"
#include "fastlr/prediction/leave_one_out.hpp"
#include "fastlr/prediction/prediction.hpp"
#include "fastlr/products/column_products.hpp"
#include "fastlr/products/dual.hpp"
#include "fastlr/products/folds.hpp"
#include "fastlr/products/moments.hpp"
#include "fastlr/products/sparse_products.hpp"
#include "fastlr/sweeps/combinations.hpp"
#include "fastlr/sweeps/double_double_moments.hpp"
#include "fastlr/sweeps/group_sums.hpp"
#include "fastlr/sweeps/powers.hpp"
#include "fastlr/sweeps/sweep.hpp"
#include "fastlr/team.hpp"

/// FUNCTION(its name in the table, the function).
#define FASTLR_LEVEL_FUNCTIONS(FUNCTION)                       \
  FUNCTION(max_threads, max_threads)                           \
  FUNCTION(team_stack_size, team_stack_size)                   \
  FUNCTION(plan_pass, plan_pass)                               \
  FUNCTION(provisional_shift, provisional_shift)               \
  FUNCTION(largest_deviation, largest_deviation)               \
  FUNCTION(accumulate, accumulate)                             \
  FUNCTION(plan_folds, plan_folds)                             \
  FUNCTION(accumulate_folds, accumulate_folds)                 \
  FUNCTION(survey_sparse, survey_sparse)                       \
  FUNCTION(accumulate_sparse, accumulate_sparse)               \
  FUNCTION(predict_sparse, predict_sparse)                     \
  FUNCTION(add_group_sums, add_group_sums)                     \
  FUNCTION(centre, centre)                                     \
  FUNCTION(recentre, recentre)                                 \
  FUNCTION(merge, merge)                                       \
  FUNCTION(subtract, subtract)                                 \
  FUNCTION(plan_double_double, plan_double_double)             \
  FUNCTION(accumulate_double_double, accumulate_double_double) \
  FUNCTION(centre_double_double, centre_double_double)         \
  FUNCTION(merge_double_double, merge_double_double)           \
  FUNCTION(dual_products, dual_products)                       \
  FUNCTION(column_products, column_products)                   \
  FUNCTION(penalised_path, penalised_path)                     \
  FUNCTION(plan_sweep, plan_sweep)                             \
  FUNCTION(sweep, sweep)                                       \
  FUNCTION(sweep_totals, sweep_totals)                         \
  FUNCTION(residuals, residuals)                               \
  FUNCTION(transposed_product, transposed_product)             \
  FUNCTION(plan_combinations, plan_combinations)               \
  FUNCTION(combine, combine)                                   \
  FUNCTION(combined_products, combined_products)               \
  FUNCTION(powers, powers)                                     \
  FUNCTION(predict_double, predict<double>)                    \
  FUNCTION(predict_float, predict<float>)                      \
  FUNCTION(first_non_finite, first_non_finite)                 \
  FUNCTION(plan_meat, plan_meat)                               \
  FUNCTION(robust_meat, robust_meat)                           \
  FUNCTION(meat_totals, meat_totals)                           \
  FUNCTION(plan_hac, plan_hac)                                 \
  FUNCTION(hac_meat, hac_meat)                                 \
  FUNCTION(hac_totals, hac_totals)                             \
  FUNCTION(plan_clusters, plan_clusters)                       \
  FUNCTION(cluster_scores, cluster_scores)                     \
  FUNCTION(cluster_totals, cluster_totals)                     \
  FUNCTION(row_figures, row_figures)                           \
  FUNCTION(plan_influence, plan_influence)                     \
  FUNCTION(influence, influence)                               \
  FUNCTION(influence_totals, influence_totals)                 \
  FUNCTION(plan_leave_one_out, plan_leave_one_out)             \
  FUNCTION(leave_one_out, leave_one_out)                       \
  FUNCTION(plan_loss, plan_loss)                               \
  FUNCTION(accumulate_loss, accumulate_loss)                   \
  FUNCTION(add_slots, add_slots)                               \
  FUNCTION(largest_row_norm, largest_row_norm)                 \
  FUNCTION(plan_sampling, plan_sampling)                       \
  FUNCTION(list_rows, list_rows)                               \
  FUNCTION(descend_rows, descend_rows)                         \
  FUNCTION(descend_moments, descend_moments)                   \
  FUNCTION(descend_batches, descend_batches)                   \
  FUNCTION(descend_network, descend_network)                   \
  FUNCTION(predict_network, predict_network)                   \
  FUNCTION(evaluate_activation, evaluate_activation)           \
  FUNCTION(measure_bandwidth, measure_bandwidth)               \
  FUNCTION(measure_flops, measure_flops)                       \
  FUNCTION(measure_tile, measure_tile)                         \
  FUNCTION(factor_cholesky, factor_cholesky)                   \
  FUNCTION(reciprocal_condition, reciprocal_condition)         \
  FUNCTION(symmetric_norm, symmetric_norm)                     \
  FUNCTION(invert_lower, invert_lower)                         \
  FUNCTION(multiply_vector, multiply_vector)                   \
  FUNCTION(multiply_transposed, multiply_transposed)           \
  FUNCTION(multiply_single_triangle, multiply_single_triangle) \
  FUNCTION(add_square, add_square)                             \
  FUNCTION(multiply_by_magnitudes, multiply_by_magnitudes)     \
  FUNCTION(subtract_products, subtract_products)               \
  FUNCTION(multiply_upper, multiply_upper)                     \
  FUNCTION(multiply_by_upper, multiply_by_upper)               \
  FUNCTION(upper_factor, upper_factor)

namespace fastlr {

struct Level {
  const char* build = "";  // a library of another build has another table
  const char* name = "";
  const char* compiler = "";
  const char* eigen = "";
  int openmp = 0;

#define FASTLR_FUNCTION(entry, function) decltype(&fastlr::function) entry = nullptr;
  FASTLR_LEVEL_FUNCTIONS(FASTLR_FUNCTION)
#undef FASTLR_FUNCTION
};

/// What level libraries share with whoever loads them.
struct Process {
  void (*give_turn)();     // see turns.hpp
  bool* has_used_threads;  // see team.hpp
};

/// What a level library exports by the name "fastlr_level": its table.
using LevelOf = const Level* (*)();

/// ... and by the name "fastlr_join", to be called before any function of the table.
using Join = void (*)(const Process& process);

/// The table of the library at `path`, which stays loaded. Throws std::runtime_error if it cannot
/// be loaded or comes of another build.
const Level& load_level(const char* path);

/// Where the library of a level lies in a folder, whether it exists or not.
std::string library_of(const std::string& folder, const std::string& level);

/// Levels whose libraries are in a folder and that this machine can run, best first.
std::vector<std::string> installed_levels(const std::string& folder);

/// The library of the best of them. Throws std::runtime_error if there is none.
std::string best_library(const std::string& folder);

/// The level that this thread is on.
const Level& level_in_use();

/// While one lives, this thread calls the kernels of a level. Throws std::logic_error at a call
/// where none lives.
class OnLevel {
 public:
  explicit OnLevel(const Level& level);
  ~OnLevel();
  OnLevel(const OnLevel&) = delete;
  OnLevel& operator=(const OnLevel&) = delete;

 private:
  const Level* before_;
};

}  // namespace fastlr
