
#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "bindings/arguments.hpp"
#include "bindings/level_module.hpp"
#include "bindings/slots.hpp"
#include "fastlr/prediction/leave_one_out.hpp"
#include "fastlr/products/folds.hpp"

namespace fastlr {
namespace {

using Factors = std::vector<DoubleArray>;

/// One matrix (p, n_alphas), or two whose product it is.
PenaltyMatrix penalty_matrix_of(const Factors& factors, Index p, Index n_alphas) {
  require(factors.size() == 1 || factors.size() == 2, "a matrix has one factor or two");
  require(factors[0].ndim() == 2, "factors are matrices");
  const Index rank = factors[0].shape(1);
  check_size(factors[0], p * rank, "left factor");
  if (factors.size() == 1) {
    require(rank == n_alphas, "a column for each penalty");
    return {factors[0].data(), nullptr, rank};
  }
  check_size(factors[1], rank * n_alphas, "right factor");
  return {factors[0].data(), factors[1].data(), rank};
}

}  // namespace

void bind_folds(LevelModule& m) {
  bind_plan<plan_folds>(m, "plan_folds", "n_samples", "n_columns");
  m.def(
      "accumulate_folds",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         const DoubleArray& shift, const DoubleArray& scale,
         const py::array_t<std::int32_t, py::array::c_style>& label, Index part, int n_threads,
         py::array_t<double, py::array::c_style>& slots) {
        const Rows rows = rows_of(X, y);
        const SlotPlan plan = plan_folds(rows.n_samples, rows.n_columns());
        check_size(shift, rows.n_columns(), "shift");
        check_size(scale, rows.n_columns(), "scale");
        check_size(label, rows.n_samples, "label");
        require(slots.ndim() == 3 && part >= 0 && part < plan.n_parts, "no such slots, or part");
        const Index n_folds = slots.shape(0);
        check_size(slots, n_folds * plan.n_slots * plan.slot_size, "slots");
        const std::optional<Column> weight = weight_of(sample_weight, rows);
        const double* offset = shift.data();
        const double* factor = scale.data();
        const std::int32_t* labels = label.data();
        require(std::all_of(labels, labels + rows.n_samples,
                            [&](std::int32_t fold) { return fold >= 0 && fold < n_folds; }),
                "a label is no fold's");
        double* sums = slots.mutable_data();
        const Released release;
        accumulate_folds(rows, weight ? &*weight : nullptr, offset, factor, labels, n_folds, plan,
                         part, n_threads, sums);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("shift").noconvert(),
      py::arg("scale").noconvert(), py::arg("label").noconvert(), py::arg("part"),
      py::arg("n_threads"), py::arg("slots").noconvert());

  bind_plan<plan_leave_one_out>(m, "plan_leave_one_out", "n_samples", "n_features", "n_targets",
                                "n_alphas");
  m.def(
      "leave_one_out",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         const DoubleArray& mean, const DoubleArray& vectors, const Factors& inverse,
         const std::vector<Factors>& along, double of_mean, Index n_alphas, Index part,
         int n_threads, DoubleArray& slots, std::optional<DoubleArray>& errors) {
        const Rows rows = rows_of(X, y);
        const Index p = vectors.shape(0);
        const auto t = static_cast<Index>(along.size());
        require(p >= 1 && t >= 1 && n_alphas >= 1, "no features, targets or penalties");
        require(p + t == rows.n_columns(), "matrices of other columns");
        check_size(vectors, p * p, "vectors");
        check_size(mean, p + t, "mean");
        std::vector<PenaltyMatrix> of_targets;
        for (const Factors& factors : along)
          of_targets.push_back(penalty_matrix_of(factors, p, n_alphas));
        const LeaveOneOut fit{p,
                              t,
                              n_alphas,
                              mean.data(),
                              vectors.data(),
                              penalty_matrix_of(inverse, p, n_alphas),
                              of_targets.data(),
                              of_mean};
        const SlotPlan plan = plan_leave_one_out(rows.n_samples, p, t, n_alphas);
        if (errors) check_size(*errors, rows.n_samples * t * n_alphas, "errors");
        const std::optional<Column> weight = weight_of(sample_weight, rows);
        double* sums = slots_of(plan, part, slots);
        double* kept = errors ? errors->mutable_data() : nullptr;
        const Released release;
        leave_one_out(rows, weight ? &*weight : nullptr, fit, plan, part, n_threads, sums, kept);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("mean").noconvert(),
      py::arg("vectors").noconvert(), py::arg("inverse").noconvert(), py::arg("along").noconvert(),
      py::arg("of_mean"), py::arg("n_alphas"), py::arg("part"), py::arg("n_threads"),
      py::arg("slots").noconvert(), py::arg("errors").none(true).noconvert());
}

}  // namespace fastlr
