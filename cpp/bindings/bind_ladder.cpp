
#include <array>
#include <optional>
#include <string>

#include "bindings/arguments.hpp"
#include "bindings/level_module.hpp"
#include "bindings/slots.hpp"
#include "bindings/solutions.hpp"
#include "fastlr/algebra/condition_number.hpp"
#include "fastlr/algebra/ladder.hpp"
#include "fastlr/algebra/preconditioned.hpp"

namespace fastlr {
namespace {

py::tuple basis_tuple(TriangularBasis& basis) {
  return results(std::move(basis.K), std::move(basis.R), std::move(basis.coef),
                 basis.is_orthonormal);
}

Accuracy accuracy_of(const std::string& name) {
  if (name == "fast") return Accuracy::fast;
  if (name == "auto") return Accuracy::automatic;
  if (name == "max") return Accuracy::max;
  throw py::value_error("unknown accuracy " + name);
}

constexpr std::array climbed_fields{
    "is_in_range", "n_samples",       "weight",   "sum_log_weight", "mean",
    "cross",       "summed_squares",  "n_passes", "n_sweeps",       "condition_number",
    "digits",      "relevant_digits", "solution"};

/// In the order of these fields, in which Python's ladder takes it apart; uses the ladder up.
py::tuple tuple_of(Ladder& ladder) {
  py::object solution = py::none();
  if (ladder.is_complete) solution = tuple_of(ladder.finished);
  return results(ladder.is_in_range, ladder.n_samples, ladder.statistics.weight,
                 ladder.statistics.sum_log_weight, array_of(ladder.mean), array_of(ladder.cross),
                 array_of(ladder.summed_squares), ladder.n_passes, ladder.n_sweeps,
                 ladder.solution.condition_number, digits_of(ladder.relative_error.worst),
                 digits_of(ladder.relative_error.relevant), solution);
}

}  // namespace

void bind_ladder(LevelModule& m) {
  m.attr("SCALED_SOLUTION_FIELDS") = names_of(scaled_solution_fields);
  m.attr("SOLUTION_FIELDS") = names_of(solution_fields);
  m.attr("CLIMBED_FIELDS") = names_of(climbed_fields);
  m.attr("CONVERGED") = static_cast<double>(Refining::converged);
  m.attr("PROGRESS_STATE") = static_cast<Index>(progress_state);
  m.attr("PROGRESS_RSS") = static_cast<Index>(progress_rss);
  m.attr("PROGRESS_RELATIVE_ERROR") = static_cast<Index>(progress_relative_error);
  m.attr("PROGRESS_CONTRACTION") = static_cast<Index>(progress_contraction);
  m.attr("PROGRESS_ERROR") = static_cast<Index>(progress_error);
  m.attr("PROGRESS_SIZE") = static_cast<Index>(progress_size);
  m.attr("ALWAYS_POLISHED") = always_polished;
  m.attr("AUTOMATIC_TOLERANCE") = automatic_tolerance;
  m.attr("ENOUGH_DIGITS") = enough_digits;
  m.attr("LARGEST_SQUARED_CONDITION") = largest_squared_condition;
  m.attr("SHARP_SQUARED_CONDITION") = sharp_squared_condition;
  m.def(
      "climb",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         bool fit_intercept, const std::string& accuracy, int n_threads, bool with_condition) {
        Rows rows = rows_of(X, py::none());
        const Index p = rows.n_columns();
        append_columns(y, rows);
        const std::optional<Column> weight = weight_of(sample_weight, rows);
        const Accuracy wanted = accuracy_of(accuracy);
        Ladder ladder;
        {
          const Released release;
          ladder = climb(rows, weight ? &*weight : nullptr, p, fit_intercept, wanted, n_threads,
                         with_condition);
        }
        return tuple_of(ladder);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("fit_intercept"),
      py::arg("accuracy"), py::arg("n_threads"), py::arg("with_condition") = true);

  m.def(
      "solve_normal_equations",
      [](Index n_features, double weight, const DoubleArray& mean, const DoubleArray& cross,
         bool fit_intercept, const std::optional<DoubleArray>& penalty, bool truncate,
         double n_samples, const std::optional<DoubleArray>& summed_squares,
         const std::optional<DoubleArray>& units, int n_threads) {
        if (penalty) check_size(*penalty, n_features, "penalty");
        if (summed_squares) check_size(*summed_squares, mean.size() / 2, "summed_squares");
        if (units) check_size(*units, mean.size() / 2, "units");
        MomentsView moments = view_of(n_features, weight, mean, cross,
                                      summed_squares ? summed_squares->data() : nullptr);
        moments.units = units ? units->data() : nullptr;
        const double* penalties = penalty ? penalty->data() : nullptr;
        ScaledSolution s;
        RelativeError relative_error;
        bool enough = false;
        {
          const Released release;
          s = solve_normal_equations(moments, fit_intercept, penalties, truncate, true, n_threads);
          relative_error = relative_error_of(s, fit_intercept, weight);
          enough = suffices(s, weight, n_dof_of(n_samples, s.rank, fit_intercept));
        }
        return results(tuple_of(s), digits_of(relative_error.worst),
                       digits_of(relative_error.relevant), enough);
      },
      py::arg("n_features"), py::arg("weight"), py::arg("mean").noconvert(),
      py::arg("cross").noconvert(), py::arg("fit_intercept"), py::arg("penalty") = py::none(),
      py::arg("truncate") = true, py::arg("n_samples") = 0.0,
      py::arg("summed_squares") = py::none(), py::arg("units") = py::none(),
      py::arg("n_threads") = 1);

  bind_plan<plan_sweep>(m, "plan_sweep", "n_samples", "n_columns", "n_targets");

  m.def(
      "sweep",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         const DoubleArray& scale, Index n_terms, const DoubleArray& coef,
         const DoubleArray& intercept, Index part, int n_threads, DoubleArray& slots) {
        Rows rows = is_sparse(X) ? sparse_rows_of(X) : rows_of(X, py::none());
        const Index n_columns = rows.n_columns();
        append_columns(y, rows);
        const std::optional<Column> weight = weight_of(sample_weight, rows);
        const Index t = rows.n_columns() - n_columns;
        check_size(scale, rows.n_columns(), "scale");
        if (n_terms < 1 || n_columns % n_terms != 0)
          throw py::value_error("n_terms differ in size");
        const SweepProblem problem{
            rows, weight ? &*weight : nullptr, scale.data(), n_columns / n_terms, t, n_terms};
        check_size(coef, 2 * t * problem.n_features, "coef");
        check_size(intercept, 2 * t, "intercept");
        const SlotPlan plan = plan_sweep(rows.n_samples, n_columns, t);
        double* sums = slots_of(plan, part, slots);
        const Released release;
        sweep(problem, coef.data(), intercept.data(), plan, part, n_threads, sums);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("scale").noconvert(),
      py::arg("n_terms"), py::arg("coef").noconvert(), py::arg("intercept").noconvert(),
      py::arg("part"), py::arg("n_threads"), py::arg("slots").noconvert());

  m.def(
      "sweep_totals",
      [](Index n_samples, Index p, Index t, Index n_terms, const DoubleArray& slots) {
        const SlotPlan plan = plan_sweep(n_samples, n_terms * p, t);
        const double* sums = slots_of(plan, slots);
        const Rows none;
        const SweepProblem problem{none, nullptr, nullptr, p, t, n_terms};
        DoubleArray gradient({Index{2}, t, p});
        DoubleArray sum({Index{2}, t});
        DoubleArray rss(t);
        for (Index k = 0; k < t; ++k) {
          const SweepTotals totals = sweep_totals(problem, plan, k, sums);
          for (Index j = 0; j < p; ++j) {
            gradient.mutable_at(0, k, j) = totals.gradient[static_cast<std::size_t>(j)].hi;
            gradient.mutable_at(1, k, j) = totals.gradient[static_cast<std::size_t>(j)].lo;
          }
          sum.mutable_at(0, k) = totals.sum.hi;
          sum.mutable_at(1, k) = totals.sum.lo;
          rss.mutable_at(k) = totals.rss;
        }
        return results(gradient, sum, rss);
      },
      py::arg("n_samples"), py::arg("n_features"), py::arg("n_targets"), py::arg("n_terms"),
      py::arg("slots").noconvert());

  m.def(
      "refine",
      [](Index n_samples, Index n_terms, const DoubleArray& slots, bool fit_intercept,
         double weight, const DoubleArray& mean, const DoubleArray& tss, const DoubleArray& root,
         double tolerance, DoubleArray& coef, DoubleArray& intercept, DoubleArray& progress) {
        const auto K = matrix_of(root);
        const Index p = K.rows();
        const Index t = tss.size();
        check_size(mean, 2 * (p + t), "mean");
        check_size(coef, 2 * t * p, "coef");
        check_size(intercept, 2 * t, "intercept");
        check_size(progress, t * progress_size, "progress");
        const SlotPlan plan = plan_sweep(n_samples, n_terms * p, t);
        const double* sums = slots_of(plan, slots);
        const Refinement refinement{p,          t, fit_intercept, weight,   mean.data(),
                                    tss.data(), K, 1.0,           tolerance};
        const Rows none;
        const SweepProblem problem{none, nullptr, nullptr, p, t, n_terms};
        double* b = coef.mutable_data();
        double* a = intercept.mutable_data();
        double* so_far = progress.mutable_data();
        const Released release;
        return refine(refinement, problem, plan, sums, b, a, so_far);
      },
      py::arg("n_samples"), py::arg("n_terms"), py::arg("slots").noconvert(),
      py::arg("fit_intercept"), py::arg("weight"), py::arg("mean").noconvert(),
      py::arg("tss").noconvert(), py::arg("root").noconvert(), py::arg("tolerance"),
      py::arg("coef").noconvert(), py::arg("intercept").noconvert(),
      py::arg("progress").noconvert());

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
        Solution f = [&] {
          const Released release;
          return finish(refinement, scale.data(), coef.data(), intercept.data(), rss.data(), n_dof);
        }();
        return tuple_of(f);
      },
      py::arg("fit_intercept"), py::arg("weight"), py::arg("mean").noconvert(),
      py::arg("tss").noconvert(), py::arg("root").noconvert(), py::arg("scale").noconvert(),
      py::arg("coef").noconvert(), py::arg("intercept").noconvert(), py::arg("rss").noconvert(),
      py::arg("n_dof"));

  m.def(
      "first_basis",
      [](Index n_features, double weight, const DoubleArray& mean, const DoubleArray& cross,
         bool fit_intercept, int n_threads) {
        const MomentsView moments = view_of(n_features, weight, mean, cross);
        TriangularBasis basis;
        {
          const Released release;
          basis = first_basis(moments, fit_intercept, n_threads);
        }
        return basis_tuple(basis);
      },
      py::arg("n_features"), py::arg("weight"), py::arg("mean").noconvert(),
      py::arg("cross").noconvert(), py::arg("fit_intercept"), py::arg("n_threads") = 1);
  m.def(
      "next_basis",
      [](const DoubleArray& K, const DoubleArray& R, double weight, const DoubleArray& mean,
         const DoubleArray& cross, bool fit_intercept, int n_threads) {
        const MomentsView moments = view_of(K.shape(0), weight, mean, cross);
        TriangularBasis basis;
        {
          const Released release;
          basis = next_basis(matrix_of(K), matrix_of(R), moments, fit_intercept, n_threads);
        }
        return basis_tuple(basis);
      },
      py::arg("K").noconvert(), py::arg("R").noconvert(), py::arg("weight"),
      py::arg("mean").noconvert(), py::arg("cross").noconvert(), py::arg("fit_intercept"),
      py::arg("n_threads") = 1);

  m.def(
      "condition_number",
      [](const DoubleArray& R, const DoubleArray& K) {
        check_size(K, R.size(), "K");
        const Released release;
        return condition_number(matrix_of(R), matrix_of(K));
      },
      py::arg("R").noconvert(), py::arg("K").noconvert());

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
        return relative_error_of_all(judge, coef.data(), intercept.data(), error.data());
      },
      py::arg("fit_intercept"), py::arg("weight"), py::arg("mean").noconvert(),
      py::arg("tss").noconvert(), py::arg("root").noconvert(), py::arg("coef").noconvert(),
      py::arg("intercept").noconvert(), py::arg("error").noconvert());
}

}  // namespace fastlr
