
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "bindings/descent_arguments.hpp"
#include "bindings/level_module.hpp"
#include "fastlr/networks/networks.hpp"

namespace fastlr {
namespace {

Activation activation_of(const std::string& name) {
  if (name == "identity") return Activation::identity;
  if (name == "logistic") return Activation::logistic;
  if (name == "tanh") return Activation::tanh;
  if (name == "relu") return Activation::relu;
  if (name == "leaky_relu") return Activation::leaky_relu;
  if (name == "elu") return Activation::elu;
  if (name == "softplus") return Activation::softplus;
  if (name == "gelu") return Activation::gelu;
  throw py::value_error("unknown activation " + name);
}

/// Layers between `sizes`: n_features, the outputs of each layer.
Network network_of(const std::vector<Index>& sizes, const std::vector<std::string>& activations) {
  require(!activations.empty() && sizes.size() == activations.size() + 1,
          "sizes must be one more than activations");
  require(std::all_of(sizes.begin(), sizes.end(), [](Index n) { return n > 0; }),
          "sizes must be positive");
  Network network;
  for (std::size_t l = 0; l < activations.size(); ++l)
    network.add(sizes[l], sizes[l + 1], activation_of(activations[l]));
  return network;
}

/// As the arrays of `standard` say, (2, round_up(n_features, 8)) and (2, n_targets).
NetworkScales scales_of(const std::optional<DoubleArray>& standard,
                        const std::optional<DoubleArray>& target_standard, const Network& network) {
  NetworkScales scales;
  scales.features = standardisation_of(standard, network.n_features());
  if (target_standard) {
    check_size(*target_standard, 2 * network.n_targets(), "target_standard");
    scales.target_centre = target_standard->data();
    scales.target_factor = target_standard->data() + network.n_targets();
  }
  return scales;
}

}  // namespace

void bind_networks(LevelModule& m) {
  m.def(
      "descend_network",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         const std::vector<Index>& sizes, const std::vector<std::string>& activations,
         bool is_single, const std::optional<DoubleArray>& standard,
         const std::optional<DoubleArray>& target_standard, const py::dict& settings,
         const std::string& sampling, Index batch_size, Bits seed,
         const std::optional<CounterArray>& given, const std::optional<CounterArray>& given_sizes,
         Index row_budget, int n_threads, TableArray& table, DoubleArray& vectors,
         DoubleArray& numbers, CounterArray& counters, const DoubleArray& rates,
         DoubleArray& history, std::optional<DoubleArray> path) {
        const Network network = network_of(sizes, activations);
        const Rows rows = rows_of(X, y);
        require(
            rows.n_columns() == network.n_features() + network.n_targets() && rows.n_samples > 0,
            "X and y must have the columns that the network has inputs and outputs");
        const SamplingPlan plan = sampling_plan(sampling, rows.n_samples, network.n_features(),
                                                batch_size, given ? given->size() : 0);
        check_given(plan, given, given_sizes);
        check_size(table, plan.table_size, "table");
        const auto weight = weight_of(sample_weight, rows);
        const NetworkScales scales = scales_of(standard, target_standard, network);
        const Index n = network.n_parameters();
        const DescentSettings s = settings_of(settings, n);
        DescentArrays arrays = arrays_of(n, n, vectors, numbers, counters, rates, history, path);
        const std::int64_t* given_rows = given ? given->data() : nullptr;
        const std::int64_t* batches = given_sizes ? given_sizes->data() : nullptr;
        std::uint32_t* order = table.mutable_data();
        EpochsDone progress;
        {
          const Released released;
          progress =
              descend_network(rows, weight ? &*weight : nullptr, network, is_single, scales, s,
                              plan, seed, given_rows, batches, arrays.n_epochs, row_budget,
                              arrays.rates, n_threads, order, arrays.state, arrays.history);
        }
        return result_of(progress);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("sizes"),
      py::arg("activations"), py::arg("is_single"), py::arg("standard").none(true),
      py::arg("target_standard").none(true), py::arg("settings"), py::arg("sampling"),
      py::arg("batch_size"), py::arg("seed"), py::arg("given").none(true),
      py::arg("given_sizes").none(true), py::arg("row_budget"), py::arg("n_threads"),
      py::arg("table").noconvert(), py::arg("vectors").noconvert(), py::arg("numbers").noconvert(),
      py::arg("counters").noconvert(), py::arg("rates").noconvert(), py::arg("history").noconvert(),
      py::arg("path").none(true));

  m.def(
      "predict_network",
      [](const py::object& X, Index first, Index last, const std::vector<Index>& sizes,
         const std::vector<std::string>& activations, bool is_single,
         const std::optional<DoubleArray>& standard,
         const std::optional<DoubleArray>& target_standard, const DoubleArray& parameters,
         int n_threads, DoubleArray& out) {
        const Network network = network_of(sizes, activations);
        const Rows rows = rows_of(X, py::none());
        require(rows.n_columns() == network.n_features(), "X must have the network's inputs");
        require(first >= 0 && first <= last && last <= rows.n_samples, "rows out of range");
        check_size(parameters, network.n_parameters(), "parameters");
        check_size(out, rows.n_samples * network.n_targets(), "out");
        const NetworkScales scales = scales_of(standard, target_standard, network);
        const double* values = parameters.data();
        double* target = out.mutable_data() + first * network.n_targets();
        const py::gil_scoped_release release;
        return predict_network(rows, first, last, network, is_single, scales, values, n_threads,
                               target);
      },
      py::arg("X"), py::arg("first"), py::arg("last"), py::arg("sizes"), py::arg("activations"),
      py::arg("is_single"), py::arg("standard").none(true), py::arg("target_standard").none(true),
      py::arg("parameters").noconvert(), py::arg("n_threads"), py::arg("out").noconvert());

  m.def(
      "evaluate_activation",
      [](const std::string& activation, const DoubleArray& z, bool is_single) {
        const Activation kind = activation_of(activation);
        const Index n = z.size();
        DoubleArray value(n);
        DoubleArray slope(n);
        evaluate_activation(kind, is_single, n, z.data(), value.mutable_data(),
                            slope.mutable_data());
        return results(value, slope);
      },
      py::arg("activation"), py::arg("z").noconvert(), py::arg("is_single"));
}

}  // namespace fastlr
