
#include <optional>

#include "bindings/arguments.hpp"
#include "bindings/level_module.hpp"
#include "bindings/slots.hpp"
#include "bindings/solutions.hpp"
#include "fastlr/algebra/double_double_solve.hpp"
#include "fastlr/sweeps/double_double_moments.hpp"

namespace fastlr {
void bind_double_double(LevelModule& m) {
  bind_plan<plan_double_double>(m, "plan_double_double", "n_samples", "n_columns");

  m.def(
      "accumulate_double_double",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         const DoubleArray& shift, const DoubleArray& scale, Index part, int n_threads,
         DoubleArray& slots) {
        const Rows rows = rows_of(X, y);
        const SlotPlan plan = plan_double_double(rows.n_samples, rows.n_columns());
        check_size(shift, rows.n_columns(), "shift");
        check_size(scale, rows.n_columns(), "scale");
        const std::optional<Column> weight = weight_of(sample_weight, rows);
        double* sums = slots_of(plan, part, slots);
        const py::gil_scoped_release release;
        accumulate_double_double(rows, weight ? &*weight : nullptr, shift.data(), scale.data(),
                                 plan, part, n_threads, sums);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("shift").noconvert(),
      py::arg("scale").noconvert(), py::arg("part"), py::arg("n_threads"),
      py::arg("slots").noconvert());

  m.def(
      "centre_double_double",
      [](Index n_samples, Index q, const DoubleArray& shift, const DoubleArray& scale,
         const DoubleArray& slots) {
        const SlotPlan plan = plan_double_double(n_samples, q);
        check_size(shift, q, "shift");
        check_size(scale, q, "scale");
        const double* sums = slots_of(plan, slots);
        DoubleArray mean({Index{2}, q});
        DoubleArray cross({Index{2}, q, q});
        const double weight = centre_double_double(plan, q, shift.data(), scale.data(), sums,
                                                   mean.mutable_data(), cross.mutable_data());
        return results(weight, mean, cross);
      },
      py::arg("n_samples"), py::arg("n_columns"), py::arg("shift").noconvert(),
      py::arg("scale").noconvert(), py::arg("slots").noconvert());

  m.def(
      "merge_double_double",
      [](double sign, double weight_a, const DoubleArray& mean_a, const DoubleArray& cross_a,
         double weight_b, const DoubleArray& mean_b, const DoubleArray& cross_b) {
        const Index q = mean_a.size() / 2;
        require(
            mean_b.size() == 2 * q && cross_a.size() == 2 * q * q && cross_b.size() == 2 * q * q,
            "moments differ in size");
        DoubleArray mean({Index{2}, q});
        DoubleArray cross({Index{2}, q, q});
        const double weight = merge_double_double(q, sign, weight_a, mean_a.data(), cross_a.data(),
                                                  weight_b, mean_b.data(), cross_b.data(),
                                                  mean.mutable_data(), cross.mutable_data());
        return results(weight, mean, cross);
      },
      py::arg("sign"), py::arg("weight_a"), py::arg("mean_a").noconvert(),
      py::arg("cross_a").noconvert(), py::arg("weight_b"), py::arg("mean_b").noconvert(),
      py::arg("cross_b").noconvert());

  m.def(
      "solve_double_double",
      [](Index n_features, double weight, const DoubleArray& mean, const DoubleArray& cross,
         bool fit_intercept, const std::optional<DoubleArray>& penalty, bool truncate,
         const std::optional<DoubleArray>& summed_squares,
         const std::optional<DoubleArray>& units) {
        const Index q = mean.size() / 2;
        require(cross.size() == 2 * q * q && n_features >= 0 && n_features <= q,
                "cross must be (2, q, q)");
        if (penalty) check_size(*penalty, n_features, "penalty");
        if (summed_squares) check_size(*summed_squares, q, "summed_squares");
        if (units) check_size(*units, q, "units");
        const MomentsView moments{n_features,
                                  q - n_features,
                                  weight,
                                  mean.data(),
                                  cross.data(),
                                  summed_squares ? summed_squares->data() : nullptr,
                                  unit_roundoff * unit_roundoff,
                                  units ? units->data() : nullptr};
        const double* penalties = penalty ? penalty->data() : nullptr;
        ScaledSolution s;
        double relative_error = 0.0;
        {
          const Released release;
          s = solve_double_double(moments, fit_intercept, penalties, truncate, relative_error);
        }
        return results(tuple_of(s), digits_of(relative_error));
      },
      py::arg("n_features"), py::arg("weight"), py::arg("mean").noconvert(),
      py::arg("cross").noconvert(), py::arg("fit_intercept"), py::arg("penalty").none(true),
      py::arg("truncate"), py::arg("summed_squares") = py::none(), py::arg("units") = py::none());
}

}  // namespace fastlr
