// Kernels of penalties and of choices, each by itself, on every CPU level: paths, subsets, and the passes
// of cross-validation.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "check.hpp"
#include "fastlr/algebra/best_subsets.hpp"
#include "fastlr/algebra/columns_on_demand.hpp"
#include "fastlr/algebra/coordinate_descent.hpp"
#include "fastlr/prediction/leave_one_out.hpp"
#include "fastlr/products/column_products.hpp"
#include "fastlr/products/folds.hpp"
#include "levels.hpp"
#include "tables.hpp"

namespace fastlr {
namespace {

void products_of_chosen_columns_are_exact() {
  const Table table = exact_table(n_rows, n_features);
  const Doubles shift(n_columns, 1.0);
  Doubles products = zeros(3 * n_columns);
  column_products(table.rows(), nullptr, shift.data(), {2, n_features}, n_threads, products.data());
  for (Index j = 0; j < n_columns; ++j) {
    Doubles want = zeros(3);
    for (Index i = 0; i < n_rows; ++i) {
      const double z = value(table, i, j) - 1.0;
      at(want, 0) += (value(table, i, 2) - 1.0) * z;
      at(want, 1) += (value(table, i, n_features) - 1.0) * z;
      at(want, 2) += z;
    }
    for (Index a = 0; a < 3; ++a) CHECK(at(products, a * n_columns + j) == at(want, a));
  }
}

/// A path of two penalties on the raw products of an exact plane through columns 1 .. p.
void a_path_meets_the_optimality_conditions() {
  constexpr Index p = n_features;
  const Table table = exact_table(n_rows, p);
  Rows features = table.rows();
  features.columns.pop_back();
  Doubles A = zeros(p * p);
  Doubles q = zeros(p);
  double square_y = 0.0;
  for (Index i = 0; i < n_rows; ++i) {
    square_y += value(table, i, p) * value(table, i, p);
    for (Index j = 0; j < p; ++j) {
      at(q, j) += value(table, i, j) * value(table, i, p);
      for (Index k = 0; k < p; ++k) at(A, j * p + k) += value(table, i, j) * value(table, i, k);
    }
  }
  const Doubles factor = ones(p);
  const Doubles nothing = zeros(p);
  const Doubles l1{0.5 * std::abs(*std::max_element(q.begin(), q.end())), 100.0};
  const Doubles l2{10.0, 0.0};
  const PenalisedProblem problem{
      p, square_y, q.data(), factor.data(), factor.data(), factor.data(), false};
  const DescentRules rules{500, 1e-14, false, 0};
  WholeGram whole(p, A.data());
  ColumnsOnDemand asked(
      {features, nullptr, static_cast<double>(n_rows), nothing.data(), nothing.data()}, p,
      n_threads);
  for (GramColumns* gram : {static_cast<GramColumns*>(&whole), static_cast<GramColumns*>(&asked)}) {
    Doubles coefs = zeros(2 * p);
    Doubles gaps = zeros(2);
    std::vector<Index> n_iter(2);
    CHECK(penalised_path(problem, *gram, rules, 2, l1.data(), l2.data(), nothing.data(),
                         coefs.data(), gaps.data(), n_iter.data()) == 2);
    for (Index k = 0; k < 2; ++k) {
      CHECK(at(gaps, k) <= 1e-12 * square_y);
      for (Index j = 0; j < p; ++j) {
        const double b = at(coefs, k * p + j);
        double slope = at(q, j) - at(l2, k) * b;
        for (Index i = 0; i < p; ++i) slope -= at(A, j * p + i) * at(coefs, k * p + i);
        CHECK(std::abs(slope) <= at(l1, k) * (1.0 + 1e-6));
        if (b != 0.0) CHECK(are_near(slope, std::copysign(at(l1, k), b), 1e-6));
      }
    }
  }
}

void the_best_subset_of_orthogonal_columns_is_of_the_largest() {
  const Doubles A{1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0};
  const Doubles q{1.0, -3.0, 2.0};
  Doubles rss = zeros(4);
  std::vector<std::uint64_t> columns(4);
  CHECK(best_subsets(3, A.data(), q.data(), 20.0, rss.data(), columns.data()) >= 1);
  CHECK((columns == std::vector<std::uint64_t>{0, 2, 6, 7}));
  CHECK(are_near(at(rss, 2), 7.0, 1e-14));
}

void rows_that_are_dealt_make_the_moments_of_their_folds() {
  constexpr Index n_folds = 3;
  const Table table = exact_table(n_rows, n_features);
  const Doubles w = weights();
  const Column weight = column_of(w);
  const Doubles shift(n_columns, 1.0);
  const Doubles scale = ones(n_columns);
  std::vector<std::int32_t> label(static_cast<std::size_t>(n_rows));
  for (Index i = 0; i < n_rows; ++i)
    label[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(i * i % 7 % n_folds);
  const SlotPlan plan = plan_folds(n_rows, n_columns);
  Doubles slots = zeros(n_folds * plan.n_slots * plan.slot_size);
  for (Index part = 0; part < plan.n_parts; ++part)
    accumulate_folds(table.rows(), &weight, shift.data(), scale.data(), label.data(), n_folds, plan,
                     part, n_threads, slots.data());
  for (Index fold = 0; fold < n_folds; ++fold) {
    Doubles mean = zeros(2 * n_columns);
    Doubles cross = zeros(n_columns * n_columns);
    const WeightStatistics found =
        centre(plan, n_columns, shift.data(), scale.data(),
               slots.data() + fold * plan.n_slots * plan.slot_size, mean.data(), cross.data());
    double total = 0.0;
    Doubles sum = zeros(n_columns);
    for (Index i = 0; i < n_rows; ++i) {
      if (label[static_cast<std::size_t>(i)] != fold) continue;
      total += at(w, i);
      for (Index j = 0; j < n_columns; ++j) at(sum, j) += at(w, i) * value(table, i, j);
    }
    CHECK(found.weight == total);
    for (Index j = 0; j < n_columns; ++j) CHECK(are_near(at(mean, j), at(sum, j) / total, 1e-15));
  }
}

/// One feature: errors of rows that the others predict, by sums without each row.
void rows_left_out_are_predicted_by_the_others() {
  constexpr Index n = 300;
  constexpr Index n_alphas = 9;
  const Table table = exact_table(n, 1);
  double mean_x = 0.0;
  double mean_y = 0.0;
  for (Index i = 0; i < n; ++i) {
    mean_x += value(table, i, 0) / n;
    mean_y += value(table, i, 1) / n;
  }
  double xx = 0.0;
  double xy = 0.0;
  for (Index i = 0; i < n; ++i) {
    xx += std::pow(value(table, i, 0) - mean_x, 2);
    xy += (value(table, i, 0) - mean_x) * (value(table, i, 1) - mean_y);
  }
  Doubles inverse = zeros(n_alphas);
  Doubles along = zeros(n_alphas);
  for (Index k = 0; k < n_alphas; ++k) {
    at(inverse, k) = 1.0 / (xx + static_cast<double>(k));
    at(along, k) = xy * at(inverse, k);
  }
  const Doubles mean{mean_x, mean_y};
  const double one = 1.0;
  const PenaltyMatrix of_target{along.data(), nullptr, n_alphas};
  // The one factor of the other matrix is a number.
  const LeaveOneOut fit{1,          1,      n_alphas, mean.data(), &one, {&one, inverse.data(), 1},
                        &of_target, 1.0 / n};
  Doubles errors = zeros(n * n_alphas);
  const SlotPlan plan = plan_leave_one_out(n, 1, 1, n_alphas);
  const Doubles slots = sums_of(plan, [&](Index part, double* sums) {
    leave_one_out(table.rows(), nullptr, fit, plan, part, n_threads, sums, errors.data());
  });
  for (Index k = 0; k < n_alphas; ++k) {
    double squares = 0.0;
    for (Index i = 0; i < n; ++i) {
      const double x = value(table, i, 0) - mean_x;
      const double y = value(table, i, 1) - mean_y;
      const double left = y - x * at(along, k);
      const double error = left / (1.0 - x * x * at(inverse, k) - 1.0 / n);
      CHECK(std::abs(at(errors, i * n_alphas + k) - error) <= 1e-13);
      squares += error * error;
    }
    double sum = 0.0;
    for (Index slot = 0; slot < plan.n_slots; ++slot) sum += at(slots, slot * plan.slot_size + k);
    CHECK(std::abs(sum - squares) <= 1e-12 * (1.0 + squares));
  }
}

}  // namespace
}  // namespace fastlr

int main(int n_arguments, char** arguments) {
  using namespace fastlr;
  return on_every_level(
      n_arguments, arguments,
      {products_of_chosen_columns_are_exact, a_path_meets_the_optimality_conditions,
       the_best_subset_of_orthogonal_columns_is_of_the_largest,
       rows_that_are_dealt_make_the_moments_of_their_folds,
       rows_left_out_are_predicted_by_the_others});
}
