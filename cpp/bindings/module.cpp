// Table of contents of one compiled variant.
#include <omp.h>

#include <cctype>
#include <cstdlib>
#include <limits>

#include "bindings/nouns.hpp"
#include "fastlr/row_blocks.hpp"
#include "fastlr/turns.hpp"
#include "fastlr/views.hpp"

namespace py = pybind11;

#define FASTLR_STRING_OF(x) #x
#define FASTLR_STRING(x) FASTLR_STRING_OF(x)

namespace {

/// Bytes in "512", "512k", "16 M": a number of kibibytes unless a letter follows; 0 if it is none.
std::size_t parsed_size(const char* text) {
  if (text == nullptr) return 0;
  char* end = nullptr;
  const unsigned long long number = std::strtoull(text, &end, 10);
  if (end == text) return 0;
  while (std::isspace(static_cast<unsigned char>(*end)) != 0) ++end;
  int shift = 10;
  switch (std::tolower(static_cast<unsigned char>(*end))) {
    case 'b':
      shift = 0;
      break;
    case 'm':
      shift = 20;
      break;
    case 'g':
      shift = 30;
      break;
    default:
      break;
  }
  const bool fits = number <= std::numeric_limits<std::size_t>::max() >> shift;
  return fits ? static_cast<std::size_t>(number) << shift : 0;
}

/// What GNU OpenMP has read by now: the first of its variables that is set.
std::size_t asked_stack_size() {
  for (const char* name : {"OMP_STACKSIZE", "GOMP_STACKSIZE", "OMP_STACKSIZE_ALL"})
    if (const std::size_t size = parsed_size(std::getenv(name))) return size;
  return 0;
}

}  // namespace

PYBIND11_MODULE(FASTLR_MODULE, m, py::mod_gil_not_used()) {
  m.doc() = "fastlr kernels for one CPU level: functions from arrays to arrays.";

  fastlr::team_stack_size() = asked_stack_size();

  py::register_local_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const fastlr::Interrupted&) {
      // Python has set the error: KeyboardInterrupt, or what a signal handler raised.
    }
  });
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
