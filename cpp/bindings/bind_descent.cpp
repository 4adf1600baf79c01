
#include <algorithm>
#include <optional>
#include <string>

#include "bindings/descent_arguments.hpp"
#include "bindings/level_module.hpp"
#include "bindings/slots.hpp"

namespace fastlr {
namespace {

Rule rule_of(const std::string& name) {
  if (name == "gd") return Rule::plain;
  if (name == "momentum") return Rule::momentum;
  if (name == "nesterov") return Rule::nesterov;
  if (name == "accelerated") return Rule::accelerated;
  if (name == "adagrad") return Rule::adagrad;
  if (name == "rmsprop") return Rule::rmsprop;
  if (name == "adam") return Rule::adam;
  throw py::value_error("unknown rule " + name);
}

Sampling sampling_of(const std::string& name) {
  if (name == "sequential") return Sampling::sequential;
  if (name == "shuffle") return Sampling::shuffle;
  if (name == "random") return Sampling::random;
  if (name == "given") return Sampling::given;
  throw py::value_error("unknown sampling " + name);
}

Loss loss_of(const std::string& name) {
  if (name == "squared_error") return Loss::squared;
  if (name == "huber") return Loss::huber;
  if (name == "epsilon_insensitive") return Loss::epsilon_insensitive;
  if (name == "squared_epsilon_insensitive") return Loss::squared_epsilon_insensitive;
  throw py::value_error("unknown loss " + name);
}

}  // namespace

DescentSettings settings_of(const py::dict& source, Index n_penalised) {
  DescentSettings s;
  for (const auto& [key, value] : source) {
    const auto name = key.cast<std::string>();
    if (name == "rule") {
      s.rule = rule_of(value.cast<std::string>());
    } else if (name == "momentum") {
      s.constants.momentum = value.cast<double>();
    } else if (name == "beta_1") {
      s.constants.beta_1 = value.cast<double>();
    } else if (name == "beta_2") {
      s.constants.beta_2 = value.cast<double>();
    } else if (name == "epsilon") {
      s.constants.epsilon = value.cast<double>();
    } else if (name == "epsilon_of_biased") {
      s.constants.epsilon_of_biased = value.cast<bool>();
    } else if (name == "scale") {
      s.scale = value.cast<double>();
    } else if (name == "mean_weight") {
      s.mean_weight = value.cast<double>();
    } else if (name == "penalty") {
      s.penalty = value.cast<double>();
    } else if (name == "penalty_weights") {
      if (!py::isinstance<DoubleArray>(value))
        throw py::value_error("penalty_weights must be an array of float64");
      const auto weights = py::reinterpret_borrow<DoubleArray>(value);
      check_size(weights, n_penalised, "penalty_weights");
      s.penalty_weights = weights.data();
    } else if (name == "penalty_of_batch") {
      s.penalty_of_batch = value.cast<bool>();
    } else if (name == "sums_gradient") {
      s.sums_gradient = value.cast<bool>();
    } else if (name == "l1") {
      s.l1 = value.cast<double>();
    } else if (name == "stops_at_zero") {
      s.stops_at_zero = value.cast<bool>();
    } else if (name == "fit_intercept") {
      s.fit_intercept = value.cast<bool>();
    } else if (name == "intercept_rate") {
      s.intercept_rate = value.cast<double>();
    } else if (name == "average_from") {
      s.average_from = value.cast<Index>();
    } else if (name == "rate_shift") {
      s.rate_shift = value.cast<double>();
    } else if (name == "rate_power") {
      s.rate_power = value.cast<double>();
    } else if (name == "tolerance") {
      s.tolerance = value.cast<double>();
    } else if (name == "relative") {
      s.relative = value.cast<bool>();
    } else if (name == "patience") {
      s.patience = value.cast<Index>();
    } else if (name == "limit") {
      s.limit = value.cast<double>();
    } else if (name == "max_residual") {
      s.max_residual = value.cast<double>();
    } else if (name == "loss") {
      s.loss = loss_of(value.cast<std::string>());
    } else if (name == "loss_epsilon") {
      s.loss_epsilon = value.cast<double>();
    } else {
      throw py::value_error("unknown setting " + name);
    }
  }
  return s;
}

namespace {

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::stalled:
      return "stalled";
    case Outcome::diverged:
      return "diverged";
    case Outcome::running:
      break;
  }
  return "running";
}

}  // namespace

DescentArrays arrays_of(Index n_parameters, Index n_penalised, DoubleArray& vectors,
                        DoubleArray& numbers, CounterArray& counters, const DoubleArray& rates,
                        DoubleArray& history, std::optional<DoubleArray>& path) {
  DescentArrays arrays;
  arrays.n_epochs = rates.size();
  check_size(vectors, n_vector_rows * round_up(n_parameters, 8), "vectors");
  check_size(numbers, n_numbers, "numbers");
  check_size(counters, n_counters, "counters");
  check_size(history, 4 * arrays.n_epochs, "history");
  if (path) check_size(*path, arrays.n_epochs * n_parameters, "path");
  arrays.state = {n_parameters, n_penalised, vectors.mutable_data(), numbers.mutable_data(),
                  counters.mutable_data()};
  double* h = history.mutable_data();
  const Index k = arrays.n_epochs;
  arrays.history = {h, h + k, h + 2 * k, h + 3 * k, path ? path->mutable_data() : nullptr};
  arrays.rates = rates.data();
  return arrays;
}

Standardisation standardisation_of(const std::optional<DoubleArray>& standard, Index n_features) {
  if (!standard) return {};
  const Index padded = round_up(n_features, 8);
  check_size(*standard, 2 * padded, "standard");
  return {standard->data(), standard->data() + padded};
}

SamplingPlan sampling_plan(const std::string& sampling, Index n_samples, Index n_features,
                           Index batch_size, Index n_given) {
  if (batch_size < 1) throw py::value_error("batch_size must be positive");
  return plan_sampling(sampling_of(sampling), n_samples, n_features, batch_size, n_given);
}

void check_given(const SamplingPlan& plan, const std::optional<CounterArray>& given,
                 const std::optional<CounterArray>& given_sizes) {
  if ((plan.sampling == Sampling::given) != (given && given_sizes))
    throw py::value_error("given rows need their sizes, and sampling='given'");
  if (given && (given->size() == 0 || given_sizes->size() == 0))
    throw py::value_error("no rows given");
}

py::tuple result_of(const EpochsDone& progress) {
  return results(progress.epochs, name_of(progress.outcome));
}

namespace {

Rows table_of(const py::object& X, const py::object& y) {
  Rows rows = rows_of(X, y);
  if (rows.n_columns() < 2 || rows.n_samples < 1)
    throw py::value_error("X and y must not be empty");
  return rows;
}

void bind_loss(LevelModule& m) {
  bind_plan<plan_loss>(m, "plan_loss", "n_samples", "n_features");

  m.def(
      "accumulate_loss",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         const DoubleArray& theta, Index part, int n_threads, DoubleArray& slots,
         const std::string& loss, double epsilon) {
        const ResidualLoss of_residual{loss_of(loss), epsilon};
        const Rows rows = table_of(X, y);
        const Index p = rows.n_columns() - 1;
        const SlotPlan plan = plan_loss(rows.n_samples, p);
        check_size(theta, p + 1, "theta");
        const auto weight = weight_of(sample_weight, rows);
        const double* parameters = theta.data();
        double* sums = slots_of(plan, part, slots);
        const py::gil_scoped_release release;
        accumulate_loss(rows, weight ? &*weight : nullptr, parameters, plan, part, n_threads, sums,
                        of_residual);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("theta").noconvert(),
      py::arg("part"), py::arg("n_threads"), py::arg("slots").noconvert(),
      py::arg("loss") = "squared_error", py::arg("epsilon") = 0.0);

  m.def(
      "add_loss_slots",
      [](Index n_samples, Index n_features, const DoubleArray& slots) {
        const SlotPlan plan = plan_loss(n_samples, n_features);
        const double* sums = slots_of(plan, slots);
        DoubleArray gradient(n_features + 1);
        const double squares = add_slots(plan, n_features, sums, gradient.mutable_data());
        return results(squares, gradient);
      },
      py::arg("n_samples"), py::arg("n_features"), py::arg("slots").noconvert());

  m.def(
      "largest_row_norm",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         const std::optional<DoubleArray>& standard, Index first, Index last, int n_threads) {
        const Rows rows = table_of(X, y);
        const auto weight = weight_of(sample_weight, rows);
        const Standardisation z = standardisation_of(standard, rows.n_columns() - 1);
        if (first < 0 || last > rows.n_samples) throw py::value_error("rows out of range");
        const py::gil_scoped_release release;
        return largest_row_norm(rows, weight ? &*weight : nullptr, z.centre, z.factor, first, last,
                                n_threads);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true),
      py::arg("standard").none(true), py::arg("first"), py::arg("last"), py::arg("n_threads"));
}

void bind_full_batch(LevelModule& m) {
  m.def(
      "descend_rows",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         const std::optional<DoubleArray>& standard, const py::dict& settings, Index part,
         int n_threads, DoubleArray& slots, DoubleArray& vectors, DoubleArray& numbers,
         CounterArray& counters, const DoubleArray& rates, DoubleArray& history,
         std::optional<DoubleArray> path) {
        const Rows rows = table_of(X, y);
        const Index p = rows.n_columns() - 1;
        const SlotPlan plan = plan_loss(rows.n_samples, p);
        const auto weight = weight_of(sample_weight, rows);
        const Standardisation z = standardisation_of(standard, p);
        const DescentSettings s = settings_of(settings, p);
        DescentArrays arrays =
            arrays_of(p + 1, p, vectors, numbers, counters, rates, history, path);
        double* sums = slots_of(plan, part, slots);
        EpochsDone progress;
        {
          const py::gil_scoped_release release;
          progress =
              descend_rows(rows, weight ? &*weight : nullptr, z, s, plan, part, arrays.n_epochs,
                           arrays.rates, n_threads, sums, arrays.state, arrays.history);
        }
        return result_of(progress);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true),
      py::arg("standard").none(true), py::arg("settings"), py::arg("part"), py::arg("n_threads"),
      py::arg("slots").noconvert(), py::arg("vectors").noconvert(), py::arg("numbers").noconvert(),
      py::arg("counters").noconvert(), py::arg("rates").noconvert(), py::arg("history").noconvert(),
      py::arg("path").none(true));

  m.def(
      "descend_moments",
      [](const DoubleArray& xx, const DoubleArray& xy, double yy, const DoubleArray& mean_x,
         double mean_y, double weight, const py::dict& settings, DoubleArray& vectors,
         DoubleArray& numbers, CounterArray& counters, const DoubleArray& rates,
         DoubleArray& history, std::optional<DoubleArray> path) {
        const Index p = xy.size();
        check_size(xx, p * p, "xx");
        check_size(mean_x, p, "mean_x");
        const DescentSettings s = settings_of(settings, p);
        if (s.loss != Loss::squared) throw py::value_error("moments know the squared loss alone");
        const DescentMoments moments{ConstMatrixMap(xx.data(), p, p),
                                     ConstVectorMap(xy.data(), p),
                                     yy,
                                     ConstVectorMap(mean_x.data(), p),
                                     mean_y,
                                     weight};
        DescentArrays arrays =
            arrays_of(p + 1, p, vectors, numbers, counters, rates, history, path);
        EpochsDone progress;
        {
          const py::gil_scoped_release release;
          progress = descend_moments(moments, s, arrays.n_epochs, arrays.rates, arrays.state,
                                     arrays.history);
        }
        return result_of(progress);
      },
      py::arg("xx").noconvert(), py::arg("xy").noconvert(), py::arg("yy"),
      py::arg("mean_x").noconvert(), py::arg("mean_y"), py::arg("weight"), py::arg("settings"),
      py::arg("vectors").noconvert(), py::arg("numbers").noconvert(),
      py::arg("counters").noconvert(), py::arg("rates").noconvert(), py::arg("history").noconvert(),
      py::arg("path").none(true));
}

void bind_minibatches(LevelModule& m) {
  m.def(
      "plan_sampling",
      [](const std::string& sampling, Index n_samples, Index n_features, Index batch_size) {
        const SamplingPlan plan = sampling_plan(sampling, n_samples, n_features, batch_size, 0);
        py::dict result;
        result["window_rows"] = plan.window_rows;
        result["block_rows"] = plan.block_rows;
        result["n_windows"] = plan.n_windows;
        result["epoch_rows"] = plan.epoch_rows;
        result["table_size"] = plan.table_size;
        return result;
      },
      py::arg("sampling"), py::arg("n_samples"), py::arg("n_features"), py::arg("batch_size"));

  m.def(
      "list_rows",
      [](const std::string& sampling, Index n_samples, Index n_features, Index batch_size,
         Bits seed, Index epoch, Index window, TableArray& table) {
        const SamplingPlan plan = sampling_plan(sampling, n_samples, n_features, batch_size, 0);
        check_size(table, plan.table_size, "table");
        if (window < 0 || window >= plan.n_windows) throw py::value_error("window out of range");
        const std::vector<Index> rows = list_rows(plan, seed, epoch, window, table.mutable_data());
        CounterArray result(static_cast<Index>(rows.size()));
        std::copy(rows.begin(), rows.end(), result.mutable_data());
        return result;
      },
      py::arg("sampling"), py::arg("n_samples"), py::arg("n_features"), py::arg("batch_size"),
      py::arg("seed"), py::arg("epoch"), py::arg("window"), py::arg("table").noconvert());

  m.def(
      "descend_batches",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         const std::optional<DoubleArray>& standard, const py::dict& settings,
         const std::string& sampling, Index batch_size, Bits seed,
         const std::optional<CounterArray>& given, const std::optional<CounterArray>& given_sizes,
         Index row_budget, int n_threads, TableArray& table, DoubleArray& vectors,
         DoubleArray& numbers, CounterArray& counters, const DoubleArray& rates,
         DoubleArray& history, std::optional<DoubleArray> path) {
        const Rows rows = table_of(X, y);
        const Index p = rows.n_columns() - 1;
        const SamplingPlan plan =
            sampling_plan(sampling, rows.n_samples, p, batch_size, given ? given->size() : 0);
        check_given(plan, given, given_sizes);
        check_size(table, plan.table_size, "table");
        const auto weight = weight_of(sample_weight, rows);
        const Standardisation z = standardisation_of(standard, p);
        const DescentSettings s = settings_of(settings, p);
        DescentArrays arrays =
            arrays_of(p + 1, p, vectors, numbers, counters, rates, history, path);
        const std::int64_t* given_rows = given ? given->data() : nullptr;
        const std::int64_t* sizes = given_sizes ? given_sizes->data() : nullptr;
        std::uint32_t* order = table.mutable_data();
        EpochsDone progress;
        {
          const py::gil_scoped_release release;
          progress = descend_batches(rows, weight ? &*weight : nullptr, z, s, plan, seed,
                                     given_rows, sizes, arrays.n_epochs, row_budget, arrays.rates,
                                     n_threads, order, arrays.state, arrays.history);
        }
        return result_of(progress);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true),
      py::arg("standard").none(true), py::arg("settings"), py::arg("sampling"),
      py::arg("batch_size"), py::arg("seed"), py::arg("given").none(true),
      py::arg("given_sizes").none(true), py::arg("row_budget"), py::arg("n_threads"),
      py::arg("table").noconvert(), py::arg("vectors").noconvert(), py::arg("numbers").noconvert(),
      py::arg("counters").noconvert(), py::arg("rates").noconvert(), py::arg("history").noconvert(),
      py::arg("path").none(true));
}

}  // namespace

void bind_descent(LevelModule& m) {
  m.def(
      "plan_descent",
      [](Index n_features) {
        return results(static_cast<Index>(n_vector_rows), round_up(n_features + 1, 8),
                       static_cast<Index>(n_numbers), static_cast<Index>(n_counters));
      },
      py::arg("n_features"));
  bind_loss(m);
  bind_full_batch(m);
  bind_minibatches(m);
}

}  // namespace fastlr
