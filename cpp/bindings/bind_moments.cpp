
#include <optional>
#include <string>
#include <vector>

#include "bindings/arguments.hpp"
#include "bindings/level_module.hpp"
#include "bindings/slots.hpp"
#include "fastlr/products/folds.hpp"
#include "fastlr/products/moments.hpp"

namespace fastlr {
namespace {

/// (weight, n_positive, sum_log_weight, mean, cross) of the shifted sums in `slots`, which are used
/// up.
py::tuple centred(const SlotPlan& plan, Index q, const double* shift, const double* scale,
                  double* slots) {
  DoubleArray mean({Index{2}, q});
  DoubleArray cross({q, q});
  double* means = mean.mutable_data();
  double* products = cross.mutable_data();
  WeightStatistics statistics;
  {
    const Released release;
    statistics = centre(plan, q, shift, scale, slots, means, products);
  }
  return results(statistics.weight, static_cast<Index>(statistics.n_positive),
                 statistics.sum_log_weight, mean, cross);
}

/// Two moments -> moments of all their rows, or of their difference.
template <auto operation>
void bind_pair(LevelModule& m, const char* name) {
  m.def(
      name,
      [](double weight_a, const DoubleArray& mean_a, const DoubleArray& cross_a, double weight_b,
         const DoubleArray& mean_b, const DoubleArray& cross_b) {
        const Index q = cross_a.shape(0);
        check_size(mean_a, 2 * q, "mean_a");
        check_size(mean_b, 2 * q, "mean_b");
        check_size(cross_a, q * q, "cross_a");
        check_size(cross_b, q * q, "cross_b");
        DoubleArray mean({Index{2}, q});
        DoubleArray cross({q, q});
        const double weight =
            operation(q, weight_a, mean_a.data(), cross_a.data(), weight_b, mean_b.data(),
                      cross_b.data(), mean.mutable_data(), cross.mutable_data());
        return results(weight, mean, cross);
      },
      py::arg("weight_a"), py::arg("mean_a").noconvert(), py::arg("cross_a").noconvert(),
      py::arg("weight_b"), py::arg("mean_b").noconvert(), py::arg("cross_b").noconvert());
}

}  // namespace

void bind_moments(LevelModule& m) {
  bind_plan<plan_pass>(m, "plan_pass", "n_samples", "n_columns");

  m.def(
      "provisional_shift",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight) {
        const Rows rows = rows_of(X, y);
        const std::optional<Column> weight = weight_of(sample_weight, rows);
        DoubleArray shift(rows.n_columns());
        provisional_shift(rows, weight ? &*weight : nullptr, shift.mutable_data());
        return shift;
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight") = py::none());

  m.def(
      "largest_deviation",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         const DoubleArray& shift, const DoubleArray& diagonal, int n_threads) {
        const Rows rows = rows_of(X, y);
        const std::optional<Column> weight = weight_of(sample_weight, rows);
        check_size(shift, rows.n_columns(), "shift");
        check_size(diagonal, rows.n_columns(), "diagonal");
        DoubleArray deviation(rows.n_columns());
        double* out = deviation.mutable_data();
        {
          const py::gil_scoped_release release;
          largest_deviation(rows, weight ? &*weight : nullptr, shift.data(), diagonal.data(),
                            n_threads, out);
        }
        return deviation;
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("shift").noconvert(),
      py::arg("diagonal").noconvert(), py::arg("n_threads"));

  m.attr("MOST_PASSES") = most_passes;
  m.def(
      "recentre",
      [](double weight, const DoubleArray& mean, const DoubleArray& cross, const DoubleArray& scale,
         DoubleArray& shift) {
        const Index q = cross.shape(0);
        check_size(mean, 2 * q, "mean");
        check_size(cross, q * q, "cross");
        check_size(scale, q, "scale");
        check_size(shift, q, "shift");
        DoubleArray summed_squares(q);
        const bool is_far = recentre(q, weight, mean.data(), cross.data(), scale.data(),
                                     shift.mutable_data(), summed_squares.mutable_data());
        return results(is_far, summed_squares);
      },
      py::arg("weight"), py::arg("mean").noconvert(), py::arg("cross").noconvert(),
      py::arg("scale").noconvert(), py::arg("shift").noconvert());

  m.def(
      "accumulate",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         const DoubleArray& shift, const DoubleArray& scale, Index part, int n_threads,
         DoubleArray& slots, const std::optional<DoubleArray>& basis) {
        const Rows rows = rows_of(X, y);
        const SlotPlan plan = plan_pass(rows.n_samples, rows.n_columns());
        check_size(shift, rows.n_columns(), "shift");
        check_size(scale, rows.n_columns(), "scale");
        const std::optional<Column> weight = weight_of(sample_weight, rows);
        double* sums = slots_of(plan, part, slots);
        const double* offset = shift.data();
        const double* factor = scale.data();
        const double* K = basis ? basis->data() : nullptr;
        const Index n_features = basis ? basis->shape(0) : 0;
        if (basis && (basis->size() != n_features * n_features || n_features > rows.n_columns()))
          throw py::value_error("basis has the wrong size");
        const Released release;
        accumulate(rows, weight ? &*weight : nullptr, offset, factor, K, n_features, plan, part,
                   n_threads, sums);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("shift").noconvert(),
      py::arg("scale").noconvert(), py::arg("part"), py::arg("n_threads"),
      py::arg("slots").noconvert(), py::arg("basis") = py::none());

  m.def(
      "centre",
      [](Index n_samples, Index n_columns, const DoubleArray& shift, const DoubleArray& scale,
         DoubleArray& slots) {
        const SlotPlan plan = plan_pass(n_samples, n_columns);
        check_size(shift, n_columns, "shift");
        check_size(scale, n_columns, "scale");
        return centred(plan, n_columns, shift.data(), scale.data(), slots_of(plan, slots));
      },
      py::arg("n_samples"), py::arg("n_columns"), py::arg("shift").noconvert(),
      py::arg("scale").noconvert(), py::arg("slots").noconvert());

  m.def(
      "centre_folds",
      [](Index n_samples, Index n_columns, const DoubleArray& shift, DoubleArray& slots) {
        const SlotPlan plan = plan_folds(n_samples, n_columns);
        check_size(shift, n_columns, "shift");
        require(slots.ndim() == 3, "slots of several folds");
        check_size(slots, slots.shape(0) * plan.n_slots * plan.slot_size, "slots");
        const std::vector<double> scale(static_cast<std::size_t>(n_columns), 1.0);
        py::list folds;
        for (Index fold = 0; fold < slots.shape(0); ++fold)
          folds.append(
              centred(plan, n_columns, shift.data(), scale.data(), slots.mutable_data(fold)));
        return folds;
      },
      py::arg("n_samples"), py::arg("n_columns"), py::arg("shift").noconvert(),
      py::arg("slots").noconvert());

  bind_pair<merge>(m, "merge");
  bind_pair<subtract>(m, "subtract");
}

}  // namespace fastlr
