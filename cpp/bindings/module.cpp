// The extension: it loads level libraries, and binds the table of each as a module of its own.

#include <cctype>
#include <cstdlib>
#include <limits>

#include "bindings/bind_text.hpp"
#include "bindings/level_module.hpp"
#include "fastlr/level/cpu_levels.hpp"

namespace py = pybind11;

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

/// A module with the kernels of the level library at `path`.
py::module_ load(const char* name, const std::string& path) {
  const fastlr::Level& level = fastlr::load_level(path.c_str());
  auto module = py::reinterpret_steal<py::module_>(PyModule_New(name));
  if (!module) throw py::error_already_set();
  module.doc() = "fastlr kernels for one CPU level: functions from arrays to arrays.";
  fastlr::LevelModule m(module, level);
  fastlr::bind_dependent(m);
  fastlr::bind_descent(m);
  fastlr::bind_moments(m);
  fastlr::bind_networks(m);
  fastlr::bind_double_double(m);
  fastlr::bind_dual(m);
  fastlr::bind_folds(m);
  fastlr::bind_inference(m);
  fastlr::bind_ladder(m);
  fastlr::bind_penalised(m);
  fastlr::bind_prediction(m);
  fastlr::bind_roofline(m);
  fastlr::bind_sparse(m);
  fastlr::bind_groups(m);
  fastlr::bind_text(m);
  m.def("max_threads", [] { return fastlr::max_threads(); });
  m.def("build_info", [] {
    const fastlr::Level& used = fastlr::level_in_use();
    py::dict info;
    info["level"] = used.name;
    info["build"] = used.build;
    info["compiler"] = used.compiler;
    info["eigen"] = used.eigen;
    info["openmp"] = used.openmp;
    return info;
  });
  level.team_stack_size() = asked_stack_size();
  return module;
}

}  // namespace

PYBIND11_MODULE(_core, m, py::mod_gil_not_used()) {
  m.doc() = "Loads the kernels of CPU levels.";
  m.def("supported_levels", [] {
    py::list names;
    for (const std::string& name : fastlr::supported_levels()) names.append(name);
    return names;
  });
  m.def("load", &load, py::arg("name"), py::arg("path"));
}
