
#include <optional>
#include <vector>

#include "bindings/arguments.hpp"
#include "bindings/level_module.hpp"
#include "bindings/slots.hpp"
#include "bindings/solutions.hpp"
#include "fastlr/algebra/minimum_norm.hpp"
#include "fastlr/sweeps/combinations.hpp"

namespace fastlr {
namespace {

/// Rows of (2, k, p) coefficients as combinations; what is 0 in both parts does not count.
std::vector<Combination> combinations_of(const DoubleArray& pairs, const DoubleArray& constants) {
  if (pairs.ndim() != 3) throw py::value_error("pairs must be (2, k, p)");
  const Index k = pairs.shape(1);
  const Index p = pairs.shape(2);
  check_size(constants, 2 * k, "constants");
  std::vector<Combination> combinations(static_cast<std::size_t>(k));
  for (Index i = 0; i < k; ++i) {
    Combination& v = combinations[static_cast<std::size_t>(i)];
    v.constant_hi = constants.data()[i];
    v.constant_lo = constants.data()[k + i];
    for (Index j = 0; j < p; ++j) {
      const double hi = pairs.data()[i * p + j];
      const double lo = pairs.data()[(k + i) * p + j];
      if (hi == 0.0 && lo == 0.0) continue;
      v.columns.push_back(j);
      v.hi.push_back(hi);
      v.lo.push_back(lo);
    }
  }
  return combinations;
}

}  // namespace

void bind_dependent(LevelModule& m) {
  m.def(
      "solve_on_independent_columns",
      [](Index n_features, double weight, const DoubleArray& mean, const DoubleArray& cross,
         bool fit_intercept, const DoubleArray& threshold, int n_threads) {
        const MomentsView moments = view_of(n_features, weight, mean, cross);
        check_size(threshold, n_features, "threshold");
        const Vector least = vector_of(threshold);
        IndependentSolution found;
        {
          const Released release;
          found = solve_on_independent_columns(moments, fit_intercept, least, n_threads);
        }
        return results(tuple_of(found.solution), std::move(found.directions),
                       std::move(found.others));
      },
      py::arg("n_features"), py::arg("weight"), py::arg("mean").noconvert(),
      py::arg("cross").noconvert(), py::arg("fit_intercept"), py::arg("threshold"),
      py::arg("n_threads") = 1);

  bind_plan<plan_combinations>(m, "plan_combinations", "n_samples", "n_columns", "n_combinations");

  m.def(
      "combine",
      [](const py::object& X, const OptionalArray& sample_weight, const DoubleArray& scale,
         const DoubleArray& pairs, const DoubleArray& constants, Index part, int n_threads,
         DoubleArray& slots) {
        const Rows rows = rows_of(X, py::none());
        const std::optional<Column> weight = weight_of(sample_weight, rows);
        check_size(scale, rows.n_columns(), "scale");
        const std::vector<Combination> combinations = combinations_of(pairs, constants);
        if (pairs.shape(2) != rows.n_columns()) throw py::value_error("pairs has the wrong size");
        const SlotPlan plan = plan_combinations(rows.n_samples, rows.n_columns(), pairs.shape(1));
        double* sums = slots_of(plan, part, slots);
        const Released release;
        combine(rows, weight ? &*weight : nullptr, scale.data(), combinations, plan, part,
                n_threads, sums);
      },
      py::arg("X"), py::arg("sample_weight").none(true), py::arg("scale").noconvert(),
      py::arg("pairs").noconvert(), py::arg("constants").noconvert(), py::arg("part"),
      py::arg("n_threads"), py::arg("slots").noconvert());

  m.def(
      "combined_products",
      [](Index n_samples, Index n_columns, Index n_combinations, double weight, bool centred,
         const DoubleArray& slots) {
        const SlotPlan plan = plan_combinations(n_samples, n_columns, n_combinations);
        const double* sums = slots_of(plan, slots);
        const Released release;
        return combined_products(plan, n_combinations, weight, centred, sums);
      },
      py::arg("n_samples"), py::arg("n_columns"), py::arg("n_combinations"), py::arg("weight"),
      py::arg("centred"), py::arg("slots").noconvert());

  m.def(
      "choose_columns",
      [](const DoubleArray& A, const DoubleArray& threshold, int n_threads) {
        const Index p = threshold.size();
        require(A.ndim() == 2 && A.shape(0) == p && A.shape(1) == p,
                "A is not square, or threshold has the wrong size");
        const Matrix products = matrix_of(A);
        const Vector least = vector_of(threshold);
        ColumnChoice choice;
        {
          const Released release;
          choice = choose_columns(products, least, n_threads);
        }
        return results(std::move(choice.chosen), std::move(choice.others), std::move(choice.root),
                       std::move(choice.coefficients));
      },
      py::arg("A"), py::arg("threshold"), py::arg("n_threads") = 1);

  m.def(
      "intercepts",
      [](const DoubleArray& mean, const DoubleArray& coef) {
        if (coef.ndim() != 3) throw py::value_error("coef must be (2, t, p)");
        const Index t = coef.shape(1);
        const Index p = coef.shape(2);
        check_size(mean, 2 * (p + t), "mean");
        return intercepts_at(matrix_of(mean), p, t, coef.data());
      },
      py::arg("mean").noconvert(), py::arg("coef").noconvert());

  m.def(
      "move_to_minimum_norm",
      [](const DoubleArray& directions, const DoubleArray& of_directions, const DoubleArray& scale,
         const DoubleArray& mean, bool fit_intercept, DoubleArray& coef, DoubleArray& intercept) {
        if (directions.ndim() != 3) throw py::value_error("directions must be (2, k, p)");
        const Index k = directions.shape(1);
        const Index p = directions.shape(2);
        const Index t = intercept.size() / 2;
        check_size(of_directions, k * p, "of_directions");
        check_size(coef, 2 * t * p, "coef");
        check_size(mean, 2 * (p + t), "mean");
        const RowMatrix means = matrix_of(mean);
        const RowMatrix errors = matrix_of(of_directions);
        const Vector scales = vector_of(scale);
        double* a = intercept.mutable_data();
        double* b = coef.mutable_data();
        const Released release;
        const NullSpace null_space(p, Eigen::Map<const RowMatrix>(directions.data(), 2, k * p),
                                   scales);
        return move_to_minimum_norm(null_space, errors, means, fit_intercept, t, b, a);
      },
      py::arg("directions").noconvert(), py::arg("of_directions").noconvert(), py::arg("scale"),
      py::arg("mean").noconvert(), py::arg("fit_intercept"), py::arg("coef").noconvert(),
      py::arg("intercept").noconvert());
}

}  // namespace fastlr
