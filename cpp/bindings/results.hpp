// What functions give back to Python.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <concepts>
#include <utility>
#include <vector>

#include "fastlr/algebra/dense.hpp"
#include "fastlr/matrices.hpp"

namespace fastlr {

namespace py = pybind11;

/// A matrix or vector as an array, which uses it up.
py::array array_of(Vector& vector);
py::array array_of(RowMatrix& matrix);
py::array array_of(Matrix& matrix);

inline py::object object_of(const py::object& value) { return value; }
inline py::object object_of(double value) { return py::float_(value); }
inline py::object object_of(const char* value) { return py::str(value); }
inline py::object object_of(Vector&& vector) { return array_of(vector); }
inline py::object object_of(RowMatrix&& matrix) { return array_of(matrix); }
inline py::object object_of(Matrix&& matrix) { return array_of(matrix); }
py::object object_of(const std::vector<Index>& values);

template <std::integral T>
py::object object_of(T value) {
  if constexpr (std::is_same_v<T, bool>) {
    return py::bool_(value);
  } else {
    return py::int_(value);
  }
}

void set_member(py::tuple& tuple, std::size_t at, py::object value);

/// Several results as one. py::make_tuple is a stack of templates for every list of types.
template <class... Values>
py::tuple results(Values&&... values) {
  py::tuple all(sizeof...(Values));
  std::size_t at = 0;
  (set_member(all, at++, object_of(std::forward<Values>(values))), ...);
  return all;
}

}  // namespace fastlr
