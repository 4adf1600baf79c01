// Training and prediction of small networks of dense layers on the loop of minibatches: forwards,
// backwards and steps without leaving C++, in double or in single precision. The loss of a row is
//
//   w / 2 sum_t (a_t - y_t)^2   over the outputs t of the last layer,
//
// and the loss of a batch with weights W in all is their sum over W, plus penalty / (2 W) times the
// squares of the weights of all layers (the mask of the settings says which parameters those are).
#pragma once

#include "fastlr/descent/descent.hpp"
#include "fastlr/networks/layers.hpp"

namespace fastlr {

/// How a network sees rows: z = (x - centre) * factor, and targets likewise, where there are factors.
struct NetworkScales {
  Standardisation features;
  const double* target_centre = nullptr;
  const double* target_factor = nullptr;
};

/// As descend_batches(), for a network; `rows` are features and then the network's targets. A line
/// of one target in double precision is what descend_batches() makes of it, to the last bit.
EpochsDone descend_network(const Rows& rows, const Column* weight, const Network& network,
                           bool is_single, const NetworkScales& scales,
                           const DescentSettings& settings, const SamplingPlan& plan, Bits seed,
                           const std::int64_t* given, const std::int64_t* given_sizes,
                           Index n_epochs, Index row_budget, const double* base_rates,
                           int n_threads, std::uint32_t* table, DescentState& state,
                           const DescentHistory& history);

/// out[i, t] = output t of the network for row i of the features, first <= i < last, in the units of
/// the targets; out (last - first, n_targets). Returns whether all those features are finite: many
/// activations make finite numbers of infinite ones.
bool predict_network(const Rows& features, Index first, Index last, const Network& network,
                     bool is_single, const NetworkScales& scales, const double* parameters,
                     int n_threads, double* out);

/// value[i] = f(z[i]) and slope[i] = f'(z[i]); in single precision computed as such.
void evaluate_activation(Activation activation, bool is_single, Index n, const double* z,
                         double* value, double* slope);

}  // namespace fastlr
