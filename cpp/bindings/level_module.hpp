// A Python module of the kernels of one CPU level. One bind_*.cpp per noun.
#pragma once

#include <pybind11/pybind11.h>

#include <initializer_list>
#include <stdexcept>
#include <utility>

#include "bindings/functions.hpp"
#include "fastlr/level/level.hpp"

namespace fastlr {

/// Defines functions as a pybind11 module does; each runs on the module's level.
class LevelModule {
 public:
  LevelModule(pybind11::module_ module, const Level& level)
      : module_(std::move(module)), level_(&level) {}

  /// `function` is a lambda that captures nothing; a py::arg for each of its arguments.
  template <class Lambda, class... Arguments>
  void def(const char* name, Lambda function, const Arguments&... arguments) {
    add(name, +function, {described_by(arguments)...});
  }

  auto attr(const char* name) { return module_.attr(name); }

 private:
  template <class Result, class... Arguments>
  void add(const char* name, Result (*function)(Arguments...),
           std::initializer_list<Described> arguments) {
    if (arguments.size() != sizeof...(Arguments)) throw std::logic_error(name);
    add_function(module_, *level_, name, reinterpret_cast<Function::Any>(function),
                 call_of<Result, Arguments...>, arguments);
  }

  pybind11::module_ module_;
  const Level* level_;
};

void bind_dependent(LevelModule& m);
void bind_descent(LevelModule& m);
void bind_moments(LevelModule& m);
void bind_networks(LevelModule& m);
void bind_double_double(LevelModule& m);
void bind_dual(LevelModule& m);
void bind_folds(LevelModule& m);
void bind_inference(LevelModule& m);
void bind_ladder(LevelModule& m);
void bind_penalised(LevelModule& m);
void bind_prediction(LevelModule& m);
void bind_roofline(LevelModule& m);
void bind_sparse(LevelModule& m);
void bind_groups(LevelModule& m);

}  // namespace fastlr
