#include "bindings/results.hpp"

#include <algorithm>

namespace fastlr {
namespace {

/// Copying a small matrix costs less than an owner for Python to keep.
constexpr Index most_copied = 512;

/// `shape` and `strides` say how the values of a matrix lie; they go to the array, or with it.
template <class Dense>
py::array array_with(Dense& values, std::vector<Index> shape, std::vector<Index> strides) {
  const py::dtype type = py::dtype::of<double>();
  if (values.size() <= most_copied) {
    py::array array(type, std::move(shape), std::move(strides));
    std::copy_n(values.data(), values.size(), static_cast<double*>(array.mutable_data()));
    return array;
  }
  auto* kept = new Dense(std::move(values));
  const py::capsule owner(kept, [](void* data) { delete static_cast<Dense*>(data); });
  return py::array(type, std::move(shape), std::move(strides), kept->data(), owner);
}

constexpr Index size_of_value = sizeof(double);

}  // namespace

py::array array_of(Vector& vector) { return array_with(vector, {vector.size()}, {size_of_value}); }

py::array array_of(RowMatrix& matrix) {
  return array_with(matrix, {matrix.rows(), matrix.cols()},
                    {matrix.cols() * size_of_value, size_of_value});
}

py::array array_of(Matrix& matrix) {
  return array_with(matrix, {matrix.rows(), matrix.cols()},
                    {size_of_value, matrix.rows() * size_of_value});
}

py::object object_of(const std::vector<Index>& values) {
  py::list list(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) list[i] = py::int_(values[i]);
  return list;
}

void set_member(py::tuple& tuple, std::size_t at, py::object value) {
  PyTuple_SET_ITEM(tuple.ptr(), static_cast<Py_ssize_t>(at), value.release().ptr());
}

}  // namespace fastlr
