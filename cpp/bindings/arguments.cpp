#include "bindings/arguments.hpp"

#include <bit>
#include <string>

namespace fastlr {
namespace {

struct Readable {
  char kind;
  Index size;
  DType native;
  DType swapped;
};

constexpr Readable readable[] = {
    {'f', 8, DType::f64, DType::swapped_f64},
    {'f', 4, DType::f32, DType::swapped_f32},
    {'f', 2, DType::f16, DType::swapped_f16},
    {'i', 8, DType::i64, DType::swapped_i64},
    {'i', 4, DType::i32, DType::swapped_i32},
    {'i', 2, DType::i16, DType::swapped_i16},
    {'i', 1, DType::i8, DType::i8},
    {'u', 8, DType::u64, DType::swapped_u64},
    {'u', 4, DType::u32, DType::swapped_u32},
    {'u', 2, DType::u16, DType::swapped_u16},
    {'u', 1, DType::u8, DType::u8},
    {'b', 1, DType::boolean, DType::boolean},
    {'f', sizeof(long double), DType::extended, DType::swapped_extended},
};

DType dtype_of(const py::array& array) {
  constexpr char other_order = std::endian::native == std::endian::little ? '>' : '<';
  const py::dtype dtype = array.dtype();
  for (const Readable& type : readable)
    if (type.kind == dtype.kind() && type.size == dtype.itemsize())
      return dtype.byteorder() == other_order ? type.swapped : type.native;
  throw py::type_error("kernels cannot read dtype " + std::string(py::str(dtype)));
}

void check_rows(Rows& rows, Index n_samples) {
  if (rows.columns.empty()) {
    rows.n_samples = n_samples;
  } else if (rows.n_samples != n_samples) {
    throw py::value_error("columns of " + std::to_string(rows.n_samples) + " and of " +
                          std::to_string(n_samples) + " rows cannot form one table");
  }
}

}  // namespace

void require(bool is_good, const char* what) {
  if (!is_good) throw py::value_error(what);
}

void check_size(const py::array& array, Index size, const char* name) {
  if (array.size() != size) throw py::value_error(std::string(name) + " has the wrong size");
}

Column column_of(const py::array& array) {
  if (array.ndim() != 1) throw py::value_error("expected a 1-D array");
  return {static_cast<const std::byte*>(array.data()), array.strides(0), dtype_of(array)};
}

void append_columns(const py::handle& source, Rows& rows) {
  if (py::isinstance<py::list>(source) || py::isinstance<py::tuple>(source)) {
    for (const py::handle member : source) append_columns(member, rows);
    return;
  }
  if (!py::isinstance<py::array>(source))
    throw py::type_error("expected arrays or a list of arrays");
  const auto array = py::reinterpret_borrow<py::array>(source);
  if (array.ndim() == 1) {
    check_rows(rows, array.shape(0));
    rows.columns.push_back(column_of(array));
    return;
  }
  if (array.ndim() != 2) throw py::value_error("expected 1-D or 2-D arrays");
  check_rows(rows, array.shape(0));
  const auto* data = static_cast<const std::byte*>(array.data());
  const DType dtype = dtype_of(array);
  for (Index j = 0; j < array.shape(1); ++j)
    rows.columns.push_back({data + j * array.strides(1), array.strides(0), dtype});
}

Rows rows_of(const py::handle& X, const py::handle& y) {
  Rows rows;
  append_columns(X, rows);
  if (!y.is_none()) append_columns(y, rows);
  return rows;
}

std::optional<Column> weight_of(const OptionalArray& sample_weight, const Rows& rows) {
  if (!sample_weight) return std::nullopt;
  check_size(*sample_weight, rows.n_samples, "sample_weight");
  return column_of(*sample_weight);
}

}  // namespace fastlr
