// Kernels of rows that are no moments, each by itself, on every CPU level: powers, predictions,
// losses, steps of descent, products of rows and what measures the machine.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "check.hpp"
#include "fastlr/descent/descent.hpp"
#include "fastlr/descent/sampling.hpp"
#include "fastlr/descent/squared_loss.hpp"
#include "fastlr/measuring/roofline.hpp"
#include "fastlr/prediction/prediction.hpp"
#include "fastlr/products/dual.hpp"
#include "fastlr/sweeps/powers.hpp"
#include "levels.hpp"
#include "tables.hpp"

namespace fastlr {
namespace {

void powers_keep_what_rounding_takes() {
  constexpr Index degree = 9;
  constexpr Index n = 37;
  Doubles x = whole_numbers(n, 3);
  at(x, 5) = 1.0 + 0x1p-30;
  Doubles high = zeros(degree * n);
  Doubles low = zeros(degree * n);
  powers(column_of(x), n, degree, high.data(), low.data());
  for (Index i = 0; i < n; ++i) {
    double want = 1.0;
    for (Index k = 0; k < degree && i != 5; ++k) {
      want *= at(x, i);
      CHECK(at(high, k * n + i) == want);
      CHECK(at(low, k * n + i) == 0.0);
    }
  }
  CHECK(at(high, n + 5) == 1.0 + 0x1p-29);  // (1 + e)^2 = 1 + 2 e + e^2
  CHECK(at(low, n + 5) == 0x1p-60);
}

template <class Scalar>
void predictions_are_exact() {
  const Table table = exact_table(n_rows, n_features);
  Rows features = table.rows();
  features.columns.pop_back();
  std::vector<Scalar> out(static_cast<std::size_t>(n_rows), Scalar{-1});
  predict(features, 3, n_rows - 1, coef.data(), &constant, 1, n_threads, out.data());
  for (Index i = 0; i < n_rows; ++i) {
    const double want = value(table, i, n_features) - residual(table, i);
    CHECK(static_cast<double>(out[static_cast<std::size_t>(i)]) ==
          (i >= 3 && i < n_rows - 1 ? want : -1.0));
  }
}

void the_first_value_that_is_not_finite_is_found() {
  Table table = exact_table(n_rows, n_features);
  CHECK(first_non_finite(table.rows()).row == -1);
  at(table.x, 1500 * n_features + 4) = std::numeric_limits<double>::quiet_NaN();
  at(table.x, 1500 * n_features + 2) = std::numeric_limits<double>::infinity();
  at(table.y, 1501) = -std::numeric_limits<double>::infinity();
  const Cell cell = first_non_finite(table.rows());
  CHECK(cell.row == 1500);
  CHECK(cell.column == 2);
}

void losses_and_gradients_are_exact() {
  const Table table = exact_table(n_rows, n_features);
  const Rows rows = table.rows();
  const Doubles w = weights();
  const Column weight = column_of(w);
  Doubles theta = coef;
  theta.push_back(constant);
  const SlotPlan plan = plan_loss(n_rows, n_features);
  const Doubles slots = sums_of(plan, [&](Index part, double* sums) {
    accumulate_loss(rows, &weight, theta.data(), plan, part, n_threads, sums);
  });
  Doubles gradient = zeros(n_columns);
  const double squares = add_slots(plan, n_features, slots.data(), gradient.data());
  Doubles want = zeros(n_columns);
  double loss = 0.0;
  double longest = 0.0;
  for (Index i = 0; i < n_rows; ++i) {
    const double r = -residual(table, i);
    loss += at(w, i) * r * r;
    double length = 0.0;
    for (Index j = 0; j < n_features; ++j) {
      at(want, j) += at(w, i) * value(table, i, j) * r;
      length += value(table, i, j) * value(table, i, j);
    }
    at(want, n_features) += at(w, i) * r;
    longest = std::max(longest, length);  // whatever the weight
  }
  CHECK(squares == loss);
  CHECK(gradient == want);
  CHECK(largest_row_norm(rows, &weight, nullptr, nullptr, 0, n_rows, n_threads) == longest);
}

constexpr double insensitive_below = 2.5;

/// 2 l(r), by the definitions.
double twice_of(Loss loss, double r) {
  const double e = insensitive_below;
  const double beyond = std::max(0.0, std::abs(r) - e);
  switch (loss) {
    case Loss::huber:
      return std::abs(r) <= e ? r * r : 2.0 * e * std::abs(r) - e * e;
    case Loss::epsilon_insensitive:
      return 2.0 * beyond;
    case Loss::squared_epsilon_insensitive:
      return 2.0 * beyond * beyond;
    case Loss::squared:
      break;
  }
  return r * r;
}

double slope_of(Loss loss, double r) {
  const double e = insensitive_below;
  const double sign = r > 0.0 ? 1.0 : -1.0;
  const double beyond = std::max(0.0, std::abs(r) - e);
  switch (loss) {
    case Loss::huber:
      return std::clamp(r, -e, e);
    case Loss::epsilon_insensitive:
      return beyond > 0.0 ? sign : 0.0;
    case Loss::squared_epsilon_insensitive:
      return 2.0 * sign * beyond;
    case Loss::squared:
      break;
  }
  return r;
}

constexpr auto other_losses = {Loss::huber, Loss::epsilon_insensitive,
                               Loss::squared_epsilon_insensitive};

void other_losses_and_their_gradients_are_exact() {
  const Table table = exact_table(n_rows, n_features);
  const Doubles w = weights();
  const Rows rows = table.rows();
  const Column weight = column_of(w);
  Doubles theta = coef;
  theta.push_back(constant);
  const SlotPlan plan = plan_loss(n_rows, n_features);
  for (const Loss loss : other_losses) {
    const Doubles slots = sums_of(plan, [&](Index part, double* sums) {
      accumulate_loss(rows, &weight, theta.data(), plan, part, n_threads, sums,
                      {loss, insensitive_below});
    });
    Doubles gradient = zeros(n_columns);
    const double twice = add_slots(plan, n_features, slots.data(), gradient.data());
    Doubles want = zeros(n_columns);
    double total = 0.0;
    for (Index i = 0; i < n_rows; ++i) {
      const double r = -residual(table, i);
      const double slope = at(w, i) * slope_of(loss, r);
      total += at(w, i) * twice_of(loss, r);
      for (Index j = 0; j < n_features; ++j) at(want, j) += value(table, i, j) * slope;
      at(want, n_features) += slope;
    }
    CHECK(total > 0.0);
    CHECK(twice == total);
    CHECK(gradient == want);
  }
}

void a_shuffle_lists_every_row_once() {
  constexpr Index n = 5000;
  const SamplingPlan plan = plan_sampling(Sampling::shuffle, n, n_features, 10);
  std::vector<std::uint32_t> table(static_cast<std::size_t>(plan.table_size));
  std::vector<Index> all;
  for (Index window = 0; window < plan.n_windows; ++window)
    for (const Index row : list_rows(plan, 11, 0, window, table.data())) all.push_back(row);
  CHECK(!std::is_sorted(all.begin(), all.end()));
  std::sort(all.begin(), all.end());
  CHECK(static_cast<Index>(all.size()) == n);
  for (Index i = 0; i < static_cast<Index>(all.size()); ++i)
    CHECK(all[static_cast<std::size_t>(i)] == i);
  const SamplingPlan given = plan_sampling(Sampling::given, n, n_features, 10, 700);
  CHECK(given.epoch_rows == 700);
  CHECK((given.n_windows - 1) * given.window_rows < 700 &&
        given.n_windows * given.window_rows >= 700);
}

/// What a descent goes on from, and the figures of one epoch.
struct Memory {
  Doubles vectors = zeros(n_vector_rows * round_up(n_columns, 8));
  Doubles numbers = zeros(n_numbers);
  std::vector<std::int64_t> counters = std::vector<std::int64_t>(n_counters);
  Doubles figures = zeros(4);

  Memory() { at(numbers, best_loss) = std::numeric_limits<double>::infinity(); }
  DescentState state() {
    return {n_columns, n_features, vectors.data(), numbers.data(), counters.data()};
  }
  DescentHistory history() {
    return {&at(figures, 0), &at(figures, 1), &at(figures, 2), &at(figures, 3), nullptr};
  }
  double parameter(Index j) const { return at(vectors, theta * round_up(n_columns, 8) + j); }
};

/// theta = rate (X'y, sum y) / n after a step from zero, and the loss before it is y'y / (2 n).
void check_step(const Table& table, double rate, const EpochsDone& done, const Memory& memory) {
  CHECK(done.epochs == 1);
  CHECK(done.outcome == Outcome::running);
  const double n = static_cast<double>(table.n);
  double squares = 0.0;
  for (Index i = 0; i < table.n; ++i) squares += at(table.y, i) * at(table.y, i);
  CHECK(are_near(at(memory.figures, 0), squares / (2.0 * n), 1e-14));
  for (Index j = 0; j < n_columns; ++j) {
    double product = 0.0;
    for (Index i = 0; i < table.n; ++i)
      product += (j < n_features ? value(table, i, j) : 1.0) * at(table.y, i);
    CHECK(are_near(memory.parameter(j), rate * product / n, 1e-13));
  }
}

Doubles means_of(const Table& table) {
  Doubles mean = zeros(n_columns);
  for (Index j = 0; j < n_columns; ++j) {
    for (Index i = 0; i < table.n; ++i) at(mean, j) += value(table, i, j);
    at(mean, j) /= static_cast<double>(table.n);
  }
  return mean;
}

void a_step_of_each_engine_goes_down_the_gradient() {
  const Table table = exact_table(n_rows, n_features);
  const Rows rows = table.rows();
  const double rate = 0.125;
  DescentSettings settings;
  settings.limit = 1e300;

  Memory by_rows;
  DescentState state = by_rows.state();
  const SlotPlan plan = plan_loss(n_rows, n_features);
  Doubles slots = zeros(plan.n_slots * plan.slot_size);
  EpochsDone done;
  for (Index part = 0; part < plan.n_parts; ++part)
    done = descend_rows(rows, nullptr, {}, settings, plan, part, 1, &rate, n_threads, slots.data(),
                        state, by_rows.history());
  check_step(table, rate, done, by_rows);

  RowMatrix xx = RowMatrix::Zero(n_columns, n_columns);
  for (Index i = 0; i < n_rows; ++i)
    for (Index a = 0; a < n_columns; ++a)
      for (Index b = 0; b < n_columns; ++b) xx(a, b) += value(table, i, a) * value(table, i, b);
  const Doubles mean = means_of(table);
  const double n = static_cast<double>(n_rows);
  for (Index a = 0; a < n_columns; ++a)
    for (Index b = 0; b < n_columns; ++b) xx(a, b) -= n * at(mean, a) * at(mean, b);
  const RowMatrix of_features = xx.topLeftCorner(n_features, n_features);
  const Vector with_target = xx.col(n_features).head(n_features);
  Memory by_moments;
  state = by_moments.state();
  done =
      descend_moments({ConstMatrixMap(of_features.data(), n_features, n_features),
                       ConstVectorMap(with_target.data(), n_features), xx(n_features, n_features),
                       ConstVectorMap(mean.data(), n_features), at(mean, n_features), n},
                      settings, 1, &rate, state, by_moments.history());
  check_step(table, rate, done, by_moments);

  Memory by_batches;
  state = by_batches.state();
  const SamplingPlan sampling = plan_sampling(Sampling::sequential, n_rows, n_features, n_rows);
  done = descend_batches(rows, nullptr, {}, settings, sampling, 0, nullptr, nullptr, 1, n_rows,
                         &rate, n_threads, nullptr, state, by_batches.history());
  check_step(table, rate, done, by_batches);
}

/// Single rows, in registers and in memory, and batches, beside plain loops.
void batches_go_down_other_losses() {
  const Table table = exact_table(n_rows, n_features);
  const Rows rows = table.rows();
  const double rate = 0x1p-9;
  for (const Loss loss : other_losses)
    for (const Rule rule : {Rule::plain, Rule::momentum})
      for (const Index batch : {1, 7}) {
        DescentSettings settings;
        settings.limit = 1e300;
        settings.rule = rule;
        settings.constants.momentum = 0.0;
        settings.loss = loss;
        settings.loss_epsilon = insensitive_below;
        Memory memory;
        DescentState state = memory.state();
        const SamplingPlan plan = plan_sampling(Sampling::sequential, n_rows, n_features, batch);
        const EpochsDone done =
            descend_batches(rows, nullptr, {}, settings, plan, 0, nullptr, nullptr, 1, n_rows,
                            &rate, n_threads, nullptr, state, memory.history());
        CHECK(done.epochs == 1);
        Doubles t = zeros(n_columns);
        double total = 0.0;
        for (Index first = 0; first < n_rows; first += batch) {
          const Index m = std::min(batch, n_rows - first);
          Doubles g = zeros(n_columns);
          for (Index i = first; i < first + m; ++i) {
            double r = at(t, n_features) - at(table.y, i);
            for (Index j = 0; j < n_features; ++j) r += at(t, j) * value(table, i, j);
            total += twice_of(loss, r);
            for (Index j = 0; j < n_columns; ++j)
              at(g, j) += slope_of(loss, r) * (j < n_features ? value(table, i, j) : 1.0);
          }
          for (Index j = 0; j < n_columns; ++j)
            at(t, j) -= rate * at(g, j) / static_cast<double>(m);
        }
        CHECK(are_near(at(memory.figures, 0), total / (2.0 * static_cast<double>(n_rows)), 1e-9));
        for (Index j = 0; j < n_columns; ++j) CHECK(are_near(memory.parameter(j), at(t, j), 1e-9));
      }
}

void products_of_rows_are_those_of_centred_columns() {
  constexpr Index n = 16;
  constexpr Index p = 40;
  const Table table = exact_table(n, p);
  Rows features = table.rows();
  features.columns.pop_back();
  const Doubles scale = ones(p);
  Doubles mean = zeros(p);
  Doubles variance = zeros(p);
  Doubles H = zeros(n * n);
  dual_products(features, scale.data(), nullptr, true, 0, 24, n_threads, mean.data(),
                variance.data(), H.data());
  dual_products(features, scale.data(), nullptr, true, 24, p, n_threads, mean.data(),
                variance.data(), H.data());
  for (Index j = 0; j < p; ++j) {
    double sum = 0.0;
    for (Index i = 0; i < n; ++i) sum += value(table, i, j);
    CHECK(at(mean, j) == sum / n);
    double squares = 0.0;
    for (Index i = 0; i < n; ++i) squares += std::pow(value(table, i, j) - sum / n, 2);
    CHECK(are_near(at(variance, j), squares / n, 1e-14));
  }
  for (Index a = 0; a < n; ++a)
    for (Index b = 0; b <= a; ++b) {
      double product = 0.0;
      for (Index j = 0; j < p; ++j)
        product += (value(table, a, j) - at(mean, j)) * (value(table, b, j) - at(mean, j));
      CHECK(std::abs(at(H, a * n + b) - product) <= 1e-11);
    }
}

void the_roofline_counts_what_it_does() {
  const Doubles values = whole_numbers(100'000, 5);
  double sum = 0.0;
  for (const double value : values) sum += value;
  CHECK(measure_bandwidth(values.data(), static_cast<Index>(values.size()), n_threads) == sum);
  CHECK(measure_flops(100, n_threads) >= 100.0 * n_threads);
  CHECK(measure_tile(100, n_threads) >= 3200.0 * n_threads);
  CHECK(max_threads() >= 1);
  CHECK(team_stack_size() == 0);  // nothing was asked for
}

}  // namespace
}  // namespace fastlr

int main(int n_arguments, char** arguments) {
  using namespace fastlr;
  return on_every_level(
      n_arguments, arguments,
      {powers_keep_what_rounding_takes, predictions_are_exact<double>, predictions_are_exact<float>,
       the_first_value_that_is_not_finite_is_found, losses_and_gradients_are_exact,
       other_losses_and_their_gradients_are_exact, batches_go_down_other_losses,
       a_shuffle_lists_every_row_once, a_step_of_each_engine_goes_down_the_gradient,
       products_of_rows_are_those_of_centred_columns, the_roofline_counts_what_it_does});
}
