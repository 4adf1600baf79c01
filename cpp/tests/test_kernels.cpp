// The kernels by themselves, on every CPU level that is built and that this machine can run:
// against sums of whole numbers, which are exact, and against themselves on one thread.
#include <algorithm>
#include <cmath>
#include <vector>

#include "check.hpp"
#include "fastlr/algebra/ladder.hpp"
#include "fastlr/algebra/normal_equations.hpp"
#include "fastlr/level/cpu_levels.hpp"
#include "fastlr/slots.hpp"
#include "levels.hpp"
#include "tables.hpp"

namespace fastlr {
namespace {

void an_exact_plane_is_found() {
  for (const Index p : {1, 3, 9, 40}) {
    const Table table = exact_table(10 * p + 7, p);
    const Ladder fit = climb(table.rows(), nullptr, p, true, Accuracy::automatic, 2);
    CHECK(fit.is_complete);
    CHECK(digits_of(fit.relative_error.worst) > 14.0);
    for (Index j = 0; j < p; ++j)
      CHECK(are_near(fit.finished.coef(0, j), static_cast<double>(j + 1), 1e-14));
    CHECK(are_near(fit.finished.intercept[0], 3.0, 1e-14));
  }
}

void sums_of_whole_numbers_are_exact() {
  const Table table = exact_table(3001, 5);
  const Ladder fit = climb(table.rows(), nullptr, 5, true, Accuracy::fast, 2);
  for (Index i = 0; i < 5; ++i)
    for (Index j = 0; j <= i; ++j) {
      double sum = 0.0;  // whole numbers far below 2^53: exact in any order
      double of_i = 0.0;
      double of_j = 0.0;
      for (Index row = 0; row < table.n; ++row) {
        const double a = table.x[static_cast<std::size_t>(row * 5 + i)];
        const double b = table.x[static_cast<std::size_t>(row * 5 + j)];
        sum += a * b;
        of_i += a;
        of_j += b;
      }
      const double centred = sum - of_i * of_j / static_cast<double>(table.n);
      CHECK(std::abs(fit.cross(i, j) - centred) <= 1e-12 * std::abs(sum));
    }
}

void threads_change_no_bit() {
  const Table table = exact_table(20'011, 23);
  const Ladder one = climb(table.rows(), nullptr, 23, true, Accuracy::automatic, 1);
  const Ladder many = climb(table.rows(), nullptr, 23, true, Accuracy::automatic, 4);
  CHECK(one.cross == many.cross);
  CHECK(one.finished.coef == many.finished.coef);
  CHECK(one.finished.bse == many.finished.bse);
}

void a_fit_without_its_condition_number_has_the_same_bits() {
  const Table table = exact_table(100, 3);
  const Ladder whole = climb(table.rows(), nullptr, 3, true, Accuracy::automatic, 1);
  const Ladder rest = climb(table.rows(), nullptr, 3, true, Accuracy::automatic, 1, false);
  CHECK(whole.solution.condition_number >= 1.0);
  CHECK(std::isnan(rest.solution.condition_number));
  CHECK(rest.finished.coef == whole.finished.coef);
  CHECK(rest.finished.bse == whole.finished.bse);
}

void dependent_columns_have_the_smallest_norm() {
  // The last two columns are equal: each takes half of what one alone would get.
  Table table = exact_table(50, 4);
  for (Index i = 0; i < table.n; ++i)
    table.x[static_cast<std::size_t>(i * 4 + 3)] = table.x[static_cast<std::size_t>(i * 4 + 2)];
  const Ladder fit = climb(table.rows(), nullptr, 4, true, Accuracy::automatic, 1);
  CHECK(!fit.is_complete);  // the caller decides what is to be done about dependence
  const MomentsView moments{
      4, 1, fit.statistics.weight, fit.mean.data(), fit.cross.data(), fit.summed_squares.data()};
  const ScaledSolution shortest = solve_normal_equations(moments, true, nullptr, true, false, 2);
  CHECK(shortest.rank == 3);
  CHECK(are_near(shortest.coef(0, 2) * shortest.scale[2], shortest.coef(0, 3) * shortest.scale[3],
                 1e-10));
}

/// Parts follow one another within a slot, and slots within the rows; none ends amid rows that are
/// summed together but with the last row.
void parts_of_slots_cover_every_row_once(const SlotPlan& plan, Index n_samples, Index fold_rows) {
  Index next = 0;
  for (Index slot = 0; slot < plan.n_slots; ++slot)
    for (Index part = 0; part < plan.n_parts; ++part) {
      const auto [first, last] = part_of_slot(plan, n_samples, slot, part);
      CHECK(first == next || first == last);
      CHECK(last % fold_rows == 0 || last == n_samples);
      next = std::max(next, last);
    }
  CHECK(next == n_samples);
  CHECK(part_of_slot(plan, n_samples, plan.n_slots, 0).first == n_samples);
}

void every_plan_covers_every_row_once() {
  for (const Index n : {1, 63, 64, 65, 1024, 1025, 5000, 99'999, 10'000'000})
    for (const Index q : {1, 7, 8, 50, 300, 3000}) {
      parts_of_slots_cover_every_row_once(plan_pass(n, q), n, rows_per_fold);
      parts_of_slots_cover_every_row_once(plan_loss(n, q), n, 8);
      parts_of_slots_cover_every_row_once(plan_sweep(n, q, 2), n, 8);
      parts_of_slots_cover_every_row_once(plan_double_double(n, q), n, 8);
      parts_of_slots_cover_every_row_once(plan_combinations(n, q, 5), n, 8);
    }
}

void a_large_factor_and_its_inverse_are_right() {
  // A_ij = min(i, j) + 1 = sum_k<=min(i,j) 1: the factor is all ones, and everything exact.
  const Index n = 300;
  Matrix A(n, n);
  for (Index j = 0; j < n; ++j)
    for (Index i = 0; i < n; ++i) A(i, j) = static_cast<double>(std::min(i, j) + 1);
  CHECK(factor_cholesky(A, 2));
  Matrix L = A.triangularView<Eigen::Lower>();
  CHECK(L == Matrix(Matrix::Ones(n, n).triangularView<Eigen::Lower>()));
  invert_lower(L, 2);
  Matrix differences = Matrix::Identity(n, n);
  differences.diagonal(-1).setConstant(-1.0);
  CHECK(L == differences);
}

void a_level_must_be_in_use() {
  bool is_refused = false;
  try {
    plan_pass(10, 3);
  } catch (const std::logic_error&) {
    is_refused = true;
  }
  CHECK(is_refused);
}

}  // namespace
}  // namespace fastlr

int main(int n_arguments, char** arguments) {
  using namespace fastlr;
  a_level_must_be_in_use();
  return on_every_level(
      n_arguments, arguments,
      {an_exact_plane_is_found, every_plan_covers_every_row_once, sums_of_whole_numbers_are_exact,
       threads_change_no_bit, a_fit_without_its_condition_number_has_the_same_bits,
       dependent_columns_have_the_smallest_norm, a_large_factor_and_its_inverse_are_right});
}
