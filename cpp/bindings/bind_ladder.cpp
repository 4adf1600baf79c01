#include <pybind11/eigen.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>

#include "bindings/nouns.hpp"
#include "bindings/rows.hpp"
#include "bindings/solutions.hpp"
#include "fastlr/ladder.hpp"
#include "fastlr/preconditioned.hpp"
#include "fastlr/rank.hpp"

namespace fastlr {
namespace {

using OptionalArray = std::optional<py::array>;

void check_size(const DoubleArray& array, Index size, const char* name) {
  if (array.size() != size) throw py::value_error(std::string(name) + " has the wrong size");
}

std::optional<Column> weight_of(const OptionalArray& sample_weight, const Rows& rows) {
  if (!sample_weight) return std::nullopt;
  if (sample_weight->shape(0) != rows.n_samples)
    throw py::value_error("sample_weight has the wrong size");
  return column_of(*sample_weight);
}

Eigen::Map<const RowMatrix> matrix_of(const DoubleArray& array) {
  if (array.ndim() != 2) throw py::value_error("expected a 2-D array");
  return {array.data(), array.shape(0), array.shape(1)};
}

MomentsView view_of(Index n_features, double weight, const DoubleArray& mean,
                    const DoubleArray& cross) {
  const Index q = mean.size() / 2;
  check_size(mean, 2 * q, "mean");
  check_size(cross, q * q, "cross");
  if (n_features < 0 || n_features > q) throw py::value_error("n_features is out of range");
  return {n_features, q - n_features, weight, mean.data(), cross.data()};
}

}  // namespace

void bind_ladder(py::module_& m) {
  m.def(
      "climb",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         bool fit_intercept, int accuracy, int n_threads) {
        Rows rows = rows_of(X, py::none());
        const Index p = rows.n_columns();
        append_columns(y, rows);
        const std::optional<Column> weight = weight_of(sample_weight, rows);
        Ladder ladder;
        {
          const py::gil_scoped_release release;
          ladder = climb(rows, weight ? &*weight : nullptr, p, fit_intercept,
                         static_cast<Accuracy>(accuracy), n_threads);
        }
        const WeightStatistics& w = ladder.statistics;
        const Index n_positive = weight ? static_cast<Index>(w.n_positive) : rows.n_samples;
        py::object finished = py::none();
        if (ladder.is_complete) finished = tuple_of(ladder.finished);
        return py::make_tuple(ladder.is_complete, ladder.is_finite, n_positive, w.weight,
                              w.sum_log_weight, std::move(ladder.mean), std::move(ladder.cross),
                              ladder.solution.condition_number, digits_of(ladder.relative_error),
                              ladder.n_sweeps, finished);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("fit_intercept"),
      py::arg("accuracy"), py::arg("n_threads"));

  m.def(
      "solve_normal_equations",
      [](Index n_features, double weight, const DoubleArray& mean, const DoubleArray& cross,
         bool fit_intercept, double alpha, bool truncate, double n_samples) {
        const MomentsView moments = view_of(n_features, weight, mean, cross);
        Solution s;
        double relative_error = 0.0;
        bool enough = false;
        {
          const py::gil_scoped_release release;
          s = solve_normal_equations(moments, fit_intercept, alpha, truncate, true);
          relative_error = relative_error_of(s, fit_intercept, weight);
          enough = suffices(s, weight,
                            n_samples - static_cast<double>(s.rank) - (fit_intercept ? 1.0 : 0.0));
        }
        return py::make_tuple(tuple_of(s), digits_of(relative_error), enough);
      },
      py::arg("n_features"), py::arg("weight"), py::arg("mean").noconvert(),
      py::arg("cross").noconvert(), py::arg("fit_intercept"), py::arg("alpha"),
      py::arg("truncate") = true, py::arg("n_samples") = 0.0);

  m.def(
      "plan_sweep",
      [](Index n_samples, Index n_columns, Index n_targets) {
        const SweepPlan plan = plan_sweep(n_samples, n_columns, n_targets);
        return py::make_tuple(plan.n_slots, plan.slot_size, plan.n_parts);
      },
      py::arg("n_samples"), py::arg("n_columns"), py::arg("n_targets"));

  m.def(
      "sweep",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         const DoubleArray& scale, Index limbs, const DoubleArray& coef,
         const DoubleArray& intercept, Index part, int n_threads, DoubleArray& slots) {
        Rows rows = rows_of(X, py::none());
        const Index n_columns = rows.n_columns();
        append_columns(y, rows);
        const std::optional<Column> weight = weight_of(sample_weight, rows);
        const Index t = rows.n_columns() - n_columns;
        check_size(scale, rows.n_columns(), "scale");
        if (limbs < 1 || n_columns % limbs != 0) throw py::value_error("limbs differ in size");
        const SweepProblem problem{
            rows, weight ? &*weight : nullptr, scale.data(), n_columns / limbs, t, limbs};
        check_size(coef, 2 * t * problem.n_features, "coef");
        check_size(intercept, 2 * t, "intercept");
        const SweepPlan plan = plan_sweep(rows.n_samples, n_columns, t);
        check_size(slots, plan.n_slots * plan.slot_size, "slots");
        double* sums = slots.mutable_data();
        const py::gil_scoped_release release;
        sweep(problem, coef.data(), intercept.data(), plan, part, n_threads, sums);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("scale").noconvert(),
      py::arg("limbs"), py::arg("coef").noconvert(), py::arg("intercept").noconvert(),
      py::arg("part"), py::arg("n_threads"), py::arg("slots").noconvert());

  m.def(
      "sweep_totals",
      [](Index n_samples, Index p, Index t, Index limbs, const DoubleArray& slots) {
        const SweepPlan plan = plan_sweep(n_samples, limbs * p, t);
        check_size(slots, plan.n_slots * plan.slot_size, "slots");
        const Rows none;
        const SweepProblem problem{none, nullptr, nullptr, p, t, limbs};
        DoubleArray gradient({Index{2}, t, p});
        DoubleArray sum({Index{2}, t});
        DoubleArray rss(t);
        for (Index k = 0; k < t; ++k) {
          const SweepTotals totals = sweep_totals(problem, plan, k, slots.data());
          for (Index j = 0; j < p; ++j) {
            gradient.mutable_at(0, k, j) = totals.gradient[static_cast<std::size_t>(j)].hi;
            gradient.mutable_at(1, k, j) = totals.gradient[static_cast<std::size_t>(j)].lo;
          }
          sum.mutable_at(0, k) = totals.sum.hi;
          sum.mutable_at(1, k) = totals.sum.lo;
          rss.mutable_at(k) = totals.rss;
        }
        return py::make_tuple(gradient, sum, rss);
      },
      py::arg("n_samples"), py::arg("n_features"), py::arg("n_targets"), py::arg("limbs"),
      py::arg("slots").noconvert());

  m.def(
      "refine",
      [](Index n_samples, Index limbs, const DoubleArray& slots, bool fit_intercept, double weight,
         const DoubleArray& mean, const DoubleArray& tss, const DoubleArray& root,
         bool is_truncated, double tolerance, DoubleArray& coef, DoubleArray& intercept,
         DoubleArray& course) {
        const auto K = matrix_of(root);
        const Index p = K.rows();
        const Index t = tss.size();
        check_size(mean, 2 * (p + t), "mean");
        check_size(coef, 2 * t * p, "coef");
        check_size(intercept, 2 * t, "intercept");
        check_size(course, t * course_size, "course");
        const SweepPlan plan = plan_sweep(n_samples, limbs * p, t);
        check_size(slots, plan.n_slots * plan.slot_size, "slots");
        const Refinement refinement{p,          t, fit_intercept, weight,       mean.data(),
                                    tss.data(), K, 1.0,           is_truncated, tolerance};
        const Rows none;
        const SweepProblem problem{none, nullptr, nullptr, p, t, limbs};
        double* b = coef.mutable_data();
        double* a = intercept.mutable_data();
        double* way = course.mutable_data();
        const py::gil_scoped_release release;
        return refine(refinement, problem, plan, slots.data(), b, a, way);
      },
      py::arg("n_samples"), py::arg("limbs"), py::arg("slots").noconvert(),
      py::arg("fit_intercept"), py::arg("weight"), py::arg("mean").noconvert(),
      py::arg("tss").noconvert(), py::arg("root").noconvert(), py::arg("is_truncated"),
      py::arg("tolerance"), py::arg("coef").noconvert(), py::arg("intercept").noconvert(),
      py::arg("course").noconvert());

  m.def(
      "finish",
      [](bool fit_intercept, double weight, const DoubleArray& mean, const DoubleArray& tss,
         const DoubleArray& root, const DoubleArray& scale, const DoubleArray& coef,
         const DoubleArray& intercept, const DoubleArray& rss, double n_dof) {
        const auto K = matrix_of(root);
        const Index t = tss.size();
        check_size(mean, 2 * (K.rows() + t), "mean");
        check_size(scale, K.rows() + t, "scale");
        check_size(coef, 2 * t * K.rows(), "coef");
        check_size(intercept, 2 * t, "intercept");
        check_size(rss, t, "rss");
        const Refinement refinement{K.rows(),   t, fit_intercept, weight, mean.data(),
                                    tss.data(), K, 1.0,           false};
        FinishedFit f =
            finish(refinement, scale.data(), coef.data(), intercept.data(), rss.data(), n_dof);
        return tuple_of(f);
      },
      py::arg("fit_intercept"), py::arg("weight"), py::arg("mean").noconvert(),
      py::arg("tss").noconvert(), py::arg("root").noconvert(), py::arg("scale").noconvert(),
      py::arg("coef").noconvert(), py::arg("intercept").noconvert(), py::arg("rss").noconvert(),
      py::arg("n_dof"));

  const auto basis_tuple = [](TriangularBasis& basis) {
    return py::make_tuple(std::move(basis.K), std::move(basis.R), std::move(basis.coef),
                          basis.is_orthonormal);
  };
  m.def(
      "first_basis",
      [basis_tuple](Index n_features, double weight, const DoubleArray& mean,
                    const DoubleArray& cross, bool fit_intercept) {
        const MomentsView moments = view_of(n_features, weight, mean, cross);
        TriangularBasis basis;
        {
          const py::gil_scoped_release release;
          basis = first_basis(moments, fit_intercept);
        }
        return basis_tuple(basis);
      },
      py::arg("n_features"), py::arg("weight"), py::arg("mean").noconvert(),
      py::arg("cross").noconvert(), py::arg("fit_intercept"));
  m.def(
      "next_basis",
      [basis_tuple](const DoubleArray& K, const DoubleArray& R, double weight,
                    const DoubleArray& mean, const DoubleArray& cross, bool fit_intercept) {
        const MomentsView moments = view_of(K.shape(0), weight, mean, cross);
        TriangularBasis basis;
        {
          const py::gil_scoped_release release;
          basis = next_basis(matrix_of(K), matrix_of(R), moments, fit_intercept);
        }
        return basis_tuple(basis);
      },
      py::arg("K").noconvert(), py::arg("R").noconvert(), py::arg("weight"),
      py::arg("mean").noconvert(), py::arg("cross").noconvert(), py::arg("fit_intercept"));

  m.def(
      "decide_rank",
      [](const DoubleArray& R, const Vector& gran) {
        if (gran.size() != R.shape(0)) throw py::value_error("gran has the wrong size");
        RankDecision d;
        {
          const py::gil_scoped_release release;
          d = decide_rank(matrix_of(R), gran);
        }
        return py::make_tuple(d.rank, d.condition_number, std::move(d.root),
                              std::move(d.null_space), std::move(d.length));
      },
      py::arg("R").noconvert(), py::arg("gran"));

  m.def(
      "move_to_minimum_norm",
      [](const DoubleArray& null_space, const Vector& scale, const DoubleArray& mean,
         bool fit_intercept, Index target, DoubleArray& coef, DoubleArray& intercept) {
        const auto N = matrix_of(null_space);
        const Index p = N.cols();
        const Index t = intercept.size() / 2;
        double* b = coef.mutable_data();
        move_to_minimum_norm(N, scale, b + target * p, b + (t + target) * p);
        if (!fit_intercept) return;
        const DoubleDouble a =
            intercept_at(matrix_of(mean), p, target, b + target * p, b + (t + target) * p);
        intercept.mutable_data()[target] = a.hi;
        intercept.mutable_data()[t + target] = a.lo;
      },
      py::arg("null_space").noconvert(), py::arg("scale"), py::arg("mean").noconvert(),
      py::arg("fit_intercept"), py::arg("target"), py::arg("coef").noconvert(),
      py::arg("intercept").noconvert());
}

}  // namespace fastlr
