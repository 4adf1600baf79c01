// Passes of inference on whole numbers, where every score and every sum is exact.
#include "check.hpp"
#include "fastlr/inference/cluster_scores.hpp"
#include "fastlr/inference/influence.hpp"
#include "fastlr/inference/sandwich.hpp"
#include "levels.hpp"
#include "tables.hpp"

namespace fastlr {
namespace {

constexpr Index n_variables = n_features + 1;

/// The table's rows and the fit whose residuals `residual` gives. A quarter of the 64th part of the
/// identity as a factor makes leverages exact.
struct Example {
  Table table = exact_table(n_rows, n_features);
  Rows rows = table.rows();
  Doubles w = weights();
  Column weight = column_of(w);
  Doubles shift = zeros(n_columns);
  Doubles scale = ones(n_columns);
  Doubles of_variables;
  Doubles factor = zeros(n_variables * n_variables);

  Example() {
    of_variables = coef;
    of_variables.push_back(constant);
    for (Index j = 0; j < n_variables; ++j) at(factor, j * n_variables + j) = 1.0 / 256.0;
  }

  FittedRows fit(bool with_factor) const {
    return {.rows = rows,
            .n_features = n_features,
            .weight = &weight,
            .shift = shift.data(),
            .scale = scale.data(),
            .coef = of_variables.data(),
            .factor = with_factor ? factor.data() : nullptr,
            .least_left = 1e-12};
  }
  double variable(Index i, Index j) const { return j < n_features ? value(table, i, j) : 1.0; }
  double score(Index i, Index j) const { return at(w, i) * residual(table, i) * variable(i, j); }
  double leverage_of(Index i) const {
    double sum = 0.0;
    for (Index j = 0; j < n_variables; ++j) sum += variable(i, j) * variable(i, j);
    return at(w, i) * sum / 65536.0;
  }
};

void sums_of_squared_scores_are_exact() {
  const Example example;
  const FittedRows fit = example.fit(false);
  const SlotPlan plan = plan_meat(n_rows, n_features);
  const Doubles slots = sums_of(plan, [&](Index part, double* sums) {
    robust_meat(fit, Correction::none, plan, part, n_threads, sums);
  });
  Doubles out = zeros(n_variables * n_variables);
  CHECK(meat_totals(plan, n_features, slots.data(), out.data()) == 0);
  for (Index a = 0; a < n_variables; ++a)
    for (Index b = 0; b < n_variables; ++b) {
      double want = 0.0;
      for (Index i = 0; i < n_rows; ++i) want += example.score(i, a) * example.score(i, b);
      CHECK(at(out, a * n_variables + b) == want);
    }
}

void sums_over_lags_are_exact() {
  constexpr Index n_lags = 3;  // a quarter each
  const Example example;
  const FittedRows fit = example.fit(false);
  const SlotPlan plan = plan_hac(n_rows, n_features, n_lags);
  const Doubles slots = sums_of(
      plan, [&](Index part, double* sums) { hac_meat(fit, n_lags, plan, part, n_threads, sums); });
  Doubles out = zeros(n_variables * n_variables);
  hac_totals(plan, n_features, n_lags, slots.data(), out.data());
  for (Index a = 0; a < n_variables; ++a)
    for (Index b = 0; b < n_variables; ++b) {
      double want = 0.0;
      for (Index lag = 0; lag <= n_lags; ++lag)
        for (Index i = lag; i < n_rows; ++i) {
          const double before = example.score(i, a) * example.score(i - lag, b);
          const double behind = example.score(i - lag, a) * example.score(i, b);
          want += static_cast<double>(n_lags + 1 - lag) * (lag == 0 ? before : before + behind);
        }
      CHECK(at(out, a * n_variables + b) == want / static_cast<double>(n_lags + 1));
    }
}

void scores_of_clusters_are_exact() {
  constexpr Index n_clusters = 5;
  const Example example;
  const FittedRows fit = example.fit(false);
  std::vector<std::int32_t> codes(static_cast<std::size_t>(n_rows));
  Doubles want = zeros(n_clusters * n_variables);
  for (Index i = 0; i < n_rows; ++i) {
    const Index code = i * i % n_clusters;
    codes[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(code);
    for (Index j = 0; j < n_variables; ++j) at(want, code * n_variables + j) += example.score(i, j);
  }
  const SlotPlan plan = plan_clusters(n_rows, n_features, n_clusters);
  CHECK(plan.n_slots > 1);
  const Doubles slots = sums_of(plan, [&](Index part, double* sums) {
    cluster_scores(fit, codes.data(), n_clusters, plan, part, n_threads, sums);
  });
  Doubles out = zeros(n_clusters * n_variables);
  cluster_totals(plan, n_features, n_clusters, slots.data(), out.data());
  CHECK(out == want);
}

void residuals_and_leverages_are_exact() {
  const Example example;
  const FittedRows fit = example.fit(true);
  Doubles out = zeros(n_rows);
  Doubles r = zeros(n_rows);
  row_figures(fit, {3, n_rows - 1}, n_threads, r.data(), out.data());
  for (Index i = 0; i < n_rows; ++i) {
    const bool is_within = i >= 3 && i < n_rows - 1;
    CHECK(at(out, i) == (is_within ? example.leverage_of(i) : 0.0));
    CHECK(at(r, i) == (is_within ? residual(example.table, i) : 0.0));
  }
}

void influence_follows_from_residuals_and_leverages() {
  constexpr Index n_top = 4;
  constexpr double df = 2000.0;
  constexpr double variance = 1e4;
  const Example example;
  const FittedRows fit = example.fit(true);
  Doubles change = zeros(n_variables * n_variables);
  for (Index j = 0; j < n_variables; ++j) at(change, j * n_variables + j) = 1.0;
  const InfluenceSettings settings{.variance = variance,
                                   .df_resid = df,
                                   .n_parameters = 6.0,
                                   .change = change.data(),
                                   .n_changes = n_variables,
                                   .ranking = Measure::external,
                                   .n_top = n_top};
  const SlotPlan plan = plan_influence(n_rows, n_features, n_top);
  Doubles out = zeros(n_measures * n_rows);
  Doubles changes = zeros(n_rows * n_variables);
  const Doubles slots = sums_of(plan, [&](Index part, double* sums) {
    influence(fit, settings, plan, part, n_threads, sums, out.data(), changes.data());
  });
  const auto measured = [&](Measure m, Index i) {
    return at(out, static_cast<Index>(m) * n_rows + i);
  };
  double press = 0.0;
  double squares = 0.0;
  for (Index i = 0; i < n_rows; ++i) {
    const double h = example.leverage_of(i);
    const double r = residual(example.table, i);
    const double root = std::sqrt(at(example.w, i));
    const double internal = root * r / std::sqrt(variance * (1.0 - h));
    const double without = (df * variance - root * root * r * r / (1.0 - h)) / (df - 1.0);
    const double external = root * r / std::sqrt(without * (1.0 - h));
    CHECK(measured(Measure::leverage, i) == h);
    CHECK(measured(Measure::residual, i) == r);
    CHECK(are_near(measured(Measure::internal, i), internal, 1e-14));
    CHECK(are_near(measured(Measure::external, i), external, 1e-14));
    CHECK(are_near(measured(Measure::cooks, i), internal * internal * h / (1.0 - h) / 6.0, 1e-14));
    CHECK(are_near(measured(Measure::dffits, i), external * std::sqrt(h / (1.0 - h)), 1e-14));
    CHECK(are_near(measured(Measure::press, i), r / (1.0 - h), 1e-14));
    CHECK(are_near(at(changes, i * n_variables + 1),
                   example.variable(i, 1) / 256.0 * root * external / std::sqrt(1.0 - h), 1e-14));
    press += at(example.w, i) * r * r / ((1.0 - h) * (1.0 - h));
    squares += at(example.w, i) * r * r;
  }
  const InfluenceTotals totals = influence_totals(plan, n_top, slots.data());
  CHECK(are_near(totals.press, press, 1e-12));
  CHECK(totals.squares == squares);
  CHECK(totals.n_undetermined == 0);
  CHECK(totals.top.size() == n_top);
  for (Index i = 0; i < n_rows; ++i)
    CHECK(std::abs(measured(Measure::external, i)) <=
          std::abs(measured(Measure::external, totals.top.front())));
}

}  // namespace
}  // namespace fastlr

int main(int n_arguments, char** arguments) {
  using namespace fastlr;
  return on_every_level(
      n_arguments, arguments,
      {sums_of_squared_scores_are_exact, sums_over_lags_are_exact, scores_of_clusters_are_exact,
       residuals_and_leverages_are_exact, influence_follows_from_residuals_and_leverages});
}
