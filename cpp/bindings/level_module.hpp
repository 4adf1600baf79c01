// A Python module of the kernels of one CPU level. One bind_*.cpp per noun.
#pragma once

#include <pybind11/pybind11.h>

#include <utility>

#include "fastlr/level/level.hpp"

namespace fastlr {

/// As a pybind11 module, but every function runs on the module's level.
class LevelModule {
 public:
  LevelModule(pybind11::module_ module, const Level& level)
      : module_(std::move(module)), level_(&level) {}

  /// `function` is a lambda that captures nothing.
  template <class Function, class... Extra>
  void def(const char* name, Function function, const Extra&... extra) {
    module_.def(name, on_level(+function), extra...);
  }

  auto attr(const char* name) { return module_.attr(name); }

 private:
  template <class Result, class... Arguments>
  auto on_level(Result (*function)(Arguments...)) const {
    return [level = level_, function](Arguments... arguments) -> Result {
      const OnLevel use(*level);
      return function(std::forward<Arguments>(arguments)...);
    };
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
