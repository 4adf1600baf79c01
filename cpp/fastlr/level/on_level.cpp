// Level libraries are loaded here, and whatever is compiled once finds a level's functions by their
// own names.
#include <dlfcn.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "fastlr/level/cpu_levels.hpp"
#include "fastlr/level/level.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

const Level*& in_use() {
  static thread_local const Level* level = nullptr;
  return level;
}

std::string loading_error() {
  const char* text = dlerror();
  return text != nullptr ? text : "unknown error";
}

}  // namespace

void give_turn() { Turns::give(); }

const Level& load_level(const char* path) {
  static bool has_used_threads = false;
  const std::string absolute = std::filesystem::absolute(path).string();
  void* library = dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(loading_error());
  const auto level_of = reinterpret_cast<LevelOf>(dlsym(library, "fastlr_level"));
  const auto join = reinterpret_cast<Join>(dlsym(library, "fastlr_join"));
  if (level_of == nullptr || join == nullptr) throw std::runtime_error(loading_error());
  const Level& level = *level_of();
  if (std::string_view(level.build) != FASTLR_BUILD)
    throw std::runtime_error(absolute + " comes of another build of fastlr");
  join({&Turns::give, &has_used_threads});
  return level;
}

std::string library_of(const std::string& folder, const std::string& level) {
  return (std::filesystem::path(folder) / ("level_" + level + ".so")).string();
}

std::vector<std::string> installed_levels(const std::string& folder) {
  std::vector<std::string> levels;
  for (const std::string& level : supported_levels())
    if (std::filesystem::exists(library_of(folder, level))) levels.push_back(level);
  return levels;
}

std::string best_library(const std::string& folder) {
  const std::vector<std::string> levels = installed_levels(folder);
  if (levels.empty())
    throw std::runtime_error("no level library in " + folder + " runs on this machine");
  return library_of(folder, levels.front());
}

const Level& level_in_use() {
  if (in_use() == nullptr) throw std::logic_error("no CPU level is in use: see OnLevel");
  return *in_use();
}

OnLevel::OnLevel(const Level& level) : before_(std::exchange(in_use(), &level)) {}
OnLevel::~OnLevel() { in_use() = before_; }

// The functions of the table, by their own names.

int max_threads() { return level_in_use().max_threads(); }

std::size_t& team_stack_size() { return level_in_use().team_stack_size(); }

SlotPlan plan_pass(Index n_samples, Index n_columns) {
  return level_in_use().plan_pass(n_samples, n_columns);
}

void provisional_shift(const Rows& rows, const Column* weight, double* shift) {
  level_in_use().provisional_shift(rows, weight, shift);
}

void largest_deviation(const Rows& rows, const Column* weight, const double* shift,
                       const double* diagonal, int n_threads, double* deviation) {
  level_in_use().largest_deviation(rows, weight, shift, diagonal, n_threads, deviation);
}

void accumulate(const Rows& rows, const Column* weight, const double* shift, const double* scale,
                const double* K, Index n_features, const SlotPlan& plan, Index part, int n_threads,
                double* slots) {
  level_in_use().accumulate(rows, weight, shift, scale, K, n_features, plan, part, n_threads,
                            slots);
}

SparseSurvey survey_sparse(const CompressedRows& X) { return level_in_use().survey_sparse(X); }

void accumulate_sparse(const CompressedRows& X, const Rows& dense, const Column* weight,
                       const double* shift, const Index* column_counts, RowRange range,
                       int n_threads, double* sums) {
  level_in_use().accumulate_sparse(X, dense, weight, shift, column_counts, range, n_threads, sums);
}

void predict_sparse(const CompressedRows& X, RowRange range, const double* coef,
                    const double* intercept, Index n_targets, int n_threads, double* out) {
  level_in_use().predict_sparse(X, range, coef, intercept, n_targets, n_threads, out);
}

void add_group_sums(const Rows& rows, const Column* weight, const std::int32_t* codes,
                    Index n_levels, RowRange range, int n_threads, double* sums) {
  level_in_use().add_group_sums(rows, weight, codes, n_levels, range, n_threads, sums);
}

WeightStatistics centre(const SlotPlan& plan, Index n_columns, const double* shift,
                        const double* scale, double* slots, double* mean, double* cross) {
  return level_in_use().centre(plan, n_columns, shift, scale, slots, mean, cross);
}

bool recentre(Index n_columns, double weight, const double* mean, const double* cross,
              const double* scale, double* shift, double* summed_squares) {
  return level_in_use().recentre(n_columns, weight, mean, cross, scale, shift, summed_squares);
}

double merge(Index n_columns, double weight_a, const double* mean_a, const double* cross_a,
             double weight_b, const double* mean_b, const double* cross_b, double* mean,
             double* cross) {
  return level_in_use().merge(n_columns, weight_a, mean_a, cross_a, weight_b, mean_b, cross_b, mean,
                              cross);
}

double subtract(Index n_columns, double weight_a, const double* mean_a, const double* cross_a,
                double weight_b, const double* mean_b, const double* cross_b, double* mean,
                double* cross) {
  return level_in_use().subtract(n_columns, weight_a, mean_a, cross_a, weight_b, mean_b, cross_b,
                                 mean, cross);
}

SlotPlan plan_folds(Index n_samples, Index n_columns) {
  return level_in_use().plan_folds(n_samples, n_columns);
}

void accumulate_folds(const Rows& rows, const Column* weight, const double* shift,
                      const double* scale, const std::int32_t* label, Index n_folds,
                      const SlotPlan& plan, Index part, int n_threads, double* slots) {
  level_in_use().accumulate_folds(rows, weight, shift, scale, label, n_folds, plan, part, n_threads,
                                  slots);
}

SlotPlan plan_leave_one_out(Index n_samples, Index n_features, Index n_targets, Index n_alphas) {
  return level_in_use().plan_leave_one_out(n_samples, n_features, n_targets, n_alphas);
}

void leave_one_out(const Rows& rows, const Column* weight, const LeaveOneOut& fit,
                   const SlotPlan& plan, Index part, int n_threads, double* slots, double* errors) {
  level_in_use().leave_one_out(rows, weight, fit, plan, part, n_threads, slots, errors);
}

SlotPlan plan_double_double(Index n_samples, Index n_columns) {
  return level_in_use().plan_double_double(n_samples, n_columns);
}

void accumulate_double_double(const Rows& rows, const Column* weight, const double* shift,
                              const double* scale, const SlotPlan& plan, Index part, int n_threads,
                              double* slots) {
  level_in_use().accumulate_double_double(rows, weight, shift, scale, plan, part, n_threads, slots);
}

double centre_double_double(const SlotPlan& plan, Index n_columns, const double* shift,
                            const double* scale, const double* slots, double* mean, double* cross) {
  return level_in_use().centre_double_double(plan, n_columns, shift, scale, slots, mean, cross);
}

double merge_double_double(Index n_columns, double sign, double weight_a, const double* mean_a,
                           const double* cross_a, double weight_b, const double* mean_b,
                           const double* cross_b, double* mean, double* cross) {
  return level_in_use().merge_double_double(n_columns, sign, weight_a, mean_a, cross_a, weight_b,
                                            mean_b, cross_b, mean, cross);
}

void column_products(const Rows& rows, const Column* weight, const double* shift,
                     const std::vector<Index>& chosen, int n_threads, double* out) {
  level_in_use().column_products(rows, weight, shift, chosen, n_threads, out);
}

Index penalised_path(const PenalisedProblem& problem, GramColumns& gram, const DescentRules& rules,
                     Index n, const double* l1, const double* l2, const double* coef, double* coefs,
                     double* gaps, Index* n_iter) {
  return level_in_use().penalised_path(problem, gram, rules, n, l1, l2, coef, coefs, gaps, n_iter);
}

void dual_products(const Rows& rows, const double* scale, const double* root_weight,
                   bool fit_intercept, Index first, Index last, int n_threads, double* mean,
                   double* variance, double* H) {
  level_in_use().dual_products(rows, scale, root_weight, fit_intercept, first, last, n_threads,
                               mean, variance, H);
}

SlotPlan plan_sweep(Index n_samples, Index n_columns, Index n_targets) {
  return level_in_use().plan_sweep(n_samples, n_columns, n_targets);
}

void sweep(const SweepProblem& problem, const double* coef, const double* intercept,
           const SlotPlan& plan, Index part, int n_threads, double* slots) {
  level_in_use().sweep(problem, coef, intercept, plan, part, n_threads, slots);
}

SweepTotals sweep_totals(const SweepProblem& problem, const SlotPlan& plan, Index target,
                         const double* slots) {
  return level_in_use().sweep_totals(problem, plan, target, slots);
}

void residuals(const SweepProblem& problem, const double* coef, const double* intercept,
               Index target, int n_threads, double* r) {
  level_in_use().residuals(problem, coef, intercept, target, n_threads, r);
}

void transposed_product(const SweepProblem& problem, const double* r, int n_threads,
                        double* total) {
  level_in_use().transposed_product(problem, r, n_threads, total);
}

SlotPlan plan_combinations(Index n_samples, Index n_columns, Index n_combinations) {
  return level_in_use().plan_combinations(n_samples, n_columns, n_combinations);
}

void combine(const Rows& rows, const Column* weight, const double* scale,
             const std::vector<Combination>& combinations, const SlotPlan& plan, Index part,
             int n_threads, double* slots) {
  level_in_use().combine(rows, weight, scale, combinations, plan, part, n_threads, slots);
}

RowMatrix combined_products(const SlotPlan& plan, Index n_combinations, double weight, bool centred,
                            const double* slots) {
  return level_in_use().combined_products(plan, n_combinations, weight, centred, slots);
}

void powers(const Column& x, Index n, Index degree, double* high, double* low) {
  level_in_use().powers(x, n, degree, high, low);
}

template <>
void predict<double>(const Rows& rows, Index first, Index last, const double* coef,
                     const double* intercept, Index n_targets, int n_threads, double* out) {
  level_in_use().predict_double(rows, first, last, coef, intercept, n_targets, n_threads, out);
}

template <>
void predict<float>(const Rows& rows, Index first, Index last, const double* coef,
                    const double* intercept, Index n_targets, int n_threads, float* out) {
  level_in_use().predict_float(rows, first, last, coef, intercept, n_targets, n_threads, out);
}

Cell first_non_finite(const Rows& rows) { return level_in_use().first_non_finite(rows); }

SlotPlan plan_meat(Index n_samples, Index n_features) {
  return level_in_use().plan_meat(n_samples, n_features);
}

void robust_meat(const FittedRows& fit, Correction correction, const SlotPlan& plan, Index part,
                 int n_threads, double* slots) {
  level_in_use().robust_meat(fit, correction, plan, part, n_threads, slots);
}

Index meat_totals(const SlotPlan& plan, Index n_features, const double* slots, double* out) {
  return level_in_use().meat_totals(plan, n_features, slots, out);
}

SlotPlan plan_hac(Index n_samples, Index n_features, Index n_lags) {
  return level_in_use().plan_hac(n_samples, n_features, n_lags);
}

void hac_meat(const FittedRows& fit, Index n_lags, const SlotPlan& plan, Index part, int n_threads,
              double* slots) {
  level_in_use().hac_meat(fit, n_lags, plan, part, n_threads, slots);
}

void hac_totals(const SlotPlan& plan, Index n_features, Index n_lags, const double* slots,
                double* out) {
  level_in_use().hac_totals(plan, n_features, n_lags, slots, out);
}

SlotPlan plan_clusters(Index n_samples, Index n_features, Index n_clusters) {
  return level_in_use().plan_clusters(n_samples, n_features, n_clusters);
}

void cluster_scores(const FittedRows& fit, const std::int32_t* codes, Index n_clusters,
                    const SlotPlan& plan, Index part, int n_threads, double* slots) {
  level_in_use().cluster_scores(fit, codes, n_clusters, plan, part, n_threads, slots);
}

void cluster_totals(const SlotPlan& plan, Index n_features, Index n_clusters, const double* slots,
                    double* out) {
  level_in_use().cluster_totals(plan, n_features, n_clusters, slots, out);
}

void row_figures(const FittedRows& fit, RowRange range, int n_threads, double* residuals,
                 double* leverages) {
  level_in_use().row_figures(fit, range, n_threads, residuals, leverages);
}

SlotPlan plan_influence(Index n_samples, Index n_features, Index n_top) {
  return level_in_use().plan_influence(n_samples, n_features, n_top);
}

void influence(const FittedRows& fit, const InfluenceSettings& settings, const SlotPlan& plan,
               Index part, int n_threads, double* slots, double* out, double* changes) {
  level_in_use().influence(fit, settings, plan, part, n_threads, slots, out, changes);
}

InfluenceTotals influence_totals(const SlotPlan& plan, Index n_top, const double* slots) {
  return level_in_use().influence_totals(plan, n_top, slots);
}

SlotPlan plan_loss(Index n_samples, Index n_features) {
  return level_in_use().plan_loss(n_samples, n_features);
}

void accumulate_loss(const Rows& rows, const Column* weight, const double* theta,
                     const SlotPlan& plan, Index part, int n_threads, double* slots,
                     const ResidualLoss& loss) {
  level_in_use().accumulate_loss(rows, weight, theta, plan, part, n_threads, slots, loss);
}

double add_slots(const SlotPlan& plan, Index n_features, const double* slots, double* gradient) {
  return level_in_use().add_slots(plan, n_features, slots, gradient);
}

double largest_row_norm(const Rows& rows, const Column* weight, const double* centre,
                        const double* factor, Index first, Index last, int n_threads) {
  return level_in_use().largest_row_norm(rows, weight, centre, factor, first, last, n_threads);
}

SamplingPlan plan_sampling(Sampling sampling, Index n_samples, Index n_features, Index batch_size,
                           Index n_given) {
  return level_in_use().plan_sampling(sampling, n_samples, n_features, batch_size, n_given);
}

std::vector<Index> list_rows(const SamplingPlan& plan, Bits seed, Index epoch, Index window,
                             std::uint32_t* table) {
  return level_in_use().list_rows(plan, seed, epoch, window, table);
}

EpochsDone descend_rows(const Rows& rows, const Column* weight,
                        const Standardisation& standardisation, const DescentSettings& settings,
                        const SlotPlan& plan, Index part, Index n_epochs, const double* base_rates,
                        int n_threads, double* slots, DescentState& state,
                        const DescentHistory& history) {
  return level_in_use().descend_rows(rows, weight, standardisation, settings, plan, part, n_epochs,
                                     base_rates, n_threads, slots, state, history);
}

EpochsDone descend_moments(const DescentMoments& moments, const DescentSettings& settings,
                           Index n_epochs, const double* base_rates, DescentState& state,
                           const DescentHistory& history) {
  return level_in_use().descend_moments(moments, settings, n_epochs, base_rates, state, history);
}

EpochsDone descend_batches(const Rows& rows, const Column* weight,
                           const Standardisation& standardisation, const DescentSettings& settings,
                           const SamplingPlan& plan, Bits seed, const std::int64_t* given,
                           const std::int64_t* given_sizes, Index n_epochs, Index row_budget,
                           const double* base_rates, int n_threads, std::uint32_t* table,
                           DescentState& state, const DescentHistory& history) {
  return level_in_use().descend_batches(rows, weight, standardisation, settings, plan, seed, given,
                                        given_sizes, n_epochs, row_budget, base_rates, n_threads,
                                        table, state, history);
}

EpochsDone descend_network(const Rows& rows, const Column* weight, const Network& network,
                           bool is_single, const NetworkScales& scales,
                           const DescentSettings& settings, const SamplingPlan& plan, Bits seed,
                           const std::int64_t* given, const std::int64_t* given_sizes,
                           Index n_epochs, Index row_budget, const double* base_rates,
                           int n_threads, std::uint32_t* table, DescentState& state,
                           const DescentHistory& history) {
  return level_in_use().descend_network(rows, weight, network, is_single, scales, settings, plan,
                                        seed, given, given_sizes, n_epochs, row_budget, base_rates,
                                        n_threads, table, state, history);
}

bool predict_network(const Rows& features, Index first, Index last, const Network& network,
                     bool is_single, const NetworkScales& scales, const double* parameters,
                     int n_threads, double* out) {
  return level_in_use().predict_network(features, first, last, network, is_single, scales,
                                        parameters, n_threads, out);
}

void evaluate_activation(Activation activation, bool is_single, Index n, const double* z,
                         double* value, double* slope) {
  level_in_use().evaluate_activation(activation, is_single, n, z, value, slope);
}

double measure_bandwidth(const double* values, Index n, int n_threads) {
  return level_in_use().measure_bandwidth(values, n, n_threads);
}

double measure_flops(Index n, int n_threads) { return level_in_use().measure_flops(n, n_threads); }

double measure_tile(Index n, int n_threads) { return level_in_use().measure_tile(n, n_threads); }

bool factor_cholesky(Eigen::Ref<Matrix> A, int n_threads, PackedTriangle* keep) {
  return level_in_use().factor_cholesky(A, n_threads, keep);
}

double reciprocal_condition(const Eigen::Ref<const Matrix>& L, double norm) {
  return level_in_use().reciprocal_condition(L, norm);
}

double symmetric_norm(const Eigen::Ref<const Matrix>& A) {
  return level_in_use().symmetric_norm(A);
}

void invert_lower(Eigen::Ref<Matrix> L, int n_threads, PackedTriangle* packed) {
  level_in_use().invert_lower(L, n_threads, packed);
}

void multiply_vector(const Eigen::Ref<const Matrix>& A, const Eigen::Ref<const Vector>& v,
                     Eigen::Ref<Vector> out) {
  level_in_use().multiply_vector(A, v, out);
}

void multiply_transposed(const Eigen::Ref<const Matrix>& A, const Eigen::Ref<const Vector>& v,
                         Eigen::Ref<Vector> out) {
  level_in_use().multiply_transposed(A, v, out);
}

void multiply_single_triangle(const float* rows, Index n, bool squared, const float* v,
                              float* out) {
  level_in_use().multiply_single_triangle(rows, n, squared, v, out);
}

void add_square(Eigen::Ref<Matrix> C, const Eigen::Ref<const Matrix>& L, double factor,
                int n_threads) {
  level_in_use().add_square(C, L, factor, n_threads);
}

Matrix multiply_by_magnitudes(const Eigen::Ref<const RowMatrix>& K,
                              const Eigen::Ref<const Matrix>& V, int n_threads) {
  return level_in_use().multiply_by_magnitudes(K, V, n_threads);
}

void subtract_products(Index l, Index n_rows, const DoubleDouble* L, Index j, DoubleDouble* sums) {
  level_in_use().subtract_products(l, n_rows, L, j, sums);
}

Matrix multiply_upper(const Eigen::Ref<const Matrix>& A, const Eigen::Ref<const Matrix>& B,
                      int n_threads) {
  return level_in_use().multiply_upper(A, B, n_threads);
}

Matrix multiply_by_upper(const Eigen::Ref<const Matrix>& A, const Eigen::Ref<const Matrix>& B,
                         int n_threads) {
  return level_in_use().multiply_by_upper(A, B, n_threads);
}

Matrix upper_factor(Matrix A) { return level_in_use().upper_factor(A); }

}  // namespace fastlr
