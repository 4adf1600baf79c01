// One bind_*.cpp per noun.
#pragma once

#include <pybind11/pybind11.h>

namespace fastlr {

void bind_dependent(pybind11::module_& m);
void bind_descent(pybind11::module_& m);
void bind_moments(pybind11::module_& m);
void bind_double_double(pybind11::module_& m);
void bind_dual(pybind11::module_& m);
void bind_ladder(pybind11::module_& m);
void bind_prediction(pybind11::module_& m);
void bind_roofline(pybind11::module_& m);

}  // namespace fastlr
