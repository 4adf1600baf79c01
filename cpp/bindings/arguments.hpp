// NumPy arrays as Rows: pointers, strides and types are read, data never copied.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <optional>

#include "fastlr/rows.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {

namespace py = pybind11;
using DoubleArray = py::array_t<double, py::array::c_style>;

/// A ValueError that says `what` unless all is well.
void require(bool is_good, const char* what);

/// A ValueError unless the array has so many values.
void check_size(const py::array& array, Index size, const char* name);

/// Levels of rows, (n,) of int32; a ValueError for other arrays.
const std::int32_t* codes_of(const py::array& codes);

/// Long algebra without the GIL, which Python gets back now and then to hear of signals.
class Released {
 public:
  Released() : turns_(&goes_on) {}

 private:
  static bool goes_on() {
    const py::gil_scoped_acquire held;
    return PyErr_CheckSignals() == 0;
  }
  py::gil_scoped_release release_;
  Turns turns_;
};

/// A 2-D array gives its columns, a 1-D array itself, sparse rows (fastlr.input.sparse) theirs, a
/// column of a category (fastlr.input.coded) itself; a list or tuple gives those of all its members
/// in turn.
void append_columns(const py::handle& source, Rows& rows);

/// Whether X is sparse rows.
bool is_sparse(const py::handle& source);

/// Sparse rows for those who ask for no column: `compressed` alone.
Rows sparse_rows_of(const py::handle& source);

/// The parts of rows that are mostly zeros, as scipy.sparse has them: for each of n_rows rows where
/// it starts, the columns and the values.
CompressedRows compressed_of(const py::handle& parts, Index n_rows, Index n_columns);

/// X's columns followed by y's.
Rows rows_of(const py::handle& X, const py::handle& y);

Column column_of(const py::array& array);

using OptionalArray = std::optional<py::array>;

/// Sample weights, if there are any: one for each row.
std::optional<Column> weight_of(const OptionalArray& sample_weight, const Rows& rows);

}  // namespace fastlr
