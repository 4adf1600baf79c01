
#include <optional>

#include "bindings/arguments.hpp"
#include "bindings/level_module.hpp"
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
}

}  // namespace fastlr
