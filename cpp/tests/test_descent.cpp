// The loop of batches on losses of the test's own, which have nothing to do with the squared loss
// of a line: a neuron with a hyperbolic tangent on rows of a table, and a mean of single-precision
// values that come in windows of their own.
#include <cmath>
#include <iostream>
#include <limits>
#include <vector>

#include "check.hpp"
#include "fastlr/descent/batch_descent.hpp"

namespace fastlr {
namespace {

/// f(x) = v tanh(w' x + b) + c with parameters (w, b, v, c); the loss of a row is (f - y)^2 / 2.
class Neuron {
 public:
  using Workspace = std::vector<double>;  // the outputs of the hidden unit

  explicit Neuron(Index n_features) : p_(n_features) {}

  Workspace workspace(Index n_rows) const { return Workspace(static_cast<std::size_t>(n_rows)); }

  void add_rows(const RowWindow& window, Index first, Index n, const double* parameters,
                Workspace& hidden, double& loss, double* sum) const {
    const double* x = window.X.data() + first * window.stride;
    for (Index i = 0; i < n; ++i) {
      double z = parameters[p_];
      for (Index j = 0; j < p_; ++j) z += parameters[j] * x[i * window.stride + j];
      hidden[static_cast<std::size_t>(i)] = std::tanh(z);
    }
    const double v = parameters[p_ + 1];
    for (Index i = 0; i < n; ++i) {
      const double h = hidden[static_cast<std::size_t>(i)];
      const double r = v * h + parameters[p_ + 2] + window.minus_y[first + i];
      const double of_z = r * v * (1.0 - h * h);
      loss += 0.5 * r * r;
      for (Index j = 0; j < p_; ++j) sum[j] += of_z * x[i * window.stride + j];
      sum[p_] += of_z;
      sum[p_ + 1] += r * h;
      sum[p_ + 2] += r;
    }
  }

  double complete(const DescentSettings&, Index, double, double*) const { return 1.0; }

 private:
  Index p_;
};

/// Values of single precision, and windows that hold nothing else.
struct Values {
  struct Window {
    std::vector<float> values;
    Index count = 0;
  };

  std::vector<float> all;

  Window window(Index n_rows) const {
    return {std::vector<float>(static_cast<std::size_t>(n_rows))};
  }
  void pack(const Index* rows, const std::uint32_t* places, Index count, Window& window) const {
    for (Index i = 0; i < count; ++i)
      window.values[places[i]] = all[static_cast<std::size_t>(rows[i])];
  }
};

/// The loss of a value is (m - value)^2 / 2, and m is the only parameter.
struct Mean {
  struct Workspace {};

  Workspace workspace(Index) const { return {}; }
  void add_rows(const Values::Window& window, Index first, Index n, const double* m, Workspace&,
                double& loss, double* sum) const {
    for (Index i = first; i < first + n; ++i) {
      const double r = *m - static_cast<double>(window.values[static_cast<std::size_t>(i)]);
      loss += 0.5 * r * r;
      sum[0] += r;
    }
  }
  double complete(const DescentSettings&, Index, double, double*) const { return 1.0; }
};

/// What a caller of the loop keeps between its calls.
struct Memory {
  explicit Memory(const std::vector<double>& start)
      : n(static_cast<Index>(start.size())),
        vectors(static_cast<std::size_t>(n_vector_rows * round_up(n, 8))),
        numbers(n_numbers),
        counters(n_counters) {
    std::copy(start.begin(), start.end(), vectors.begin());
    numbers[best_loss] = std::numeric_limits<double>::infinity();
  }

  double at(Index j) const { return vectors[static_cast<std::size_t>(j)]; }

  Index n;
  std::vector<double> vectors;
  std::vector<double> numbers;
  std::vector<std::int64_t> counters;
};

struct Run {
  Sampling sampling = Sampling::sequential;
  Index batch_size = 1;
  Index n_epochs = 1;
  double rate = 0.1;
  int n_threads = 1;
  Index row_budget = std::numeric_limits<Index>::max();  // of one call
};

/// Losses by epoch; the loop is called as often as its budget of rows demands.
template <class Source, class Gradient>
std::vector<double> descend(const Source& source, const Gradient& gradient, Index n_samples,
                            Index n_features, const DescentSettings& settings, const Run& run,
                            Memory& memory, Outcome* outcome = nullptr) {
  const SamplingPlan plan = plan_sampling(run.sampling, n_samples, n_features, run.batch_size);
  std::vector<std::uint32_t> table(static_cast<std::size_t>(plan.table_size));
  const auto room = static_cast<std::size_t>(run.n_epochs);
  std::vector<double> loss(room);
  std::vector<double> squares(room);
  std::vector<double> norm(room);
  std::vector<double> rate(room);
  const std::vector<double> rates(room, run.rate);
  DescentState state{memory.n, memory.n, memory.vectors.data(), memory.numbers.data(),
                     memory.counters.data()};
  EpochsDone now;
  Index done = 0;
  // Every call uses at least one window.
  for (Index call = 0; call <= run.n_epochs * plan.n_windows; ++call) {
    if (done == run.n_epochs || now.outcome != Outcome::running) break;
    now =
        run_batches(source, gradient, settings, {plan, 7, nullptr, nullptr, table.data()},
                    run.n_epochs - done, run.row_budget, rates.data() + done, run.n_threads, state,
                    {loss.data() + done, squares.data() + done, norm.data() + done,
                     rate.data() + done, nullptr});
    done += now.epochs;
  }
  if (outcome != nullptr) *outcome = now.outcome;
  loss.resize(static_cast<std::size_t>(done));
  return loss;
}

DescentSettings means() {
  DescentSettings settings;
  settings.limit = 1e12;
  return settings;
}

/// y = 2 tanh(x_0 / 2 - x_1 + 1 / 4) - 1 / 2 on a grid that no order of rows repeats.
struct Curve {
  static constexpr Index p = 2;
  explicit Curve(Index n_samples) : n(n_samples), x(static_cast<std::size_t>(3 * n)) {
    for (Index i = 0; i < n; ++i) {
      double* row = x.data() + 3 * i;
      row[0] = std::fmod(0.618033988749895 * static_cast<double>(i), 1.0) * 4.0 - 2.0;
      row[1] = std::fmod(0.414213562373095 * static_cast<double>(i), 1.0) * 4.0 - 2.0;
      row[2] = 2.0 * std::tanh(0.5 * row[0] - row[1] + 0.25) - 0.5;
    }
  }

  Rows rows() const {
    Rows rows{n, {}};
    for (Index j = 0; j < 3; ++j)
      rows.columns.push_back({reinterpret_cast<const std::byte*>(x.data() + j),
                              3 * static_cast<Index>(sizeof(double)), DType::f64});
    return rows;
  }

  Index n;
  std::vector<double> x;
};

const std::vector<double> start{0.1, -0.2, 0.0, 0.5, 0.0};

std::vector<double> descend_curve(const Curve& curve, const DescentSettings& settings,
                                  const Run& run, Memory& memory, Outcome* outcome = nullptr) {
  const Rows rows = curve.rows();
  const Standardisation none;
  return descend(TableSource(rows, nullptr, none), Neuron(Curve::p), curve.n, Curve::p, settings,
                 run, memory, outcome);
}

void a_mean_is_one_step_away() {
  Values source;
  for (int i = 0; i < 10'000; ++i) source.all.push_back(static_cast<float>(i % 97 - 11));
  double total = 0.0;
  for (const float value : source.all) total += static_cast<double>(value);
  const auto n = static_cast<Index>(source.all.size());
  for (const Sampling sampling : {Sampling::sequential, Sampling::shuffle})
    for (const int n_threads : {1, 2}) {
      Memory memory({0.0});
      // The rate 1 and all rows: whole numbers, exact in any order.
      descend(source, Mean(), n, 1, means(), {sampling, n, 1, 1.0, n_threads}, memory);
      CHECK(are_near(memory.at(0), total / static_cast<double>(n), 1e-15));
    }
}

void a_neuron_learns_its_curve_by_every_rule() {
  const Curve curve(3000);
  for (const Rule rule : {Rule::plain, Rule::momentum, Rule::nesterov, Rule::accelerated,
                          Rule::adagrad, Rule::rmsprop, Rule::adam})
    for (const Sampling sampling : {Sampling::sequential, Sampling::shuffle, Sampling::random})
      for (const Index batch_size : {1, 32}) {
        DescentSettings settings = means();
        settings.rule = rule;
        // AdaGrad's steps become ever shorter, those of other scaled rules are as long as the rate.
        const double rate = rule == Rule::adagrad ? 0.2 : rule > Rule::adagrad ? 0.01 : 0.02;
        Memory memory(start);
        const std::vector<double> losses =
            descend_curve(curve, settings, {sampling, batch_size, 20, rate}, memory);
        CHECK(losses.size() == 20);
        CHECK(losses.back() < 0.01);  // y without the neuron: about 1
      }
}

/// The steps of a textbook, with a penalty on w and v.
void steps_are_those_of_the_textbook() {
  const Curve curve(70);
  const Rows rows = curve.rows();
  const std::vector<double> penalised{1.0, 1.0, 0.0, 1.0, 0.0};
  constexpr double rate = 0.05;
  constexpr double penalty = 0.3;
  constexpr Index batch = 8;
  std::vector<double> t = start;
  for (Index first = 0; first < curve.n; first += batch) {
    const Index m = std::min(batch, curve.n - first);
    std::vector<double> g(5, 0.0);
    for (Index i = first; i < first + m; ++i) {
      const double* x = curve.x.data() + 3 * i;
      const double h = std::tanh(t[0] * x[0] + t[1] * x[1] + t[2]);
      const double r = t[3] * h + t[4] - x[2];
      const std::vector<double> slope{t[3] * (1 - h * h) * x[0], t[3] * (1 - h * h) * x[1],
                                      t[3] * (1 - h * h), h, 1.0};
      for (std::size_t j = 0; j < 5; ++j) g[j] += r * slope[j] / static_cast<double>(m);
    }
    for (std::size_t j = 0; j < 5; ++j) t[j] -= rate * (g[j] + penalty * penalised[j] * t[j]);
  }
  DescentSettings settings = means();
  settings.penalty = penalty;
  settings.penalty_weights = penalised.data();
  Memory memory(start);
  descend_curve(curve, settings, {Sampling::sequential, batch, 1, rate}, memory);
  for (Index j = 0; j < 5; ++j)
    CHECK(are_near(memory.at(j), t[static_cast<std::size_t>(j)], 1e-13));
}

void an_l1_penalty_is_paid_by_those_that_have_one() {
  const Curve curve(2000);
  const std::vector<double> penalised{1.0, 1.0, 0.0, 0.0, 0.0};
  DescentSettings settings = means();
  settings.l1 = 10.0;
  settings.penalty_weights = penalised.data();
  Memory memory(start);
  descend_curve(curve, settings, {Sampling::shuffle, 32, 3, 0.02}, memory);
  CHECK(memory.at(0) == 0.0);
  CHECK(memory.at(1) == 0.0);
  CHECK(memory.at(4) != 0.0);
}

void neither_threads_nor_calls_change_a_bit() {
  const Curve curve(30'000);  // eight windows
  for (const Sampling sampling : {Sampling::sequential, Sampling::shuffle, Sampling::random})
    for (const Index batch_size : {1, 200, 5000, 30'000}) {
      Memory one(start);
      const Run run{sampling, batch_size, 3, 0.02};
      const std::vector<double> losses = descend_curve(curve, means(), run, one);
      for (const Index row_budget : {Index{1}, Index{10'000}}) {
        Memory other(start);
        const Run cut{sampling, batch_size, 3, 0.02, 2, row_budget};
        CHECK(descend_curve(curve, means(), cut, other) == losses);
        CHECK(other.vectors == one.vectors);
      }
    }
}

void a_loss_that_explodes_ends_the_descent() {
  const Curve curve(3000);
  Memory memory(start);
  Outcome outcome = Outcome::running;
  const std::vector<double> losses =
      descend_curve(curve, means(), {Sampling::shuffle, 16, 50, 1e6}, memory, &outcome);
  CHECK(outcome == Outcome::diverged);
  CHECK(losses.size() < 50);
}

}  // namespace
}  // namespace fastlr

int main() {
  fastlr::a_mean_is_one_step_away();
  fastlr::a_neuron_learns_its_curve_by_every_rule();
  fastlr::steps_are_those_of_the_textbook();
  fastlr::an_l1_penalty_is_paid_by_those_that_have_one();
  fastlr::neither_threads_nor_calls_change_a_bit();
  fastlr::a_loss_that_explodes_ends_the_descent();
  std::cout << fastlr::n_failures() << " failures\n";
  return fastlr::n_failures() == 0 ? 0 : 1;
}
