#include "fastlr/networks/networks.hpp"

#include <numeric>

#include "fastlr/descent/batch_descent.hpp"
#include "fastlr/networks/network_gradient.hpp"

namespace fastlr {
namespace {

/// Multiply-adds of a batch (forwards, backwards and for the gradient) that are worth a team's start.
constexpr Index worth_a_team = Index{1} << 22;

/// Rows that a task predicts.
constexpr Index rows_per_prediction = 256;

template <class Scalar>
bool predict_as(const Rows& features, Index first, Index last, const Network& network,
                const NetworkScales& scales, const double* parameters, int n_threads, double* out) {
  const NetworkSource source(features, 0, nullptr, scales, std::is_same_v<Scalar, float>);
  PackedLayers<Scalar> layers(network, false);
  layers.pack(parameters, 1);
  struct Room {
    NetworkWindow window;
    LayerOutputs<Scalar> outputs;
    std::vector<Index> rows;
    bool are_finite = true;
  };
  const Index n_tasks = (last - first + rows_per_prediction - 1) / rows_per_prediction;
  const Index n_rooms = std::clamp<Index>(n_threads, 1, std::max<Index>(1, n_tasks));
  std::vector<Room> rooms;
  for (Index k = 0; k < n_rooms; ++k)
    rooms.push_back({source.window(rows_per_prediction),
                     LayerOutputs<Scalar>(layers, rows_per_prediction, false),
                     std::vector<Index>(static_cast<std::size_t>(rows_per_prediction))});
  std::vector<std::uint32_t> places(static_cast<std::size_t>(rows_per_prediction));
  std::iota(places.begin(), places.end(), std::uint32_t{0});
  const Index t = network.n_targets();
  for_each_task(n_tasks, static_cast<int>(n_rooms), [&](Index task, Index worker) {
    Room& room = rooms[static_cast<std::size_t>(worker)];
    const Index from = first + task * rows_per_prediction;
    const Index n = std::min(rows_per_prediction, last - from);
    std::iota(room.rows.begin(), room.rows.end(), from);
    source.pack(room.rows.data(), places.data(), n, room.window);
    room.are_finite = room.are_finite && room.window.are_finite(n);
    run_forwards(layers, room.window.template features<Scalar>(0), 0, n, false, room.outputs);
    const Block<Scalar> outputs = room.outputs.outputs(network.layers.size() - 1);
    for (Index i = 0; i < n; ++i) {
      for (Index j = 0; j < t; ++j) {
        const auto value = static_cast<double>(outputs.row(i)[j]);
        out[(from - first + i) * t + j] =
            scales.target_factor == nullptr
                ? value
                : value / scales.target_factor[j] + scales.target_centre[j];
      }
    }
  });
  return std::all_of(rooms.begin(), rooms.end(), [](const Room& room) { return room.are_finite; });
}

}  // namespace

EpochsDone descend_network(const Rows& rows, const Column* weight, const Network& network,
                           bool is_single, const NetworkScales& scales, const DescentSettings& s,
                           const SamplingPlan& plan, Bits seed, const std::int64_t* given,
                           const std::int64_t* given_sizes, Index n_epochs, Index row_budget,
                           const double* base_rates, int n_threads, std::uint32_t* table,
                           DescentState& state, const DescentHistory& history) {
  const bool has_own_weights = weight != nullptr && s.penalty_of_batch;
  if (network.is_line() && !is_single && scales.target_factor == nullptr && !has_own_weights)
    return descend_batches(rows, weight, scales.features, s, plan, seed, given, given_sizes,
                           n_epochs, row_budget, base_rates, n_threads, table, state, history);
  const BatchOrder order{plan, seed, given, given_sizes, table};
  // Either the loop has the threads, which pack windows and sum up those of a large batch, or a
  // batch has them.
  const bool spans_windows = given_sizes == nullptr && plan.batch_size >= 4 * plan.window_rows;
  const bool shares_batch = n_threads > 1 && !spans_windows &&
                            3 * plan.batch_size * network.n_parameters() >= worth_a_team;
  const NetworkSource source(rows, network.n_targets(), weight, scales, is_single);
  const NetworkGradient gradient(network, weight != nullptr, is_single,
                                 shares_batch ? n_threads : 1);
  return run_batches(source, gradient, s, order, n_epochs, row_budget, base_rates,
                     shares_batch ? 1 : n_threads, state, history);
}

bool predict_network(const Rows& features, Index first, Index last, const Network& network,
                     bool is_single, const NetworkScales& scales, const double* parameters,
                     int n_threads, double* out) {
  if (is_single) {
    return predict_as<float>(features, first, last, network, scales, parameters, n_threads, out);
  }
  return predict_as<double>(features, first, last, network, scales, parameters, n_threads, out);
}

void evaluate_activation(Activation activation, bool is_single, Index n, const double* z,
                         double* value, double* slope) {
  if (!is_single) {
    std::copy_n(z, n, value);
    activate(activation, n, value, slope);
    return;
  }
  const Eigen::Map<const Vector> in(z, n);
  Eigen::VectorXf values = in.cast<float>();
  Eigen::VectorXf slopes(n);
  activate(activation, n, values.data(), slopes.data());
  VectorMap(value, n) = values.cast<double>();
  VectorMap(slope, n) = slopes.cast<double>();
}

}  // namespace fastlr
