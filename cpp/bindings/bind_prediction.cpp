#include "bindings/arguments.hpp"
#include "bindings/level_module.hpp"
#include "fastlr/prediction/prediction.hpp"
#include "fastlr/sweeps/powers.hpp"

namespace fastlr {
namespace {

template <class Scalar>
Scalar* room_in(const py::array& out) {
  using Room = py::array_t<Scalar, py::array::c_style>;
  return Room::check_(out) ? py::reinterpret_borrow<Room>(out).mutable_data() : nullptr;
}

}  // namespace

void bind_prediction(LevelModule& m) {
  m.def(
      "predict",
      [](const py::object& X, Index first, Index last, const DoubleArray& coef,
         const DoubleArray& intercept, int n_threads, const py::array& out) {
        const Rows rows = rows_of(X, py::none());
        const Index n_targets = intercept.size();
        check_size(coef, n_targets * rows.n_columns(), "coef");
        check_size(out, n_targets * rows.n_samples, "out");
        if (first < 0 || last > rows.n_samples) throw py::value_error("rows out of range");
        const double* b = coef.data();
        const double* a = intercept.data();
        double* doubles = room_in<double>(out);
        float* floats = room_in<float>(out);
        if (doubles == nullptr && floats == nullptr)
          throw py::type_error("out must be a contiguous array of float64 or float32");
        const py::gil_scoped_release release;
        if (doubles != nullptr)
          predict(rows, first, last, b, a, n_targets, n_threads, doubles);
        else
          predict(rows, first, last, b, a, n_targets, n_threads, floats);
      },
      py::arg("X"), py::arg("first"), py::arg("last"), py::arg("coef").noconvert(),
      py::arg("intercept").noconvert(), py::arg("n_threads"), py::arg("out"));

  m.def(
      "powers",
      [](const py::array& x, Index degree) {
        const Column column = column_of(x);
        const Index n = x.shape(0);
        if (degree < 1) throw py::value_error("degree must be at least 1");
        DoubleArray high({degree, n});
        DoubleArray low({degree, n});
        double* out = high.mutable_data();
        double* rest = low.mutable_data();
        {
          const py::gil_scoped_release release;
          powers(column, n, degree, out, rest);
        }
        return results(high, low);
      },
      py::arg("x"), py::arg("degree"));

  m.def(
      "first_non_finite",
      [](const py::object& X) {
        const Rows rows = rows_of(X, py::none());
        Cell cell;
        {
          const py::gil_scoped_release release;
          cell = first_non_finite(rows);
        }
        return results(cell.row, cell.column);
      },
      py::arg("X"));
}

}  // namespace fastlr
