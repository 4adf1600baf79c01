// Table of contents of one compiled variant.
#include <omp.h>

#include "bindings/nouns.hpp"
#include "fastlr/views.hpp"

namespace py = pybind11;

#define FASTLR_STRING_OF(x) #x
#define FASTLR_STRING(x) FASTLR_STRING_OF(x)

PYBIND11_MODULE(FASTLR_MODULE, m, py::mod_gil_not_used()) {
  m.doc() = "fastlr kernels for one CPU level: functions from arrays to arrays.";

  fastlr::bind_dependent(m);
  fastlr::bind_descent(m);
  fastlr::bind_moments(m);
  fastlr::bind_double_double(m);
  fastlr::bind_dual(m);
  fastlr::bind_ladder(m);
  fastlr::bind_prediction(m);
  fastlr::bind_roofline(m);

  m.def("build_info", [] {
    py::dict info;
    info["level"] = FASTLR_STRING(FASTLR_LEVEL);
    info["compiler"] = __VERSION__;
    info["eigen"] = FASTLR_STRING(EIGEN_WORLD_VERSION) "." FASTLR_STRING(
        EIGEN_MAJOR_VERSION) "." FASTLR_STRING(EIGEN_MINOR_VERSION);
    info["openmp"] = _OPENMP;
    return info;
  });
  m.def("max_threads", [] { return omp_get_max_threads(); });
}
