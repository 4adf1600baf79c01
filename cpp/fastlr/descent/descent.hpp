// Gradient descent, on the squared loss unless somebody brings another one, resumable: a call runs
// some epochs or some rows, and all that the next call needs lies in arrays that the caller keeps.
//
// With theta = (b, a), r = X b + a - y and a batch B of m rows (all rows in full-batch descent):
//
//   mean conventions  loss = scale / 2 * sum_B w r^2 / (m mean_weight) + penalty / 2 * |b|^2
//   sum convention    loss = scale / 2 * sum_B w r^2                   + penalty / 2 * |b|^2 m / n
//
// scale is 1 for half the mean of squares, 2 for the mean and for the sum; an L1 penalty is paid as
// Tsuruoka, Tsujii and Ananiadou (2009) do. Another loss l of a row (residual_loss.hpp) has 2 l(r) in
// the place of r^2; moments do not know it.
#pragma once

#include <limits>

#include "fastlr/descent/sampling.hpp"
#include "fastlr/descent/squared_loss.hpp"
#include "fastlr/descent/step_rules.hpp"
#include "fastlr/reading/row_window.hpp"

namespace fastlr {

struct DescentSettings {
  Rule rule = Rule::plain;
  RuleConstants constants;
  double scale = 1.0;
  double mean_weight = 1.0;  // 0: the sum convention
  double penalty = 0.0;
  const double* penalty_weights = nullptr;  // for each penalised parameter: penalty / 2 * sum_j
                                            // weight_j b_j^2; where 0, there is no L1 penalty
  bool penalty_of_batch =
      false;                  // the penalty of a batch is divided by its rows (or their weight),
                              // as networks have it, not by those of all
  bool sums_gradient = true;  // whether an epoch's gradients are added up, for their norm
  double l1 = 0.0;
  bool stops_at_zero = false;  // scikit-learn: `penalty` shrinks coefficients to zero, never beyond
  bool fit_intercept = true;
  double intercept_rate = 1.0;  // the intercept's share of the rate of batches
  Index average_from = 0;       // average the iterates from this update on; 0: do not
  double rate_shift = 0.0;      // the rate of update t is base * (t + shift)^-power
  double rate_power = 0.0;
  double tolerance = -1.0;  // improvement of the loss that counts; negative: never stop
  bool relative = true;     // ... as a share of the best loss
  Index patience = 5;       // so many epochs in a row without improvement are too many
  double limit = 0.0;       // a loss above it is divergence
  double max_residual = std::numeric_limits<double>::infinity();  // residuals are cut there
  Loss loss = Loss::squared;
  double loss_epsilon = 0.0;

  /// The loss of a row. The slopes of others than the squared one are cut row by row.
  ResidualLoss of_residual() const { return {loss, loss_epsilon, max_residual}; }
};

/// Rows of the array `vectors`, each of round_up(n_parameters, 8) numbers: the parameters (of the
/// squared loss: b, a), zeros.
enum VectorRow : Index {
  theta,
  first_moment,
  second_moment,
  batch_gradient,
  epoch_gradient,
  best,
  average,
  l1_paid,
  n_vector_rows
};
/// Entries of the array `numbers`.
enum Number : Index {
  batch_loss,  // sums over rows, of what the gradient is the derivative of: w r^2 / 2
  epoch_loss,
  epoch_penalty,
  best_loss,
  l1_total,
  n_numbers
};
/// Of gradients that weigh their batches, which know no L1 penalty.
constexpr Number batch_weight = l1_total;
/// Entries of the array `counters`.
enum Counter : Index {
  updates,
  epochs,
  windows,
  batch_rows,
  epoch_rows,
  epoch_updates,
  steps_since_restart,
  stale,
  n_counters
};

struct DescentState {
  Index n_parameters;
  Index n_penalised;  // penalties are on the first so many of them
  double* vectors;
  double* numbers;
  std::int64_t* counters;

  Index padded() const { return round_up(n_parameters, 8); }
};

/// What an epoch leaves behind; arrays with room for all epochs of a call, path (epochs,
/// n_parameters) or nullptr.
struct DescentHistory {
  double* loss;  // before the step (full batch), or the mean over the batches, each before its step
  double* squares;        // twice the losses of all rows (sum w r^2), likewise
  double* gradient_norm;  // of the full gradient, or of the mean of the batches' gradients
  double* rate;           // of the epoch's first update
  double* path;           // theta after the epoch
};

enum class Outcome : std::uint8_t { running, stalled, diverged };

struct EpochsDone {
  Index epochs = 0;  // completed in this call
  Outcome outcome = Outcome::running;
};

/// Full batch on rows: `n_epochs` epochs, or, where plan.n_parts > 1, part `part` of one epoch.
/// `slots`: (n_slots, slot_size), zero before part 0.
EpochsDone descend_rows(const Rows& rows, const Column* weight,
                        const Standardisation& standardisation, const DescentSettings& settings,
                        const SlotPlan& plan, Index part, Index n_epochs, const double* base_rates,
                        int n_threads, double* slots, DescentState& state,
                        const DescentHistory& history);

/// Moments as full-batch descent needs them: centred products of X, of X and y, of y; means; total
/// weight.
struct DescentMoments {
  ConstMatrixMap xx;
  ConstVectorMap xy;
  double yy;
  ConstVectorMap mean_x;
  double mean_y;
  double weight;
};

/// The same iterates as descend_rows, p^2 multiply-adds an epoch.
EpochsDone descend_moments(const DescentMoments& moments, const DescentSettings& settings,
                           Index n_epochs, const double* base_rates, DescentState& state,
                           const DescentHistory& history);

/// Minibatches: goes on until `n_epochs` epochs are complete or some `row_budget` rows have been
/// used. `given` and `given_sizes` (rows of the epoch and sizes of its batches) only with
/// Sampling::given.
EpochsDone descend_batches(const Rows& rows, const Column* weight,
                           const Standardisation& standardisation, const DescentSettings& settings,
                           const SamplingPlan& plan, Bits seed, const std::int64_t* given,
                           const std::int64_t* given_sizes, Index n_epochs, Index row_budget,
                           const double* base_rates, int n_threads, std::uint32_t* table,
                           DescentState& state, const DescentHistory& history);

}  // namespace fastlr
