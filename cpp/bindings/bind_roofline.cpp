#include "bindings/arguments.hpp"
#include "bindings/level_module.hpp"
#include "fastlr/measuring/roofline.hpp"

namespace fastlr {

void bind_roofline(LevelModule& m) {
  m.def(
      "measure_bandwidth",
      [](const DoubleArray& values, int n_threads) {
        const double* data = values.data();
        const Index size = values.size();
        const py::gil_scoped_release release;
        return measure_bandwidth(data, size, n_threads);
      },
      py::arg("values").noconvert(), py::arg("n_threads"));

  m.def(
      "measure_flops",
      [](Index n, int n_threads) {
        const py::gil_scoped_release release;
        return measure_flops(n, n_threads);
      },
      py::arg("n"), py::arg("n_threads"));

  m.def(
      "measure_tile",
      [](Index n, int n_threads) {
        const py::gil_scoped_release release;
        return measure_tile(n, n_threads);
      },
      py::arg("n"), py::arg("n_threads"));
}

}  // namespace fastlr
