
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "bindings/arguments.hpp"
#include "bindings/level_module.hpp"
#include "fastlr/reading/label_codes.hpp"
#include "fastlr/sweeps/group_sums.hpp"

namespace fastlr {

void bind_groups(LevelModule& m) {
  m.def(
      "add_group_sums",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         const py::array& codes, Index n_levels, Index first, Index last, int n_threads,
         DoubleArray& sums) {
        const Rows rows = rows_of(X, y);
        const std::int32_t* levels = codes_of(codes);
        check_size(codes, rows.n_samples, "codes");
        check_size(sums, (rows.n_columns() + 1) * 2 * n_levels, "sums");
        require(first >= 0 && first <= last && last <= rows.n_samples, "rows out of range");
        for (Index i = first; i < last; ++i)
          require(levels[i] >= 0 && levels[i] < n_levels, "a code is no level");
        const std::optional<Column> weight = weight_of(sample_weight, rows);
        double* out = sums.mutable_data();
        const Released release;
        add_group_sums(rows, weight ? &*weight : nullptr, levels, n_levels, {first, last},
                       n_threads, out);
      },
      py::arg("X"), py::arg("y").none(true), py::arg("sample_weight").none(true), py::arg("codes"),
      py::arg("n_levels"), py::arg("first"), py::arg("last"), py::arg("n_threads"),
      py::arg("sums").noconvert());

  m.def(
      "number_labels",
      [](const py::array& labels) {
        require(
            labels.ndim() == 1 && labels.itemsize() >= 1 && (labels.flags() & py::array::c_style),
            "labels are a contiguous array of one axis");
        require(labels.size() <= std::numeric_limits<std::int32_t>::max(), "too many labels");
        require(
            std::string_view("biufcmMSUV").find(labels.dtype().kind()) != std::string_view::npos,
            "labels are known by their bytes");
        py::array_t<std::int32_t> codes(labels.size());
        const auto* bytes = static_cast<const std::byte*>(labels.data());
        const Index n = labels.size();
        const Index width = labels.itemsize();
        std::int32_t* out = codes.mutable_data();
        std::vector<Index> first_rows;
        {
          const Released release;
          first_rows = number_labels(bytes, n, width, out);
        }
        return py::make_tuple(
            codes, py::array_t<Index>(static_cast<Index>(first_rows.size()), first_rows.data()));
      },
      py::arg("labels").noconvert());
}

}  // namespace fastlr
