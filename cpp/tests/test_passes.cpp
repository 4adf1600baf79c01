// Passes that are exact to twice the working precision, and moments, each by itself, on every CPU
// level: against sums written out here. Values are whole numbers and counts of rows powers of two
// wherever that makes everything exact.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <utility>
#include <vector>

#include "check.hpp"
#include "fastlr/products/moments.hpp"
#include "fastlr/products/sparse_products.hpp"
#include "fastlr/sweeps/combinations.hpp"
#include "fastlr/sweeps/double_double_moments.hpp"
#include "fastlr/sweeps/sweep.hpp"
#include "levels.hpp"
#include "tables.hpp"

namespace fastlr {
namespace {

Table part_of(const Table& table, Index first, Index n) {
  Table part{n, table.p, {}, {}};
  part.x.assign(table.x.begin() + first * table.p, table.x.begin() + (first + n) * table.p);
  part.y.assign(table.y.begin() + first, table.y.begin() + first + n);
  return part;
}

struct Moments {
  double weight = 0.0;
  double n_positive = 0.0;
  Doubles mean;   // (2, q)
  Doubles cross;  // (q, q)
};

/// Means are exact, since total weights are powers of two; products about them nearly so.
Moments written_out(const Table& table, const Doubles& w) {
  Moments m{0.0, static_cast<double>(table.n), zeros(2 * n_columns), zeros(n_columns * n_columns)};
  for (Index i = 0; i < table.n; ++i) m.weight += at(w, i);
  for (Index j = 0; j < n_columns; ++j) {
    for (Index i = 0; i < table.n; ++i) at(m.mean, j) += at(w, i) * value(table, i, j);
    at(m.mean, j) /= m.weight;
  }
  for (Index i = 0; i < table.n; ++i)
    for (Index a = 0; a < n_columns; ++a)
      for (Index b = 0; b < n_columns; ++b)
        at(m.cross, a * n_columns + b) +=
            at(w, i) * (value(table, i, a) - at(m.mean, a)) * (value(table, i, b) - at(m.mean, b));
  return m;
}

Moments by_a_pass(const Table& table, const Doubles& w) {
  const Rows rows = table.rows();
  const Column weight = column_of(w);
  const SlotPlan plan = plan_pass(rows.n_samples, n_columns);
  Doubles shift = zeros(n_columns);
  provisional_shift(rows, &weight, shift.data());
  const Doubles scale = ones(n_columns);
  Doubles slots = sums_of(plan, [&](Index part, double* sums) {
    accumulate(rows, &weight, shift.data(), scale.data(), nullptr, 0, plan, part, n_threads, sums);
  });
  Moments m{0.0, 0.0, zeros(2 * n_columns), zeros(n_columns * n_columns)};
  const WeightStatistics found = centre(plan, n_columns, shift.data(), scale.data(), slots.data(),
                                        m.mean.data(), m.cross.data());
  m.weight = found.weight;
  m.n_positive = found.n_positive;
  return m;
}

void check_same(const Moments& got, const Moments& want) {
  CHECK(got.weight == want.weight);
  for (Index j = 0; j < n_columns; ++j)
    CHECK(std::abs(at(got.mean, j) + at(got.mean, n_columns + j) - at(want.mean, j)) <= 1e-14);
  for (Index a = 0; a < n_columns; ++a)
    for (Index b = 0; b < n_columns; ++b) {
      const double size = std::sqrt(at(want.cross, a * n_columns + a)) *
                          std::sqrt(at(want.cross, b * n_columns + b));
      CHECK(std::abs(at(got.cross, a * n_columns + b) - at(want.cross, a * n_columns + b)) <=
            1e-13 * size);
    }
}

void moments_are_those_of_the_rows() {
  const Table table = exact_table(n_rows, n_features);
  const Moments got = by_a_pass(table, weights());
  check_same(got, written_out(table, weights()));
  CHECK(got.n_positive == static_cast<double>(n_rows));
}

/// The features of a table, row by row, without every third value, which becomes zero.
struct Compressed {
  explicit Compressed(Table& table) : n(table.n), p(table.p) {
    for (Index i = 0; i < n; ++i) {
      for (Index j = 0; j < p; ++j) {
        double& x = at(table.x, i * p + j);
        if ((i + j) % 3 == 0) x = 0.0;
        if (x == 0.0) continue;
        columns.push_back(static_cast<std::int32_t>(j));
        values.push_back(x);
      }
      start.push_back(static_cast<std::int32_t>(values.size()));
    }
  }

  CompressedRows rows() const {
    return {n, p, values.data(), {columns.data(), false}, {start.data(), false}};
  }

  Index n;
  Index p;
  Doubles values;
  std::vector<std::int32_t> columns;
  std::vector<std::int32_t> start{0};
};

void moments_of_sparse_rows_are_those_of_the_rows() {
  Table table = exact_table(n_rows, n_features);
  const Compressed sparse(table);
  const SparseSurvey survey = survey_sparse(sparse.rows());
  CHECK(survey.is_sound && survey.is_canonical);
  CHECK(survey.n_products >= static_cast<double>(sparse.values.size()));
  const Doubles w = weights();
  const Column weight = column_of(w);
  const Rows targets{n_rows, {table.rows().columns.back()}};
  const double shift = 3.0;
  const SparseLayout layout{n_features, 1};
  Doubles sums = zeros(layout.total());
  for (const RowRange range : {RowRange{0, 700}, RowRange{700, n_rows}})
    accumulate_sparse(sparse.rows(), targets, &weight, &shift, survey.column_counts.data(), range,
                      n_threads, sums.data());
  Moments got{0.0, 0.0, zeros(2 * n_columns), zeros(n_columns * n_columns)};
  got.weight = centre_sparse(layout, &shift, sums.data(), got.mean.data(), got.cross.data()).weight;
  check_same(got, written_out(table, w));
}

void predictions_of_sparse_rows_are_exact() {
  Table table = exact_table(n_rows, n_features);
  const Compressed sparse(table);
  Doubles predicted = zeros(n_rows);
  predict_sparse(sparse.rows(), {0, n_rows}, coef.data(), &constant, 1, n_threads,
                 predicted.data());
  for (Index i = 0; i < n_rows; ++i) CHECK(at(predicted, i) == at(table.y, i) - residual(table, i));
}

void sweeps_over_sparse_rows_are_exact() {
  Table table = exact_table(n_rows, n_features);
  const Compressed sparse(table);
  Rows rows = table.rows();
  const Doubles w = weights();
  const Column weight = column_of(w);
  const Doubles scale = ones(n_columns);
  Doubles b = zeros(2 * n_features);
  std::copy(coef.begin(), coef.end(), b.begin());
  const Doubles a{constant, 0.0};
  const SlotPlan plan = plan_sweep(n_rows, n_features, 1);
  SweepTotals totals[2];
  for (int k = 0; k < 2; ++k) {
    const SweepProblem problem{rows, &weight, scale.data(), n_features, 1};
    const Doubles slots = sums_of(plan, [&](Index part, double* sums) {
      sweep(problem, b.data(), a.data(), plan, part, n_threads, sums);
    });
    totals[k] = sweep_totals(problem, plan, 0, slots.data());
    rows.compressed = sparse.rows();
  }
  CHECK(totals[1].sum.value() == totals[0].sum.value());
  CHECK(are_near(totals[1].rss, totals[0].rss, 1e-15));
  for (std::size_t j = 0; j < static_cast<std::size_t>(n_features); ++j)
    CHECK(totals[1].gradient[j].value() == totals[0].gradient[j].value());
}

void damaged_sparse_rows_are_seen() {
  Table table = exact_table(n_rows, n_features);
  Compressed sparse(table);
  std::swap(sparse.columns[0], sparse.columns[1]);
  CHECK(survey_sparse(sparse.rows()).is_sound);
  CHECK(!survey_sparse(sparse.rows()).is_canonical);
  sparse.columns[0] = static_cast<std::int32_t>(n_features);
  CHECK(!survey_sparse(sparse.rows()).is_sound);
}

void moments_are_merged_and_taken_away_again() {
  const Table table = exact_table(n_rows, n_features);
  const Doubles w = ones(n_rows);
  const Moments all = written_out(table, w);
  const Moments a = written_out(part_of(table, 0, n_rows / 4), w);
  const Moments b = written_out(part_of(table, n_rows / 4, 3 * n_rows / 4), w);
  Moments got = all;
  got.weight = merge(n_columns, a.weight, a.mean.data(), a.cross.data(), b.weight, b.mean.data(),
                     b.cross.data(), got.mean.data(), got.cross.data());
  check_same(got, all);
  got.weight = subtract(n_columns, all.weight, all.mean.data(), all.cross.data(), b.weight,
                        b.mean.data(), b.cross.data(), got.mean.data(), got.cross.data());
  check_same(got, a);
}

void a_shift_far_from_the_mean_is_moved_there() {
  const Moments m = written_out(exact_table(n_rows, n_features), ones(n_rows));
  const Doubles scale = ones(n_columns);
  Doubles shift = m.mean;
  shift.resize(static_cast<std::size_t>(n_columns));
  Doubles squares = zeros(n_columns);
  const auto is_far = [&] {
    return recentre(n_columns, m.weight, m.mean.data(), m.cross.data(), scale.data(), shift.data(),
                    squares.data());
  };
  CHECK(!is_far());
  at(shift, 2) += 1e6;
  CHECK(is_far());
  CHECK(are_near(at(squares, 2), m.weight * 1e12, 1e-6));
  CHECK(at(shift, 2) == at(m.mean, 2));
}

void the_largest_deviation_is_found() {
  Table table = exact_table(n_rows, n_features);
  at(table.x, 777 * n_features + 3) = -1e9;
  const Doubles nothing = zeros(n_columns);
  Doubles largest = zeros(n_columns);
  largest_deviation(table.rows(), nullptr, nothing.data(), nothing.data(), n_threads,
                    largest.data());
  for (Index j = 0; j < n_columns; ++j) {
    double want = 0.0;
    for (Index i = 0; i < n_rows; ++i) want = std::max(want, std::abs(value(table, i, j)));
    CHECK(at(largest, j) == want);
  }
}

/// (weight, mean, cross) in double-double, all of them exact here.
Moments in_double_double(const Table& table) {
  const Rows rows = table.rows();
  const SlotPlan plan = plan_double_double(rows.n_samples, n_columns);
  const Doubles shift = ones(n_columns);
  const Doubles scale = ones(n_columns);
  const Doubles slots = sums_of(plan, [&](Index part, double* sums) {
    accumulate_double_double(rows, nullptr, shift.data(), scale.data(), plan, part, n_threads,
                             sums);
  });
  Moments m{0.0, 0.0, zeros(2 * n_columns), zeros(2 * n_columns * n_columns)};
  m.weight = centre_double_double(plan, n_columns, shift.data(), scale.data(), slots.data(),
                                  m.mean.data(), m.cross.data());
  return m;
}

void check_exact(const Moments& got, const Moments& want) {
  const Index q2 = n_columns * n_columns;
  CHECK(got.weight == want.weight);
  for (Index j = 0; j < n_columns; ++j) {
    CHECK(at(got.mean, j) == at(want.mean, j));
    CHECK(at(got.mean, n_columns + j) == 0.0);
  }
  for (Index e = 0; e < q2; ++e) {
    CHECK(at(got.cross, e) == at(want.cross, e));
    CHECK(std::abs(at(got.cross, q2 + e)) <= 1e-25 * std::abs(at(want.cross, e)) + 1e-25);
  }
}

void moments_in_double_double_are_exact() {
  const Table table = exact_table(n_rows, n_features);
  const Moments all = in_double_double(table);
  check_exact(all, written_out(table, ones(n_rows)));
  const Moments a = in_double_double(part_of(table, 0, n_rows / 2));
  const Moments b = in_double_double(part_of(table, n_rows / 2, n_rows / 2));
  Moments got = all;
  got.weight =
      merge_double_double(n_columns, 1.0, a.weight, a.mean.data(), a.cross.data(), b.weight,
                          b.mean.data(), b.cross.data(), got.mean.data(), got.cross.data());
  check_exact(got, all);
  got.weight =
      merge_double_double(n_columns, -1.0, all.weight, all.mean.data(), all.cross.data(), b.weight,
                          b.mean.data(), b.cross.data(), got.mean.data(), got.cross.data());
  check_exact(got, a);
}

void sweeps_residuals_and_transposed_products_are_exact() {
  const Table table = exact_table(n_rows, n_features);
  const Rows rows = table.rows();
  const Doubles w = weights();
  const Column weight = column_of(w);
  const Doubles scale = ones(n_columns);
  Doubles b = zeros(2 * n_features);
  std::copy(coef.begin(), coef.end(), b.begin());
  const Doubles a{constant, 0.0};
  const SweepProblem problem{rows, &weight, scale.data(), n_features, 1};
  const SlotPlan plan = plan_sweep(n_rows, n_features, 1);
  const Doubles slots = sums_of(plan, [&](Index part, double* sums) {
    sweep(problem, b.data(), a.data(), plan, part, n_threads, sums);
  });
  const SweepTotals totals = sweep_totals(problem, plan, 0, slots.data());
  Doubles r = zeros(2 * n_rows);
  const SweepProblem plain{rows, nullptr, scale.data(), n_features, 1};
  residuals(plain, b.data(), a.data(), 0, n_threads, r.data());
  Rows features = rows;
  features.columns.pop_back();
  Doubles product = zeros(2 * n_features);
  transposed_product({features, nullptr, scale.data(), n_features, 0}, r.data(), n_threads,
                     product.data());
  double sum = 0.0;
  double squares = 0.0;
  for (Index i = 0; i < n_rows; ++i) {
    CHECK(at(r, i) + at(r, n_rows + i) == residual(table, i));
    sum += at(w, i) * residual(table, i);
    squares += at(w, i) * residual(table, i) * residual(table, i);
  }
  CHECK(totals.sum.value() == sum);
  CHECK(are_near(totals.rss, squares, 1e-15));
  for (Index j = 0; j < n_features; ++j) {
    double weighted = 0.0;
    double unweighted = 0.0;
    for (Index i = 0; i < n_rows; ++i) {
      weighted += at(w, i) * value(table, i, j) * residual(table, i);
      unweighted += value(table, i, j) * residual(table, i);
    }
    CHECK(totals.gradient[static_cast<std::size_t>(j)].value() == weighted);
    CHECK(at(product, j) + at(product, n_features + j) == unweighted);
  }
}

void combinations_of_columns_are_exact() {
  const Table table = exact_table(n_rows, n_features);
  const Rows rows = table.rows();
  const Doubles scale = ones(n_columns);
  const std::vector<Combination> combinations{{{0, 2}, {1.0, -2.0}, {0.0, 0.0}, 1.0, 0.0},
                                              {{1, 3, 4}, {3.0, 1.0, 1.0}, {0.0, 0.0, 0.0}}};
  const SlotPlan plan = plan_combinations(n_rows, n_columns, 2);
  const Doubles slots = sums_of(plan, [&](Index part, double* sums) {
    combine(rows, nullptr, scale.data(), combinations, plan, part, n_threads, sums);
  });
  double products[2][2] = {};
  double sums[2] = {};
  for (Index i = 0; i < n_rows; ++i) {
    const double r[2] = {1.0 + value(table, i, 0) - 2.0 * value(table, i, 2),
                         3.0 * value(table, i, 1) + value(table, i, 3) + value(table, i, 4)};
    for (int a = 0; a < 2; ++a) {
      sums[a] += r[a];
      for (int b = 0; b < 2; ++b) products[a][b] += r[a] * r[b];
    }
  }
  const double n = static_cast<double>(n_rows);
  const RowMatrix plain = combined_products(plan, 2, n, false, slots.data());
  const RowMatrix centred = combined_products(plan, 2, n, true, slots.data());
  for (int a = 0; a < 2; ++a)
    for (int b = 0; b < 2; ++b) {
      CHECK(plain(a, b) == products[a][b]);
      CHECK(std::abs(centred(a, b) - (products[a][b] - sums[a] * sums[b] / n)) <=
            1e-14 * products[a][a]);
    }
}

}  // namespace
}  // namespace fastlr

int main(int n_arguments, char** arguments) {
  using namespace fastlr;
  return on_every_level(
      n_arguments, arguments,
      {moments_are_those_of_the_rows, moments_of_sparse_rows_are_those_of_the_rows,
       predictions_of_sparse_rows_are_exact, sweeps_over_sparse_rows_are_exact,
       damaged_sparse_rows_are_seen, moments_are_merged_and_taken_away_again,
       a_shift_far_from_the_mean_is_moved_there, the_largest_deviation_is_found,
       moments_in_double_double_are_exact, sweeps_residuals_and_transposed_products_are_exact,
       combinations_of_columns_are_exact});
}
