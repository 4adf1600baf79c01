#include <pybind11/eigen.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>

#include "bindings/nouns.hpp"
#include "bindings/rows.hpp"
#include "bindings/solutions.hpp"
#include "fastlr/ladder.hpp"
#include "fastlr/minimum_norm.hpp"
#include "fastlr/preconditioned.hpp"
#include "fastlr/rank.hpp"

namespace fastlr {
namespace {

void check_size(const DoubleArray& array, Index size, const char* name) {
  if (array.size() != size) throw py::value_error(std::string(name) + " has the wrong size");
}

Eigen::Map<const RowMatrix> matrix_of(const DoubleArray& array) {
  if (array.ndim() != 2) throw py::value_error("expected a 2-D array");
  return {array.data(), array.shape(0), array.shape(1)};
}

MomentsView view_of(Index n_features, double weight, const DoubleArray& mean,
                    const DoubleArray& cross, const double* size = nullptr) {
  const Index q = mean.size() / 2;
  check_size(mean, 2 * q, "mean");
  check_size(cross, q * q, "cross");
  if (n_features < 0 || n_features > q) throw py::value_error("n_features is out of range");
  return {n_features, q - n_features, weight, mean.data(), cross.data(), size};
}

}  // namespace

void bind_ladder(py::module_& m) {
  m.attr("ALWAYS_POLISHED") = always_polished;
  m.attr("AUTOMATIC_TOLERANCE") = automatic_tolerance;
  m.attr("DIGITS_WITHOUT_REST") = digits_without_rest;
  m.attr("LARGEST_SQUARED_CONDITION") = largest_squared_condition;
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
        return py::make_tuple(
            ladder.is_in_range, n_positive, w.weight, w.sum_log_weight, std::move(ladder.mean),
            std::move(ladder.cross), std::move(ladder.size), ladder.n_passes, ladder.n_sweeps,
            ladder.solution.condition_number, digits_of(ladder.relative_error.worst),
            digits_of(ladder.relative_error.relevant), finished);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("fit_intercept"),
      py::arg("accuracy"), py::arg("n_threads"));

  m.def(
      "solve_normal_equations",
      [](Index n_features, double weight, const DoubleArray& mean, const DoubleArray& cross,
         bool fit_intercept, double alpha, bool truncate, double n_samples,
         const std::optional<DoubleArray>& size) {
        if (size) check_size(*size, mean.size() / 2, "size");
        const MomentsView moments =
            view_of(n_features, weight, mean, cross, size ? size->data() : nullptr);
        Solution s;
        RelativeError relative_error;
        bool enough = false;
        {
          const py::gil_scoped_release release;
          s = solve_normal_equations(moments, fit_intercept, alpha, truncate, true);
          relative_error = relative_error_of(s, fit_intercept, weight);
          enough = suffices(s, weight,
                            n_samples - static_cast<double>(s.rank) - (fit_intercept ? 1.0 : 0.0));
        }
        return py::make_tuple(tuple_of(s), digits_of(relative_error.worst),
                              digits_of(relative_error.relevant), enough);
      },
      py::arg("n_features"), py::arg("weight"), py::arg("mean").noconvert(),
      py::arg("cross").noconvert(), py::arg("fit_intercept"), py::arg("alpha"),
      py::arg("truncate") = true, py::arg("n_samples") = 0.0, py::arg("size") = py::none());

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
         const DoubleArray& mean, const DoubleArray& tss, const DoubleArray& root, double tolerance,
         DoubleArray& coef, DoubleArray& intercept, DoubleArray& course) {
        const auto K = matrix_of(root);
        const Index p = K.rows();
        const Index t = tss.size();
        check_size(mean, 2 * (p + t), "mean");
        check_size(coef, 2 * t * p, "coef");
        check_size(intercept, 2 * t, "intercept");
        check_size(course, t * course_size, "course");
        const SweepPlan plan = plan_sweep(n_samples, limbs * p, t);
        check_size(slots, plan.n_slots * plan.slot_size, "slots");
        const Refinement refinement{p,          t, fit_intercept, weight,   mean.data(),
                                    tss.data(), K, 1.0,           tolerance};
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
      py::arg("tss").noconvert(), py::arg("root").noconvert(), py::arg("tolerance"),
      py::arg("coef").noconvert(), py::arg("intercept").noconvert(), py::arg("course").noconvert());

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
        const Refinement refinement{K.rows(), t,  fit_intercept, weight, mean.data(), tss.data(),
                                    K,        1.0};
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
      "intercepts",
      [](const DoubleArray& mean, const DoubleArray& coef) {
        if (coef.ndim() != 3) throw py::value_error("coef must be (2, t, p)");
        const Index t = coef.shape(1);
        const Index p = coef.shape(2);
        check_size(mean, 2 * (p + t), "mean");
        RowMatrix intercept(2, t);
        for (Index k = 0; k < t; ++k) {
          const double* b = coef.data() + k * p;
          const DoubleDouble a = intercept_at(matrix_of(mean), p, k, b, b + t * p);
          intercept(0, k) = a.hi;
          intercept(1, k) = a.lo;
        }
        return intercept;
      },
      py::arg("mean").noconvert(), py::arg("coef").noconvert());

  m.def(
      "move_to_minimum_norm",
      [](const DoubleArray& directions, const DoubleArray& of_directions, const Vector& scale,
         const DoubleArray& mean, bool fit_intercept, DoubleArray& coef, DoubleArray& intercept) {
        if (directions.ndim() != 3) throw py::value_error("directions must be (2, k, p)");
        const Index k = directions.shape(1);
        const Index p = directions.shape(2);
        const Index t = intercept.size() / 2;
        check_size(of_directions, k * p, "of_directions");
        check_size(coef, 2 * t * p, "coef");
        check_size(mean, 2 * (p + t), "mean");
        const NullSpace null_space(p, Eigen::Map<const RowMatrix>(directions.data(), 2, k * p),
                                   scale);
        const auto means = matrix_of(mean);
        double* a = intercept.mutable_data();
        RowMatrix error(t, p);
        for (Index target = 0; target < t; ++target) {
          double* hi = coef.mutable_data() + target * p;
          double* lo = hi + t * p;
          const Vector hi_before = VectorMap(hi, p);
          const Vector lo_before = VectorMap(lo, p);
          null_space.take_out(hi, lo);
          error.row(target) = null_space.error(matrix_of(of_directions), hi, lo);
          if (!fit_intercept) continue;
          // Sweeps know the intercept better than the means do: only what moved counts.
          DoubleDouble moved{a[target], a[t + target]};
          for (Index j = 0; j < p; ++j)
            moved =
                moved - DoubleDouble{means(0, j), means(1, j)} *
                            (DoubleDouble{hi[j], lo[j]} - DoubleDouble{hi_before[j], lo_before[j]});
          a[target] = moved.hi;
          a[t + target] = moved.lo;
        }
        return error;
      },
      py::arg("directions").noconvert(), py::arg("of_directions").noconvert(), py::arg("scale"),
      py::arg("mean").noconvert(), py::arg("fit_intercept"), py::arg("coef").noconvert(),
      py::arg("intercept").noconvert());

  m.def(
      "relative_error",
      [](bool fit_intercept, double weight, const DoubleArray& mean, const DoubleArray& tss,
         const DoubleArray& root, const DoubleArray& coef, const DoubleArray& intercept,
         const DoubleArray& error) {
        const auto K = matrix_of(root);
        const Index p = K.rows();
        const Index t = tss.size();
        check_size(mean, 2 * (p + t), "mean");
        check_size(coef, 2 * t * p, "coef");
        check_size(intercept, 2 * t, "intercept");
        check_size(error, t * (p + 1), "error");
        const Refinement judge{p, t, fit_intercept, weight, mean.data(), tss.data(), K, 1.0};
        double worst = 0.0;
        for (Index k = 0; k < t; ++k) {
          const double* of_target = error.data() + k * (p + 1);
          worst =
              std::max(worst, worst_relative_error(judge, k, coef.data() + k * p,
                                                   intercept.data()[k], of_target, of_target[p]));
        }
        return worst + unit_roundoff;
      },
      py::arg("fit_intercept"), py::arg("weight"), py::arg("mean").noconvert(),
      py::arg("tss").noconvert(), py::arg("root").noconvert(), py::arg("coef").noconvert(),
      py::arg("intercept").noconvert(), py::arg("error").noconvert());
}

}  // namespace fastlr
