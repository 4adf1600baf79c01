#include "bindings/rows.hpp"

#include <string>

namespace fastlr {
namespace {

DType dtype_of(const py::array& array) {
  const py::dtype dtype = array.dtype();
  if (dtype.byteorder() == '>' && dtype.itemsize() > 1)
    throw py::type_error("kernels read native byte order only");
  switch (dtype.kind()) {
    case 'f':
      if (dtype.itemsize() == 8) return DType::f64;
      if (dtype.itemsize() == 4) return DType::f32;
      break;
    case 'i':
      if (dtype.itemsize() == 8) return DType::i64;
      if (dtype.itemsize() == 4) return DType::i32;
      if (dtype.itemsize() == 2) return DType::i16;
      return DType::i8;
    case 'u':
      if (dtype.itemsize() == 8) return DType::u64;
      if (dtype.itemsize() == 4) return DType::u32;
      if (dtype.itemsize() == 2) return DType::u16;
      return DType::u8;
    case 'b':
      return DType::u8;
    default:
      break;
  }
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
  if (sample_weight->shape(0) != rows.n_samples)
    throw py::value_error("sample_weight has the wrong size");
  return column_of(*sample_weight);
}

}  // namespace fastlr
