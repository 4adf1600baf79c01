
#include <optional>

#include "bindings/arguments.hpp"
#include "bindings/level_module.hpp"
#include "fastlr/products/sparse_products.hpp"

namespace fastlr {
namespace {

using Counts = py::array_t<std::int64_t, py::array::c_style>;

}  // namespace

void bind_sparse(LevelModule& m) {
  m.def(
      "survey_sparse",
      [](const py::object& parts, Index n_samples, Index n_columns) {
        const CompressedRows X = compressed_of(parts, n_samples, n_columns);
        SparseSurvey survey;
        {
          const Released release;
          survey = survey_sparse(X);
        }
        Counts counts(n_columns);
        std::copy(survey.column_counts.begin(), survey.column_counts.end(), counts.mutable_data());
        return results(survey.is_sound, survey.is_canonical, survey.n_products, counts);
      },
      py::arg("parts"), py::arg("n_samples"), py::arg("n_columns"));

  m.def(
      "sparse_sums_size",
      [](Index n_sparse, Index n_dense) { return SparseLayout{n_sparse, n_dense}.total(); },
      py::arg("n_sparse"), py::arg("n_dense"));

  m.def(
      "accumulate_sparse",
      [](const py::object& parts, Index n_columns, const py::object& dense,
         const OptionalArray& sample_weight, const DoubleArray& shift, const Counts& column_counts,
         Index first, Index last, int n_threads, DoubleArray& sums) {
        const Rows rows = rows_of(dense, py::none());
        const CompressedRows X = compressed_of(parts, rows.n_samples, n_columns);
        check_size(shift, rows.n_columns(), "shift");
        check_size(column_counts, n_columns, "column_counts");
        check_size(sums, SparseLayout{n_columns, rows.n_columns()}.total(), "sums");
        require(first >= 0 && first <= last && last <= rows.n_samples, "rows out of range");
        const std::optional<Column> weight = weight_of(sample_weight, rows);
        const double* offset = shift.data();
        const std::vector<Index> counts(column_counts.data(), column_counts.data() + n_columns);
        double* out = sums.mutable_data();
        const Released release;
        accumulate_sparse(X, rows, weight ? &*weight : nullptr, offset, counts.data(),
                          {first, last}, n_threads, out);
      },
      py::arg("parts"), py::arg("n_columns"), py::arg("dense"), py::arg("sample_weight").none(true),
      py::arg("shift").noconvert(), py::arg("column_counts").noconvert(), py::arg("first"),
      py::arg("last"), py::arg("n_threads"), py::arg("sums").noconvert());

  m.def(
      "centre_sparse",
      [](Index n_sparse, Index n_dense, const DoubleArray& shift, const DoubleArray& sums) {
        const SparseLayout layout{n_sparse, n_dense};
        const Index q = n_sparse + n_dense;
        check_size(shift, n_dense, "shift");
        check_size(sums, layout.total(), "sums");
        DoubleArray mean({Index{2}, q});
        DoubleArray cross({q, q});
        double* means = mean.mutable_data();
        double* products = cross.mutable_data();
        WeightStatistics statistics;
        {
          const Released release;
          statistics = centre_sparse(layout, shift.data(), sums.data(), means, products);
        }
        return results(statistics.weight, static_cast<Index>(statistics.n_positive),
                       statistics.sum_log_weight, mean, cross);
      },
      py::arg("n_sparse"), py::arg("n_dense"), py::arg("shift").noconvert(),
      py::arg("sums").noconvert());

  m.def(
      "predict_sparse",
      [](const py::object& parts, Index n_samples, Index n_columns, Index first, Index last,
         const DoubleArray& coef, const DoubleArray& intercept, int n_threads, DoubleArray& out) {
        const CompressedRows X = compressed_of(parts, n_samples, n_columns);
        const Index n_targets = intercept.size();
        check_size(coef, n_targets * n_columns, "coef");
        check_size(out, n_targets * n_samples, "out");
        require(first >= 0 && first <= last && last <= n_samples, "rows out of range");
        const double* b = coef.data();
        const double* a = intercept.data();
        double* target = out.mutable_data();
        const py::gil_scoped_release release;
        predict_sparse(X, {first, last}, b, a, n_targets, n_threads, target);
      },
      py::arg("parts"), py::arg("n_samples"), py::arg("n_columns"), py::arg("first"),
      py::arg("last"), py::arg("coef").noconvert(), py::arg("intercept").noconvert(),
      py::arg("n_threads"), py::arg("out").noconvert());
}

}  // namespace fastlr
