// Functions of a module by CPython's own protocol. pybind11 reads and makes Python's objects; its
// functions, a stack of templates for every list of arguments, were half of what bindings cost to
// compile. Here each type is converted in one place, and a list of arguments is one call.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <concepts>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "bindings/results.hpp"
#include "fastlr/level/level.hpp"

namespace fastlr {

namespace py = pybind11;

/// What py::arg says of an argument, for as long as that lives.
struct Described {
  const char* name;
  bool is_converted;
  PyObject* value;
};

inline Described described_by(const py::arg& argument) {
  return {argument.name, !argument.flag_noconvert, nullptr};
}

inline Described described_by(const py::arg_v& argument) {
  return {argument.name, !argument.flag_noconvert, argument.value.ptr()};
}

/// What a function knows of an argument: with noconvert() only the very type passes.
struct Parameter {
  py::str name;
  bool is_converted;
  py::object value;  // what it is unless given; null where it must be
};

/// A function of a module, which runs on the module's level.
struct Function {
  using Any = void (*)();
  using Call = py::object (*)(const Function&, PyObject* const* values);

  std::string name;
  std::vector<Parameter> parameters;
  const Level* level;
  Any function;
  Call call;  // takes one value for each parameter
  std::string signature{};
  std::string text{};  // the signature as inspect reads it
  PyMethodDef method{};
};

/// Adds a function to the module.
void add_function(const py::module_& module, const Level& level, const char* name,
                  Function::Any function, Function::Call call,
                  std::initializer_list<Described> arguments);

/// An argument on its way to C++.
struct Given {
  const Function& function;
  const Parameter& parameter;
  py::handle value;
};

/// A TypeError that names the function, the argument, what it was and what is expected.
[[noreturn]] void refuse(const Given& given, const std::string& expected);

template <class T>
struct As {};

long long taken(const Given& given, As<long long>);
unsigned long long taken(const Given& given, As<unsigned long long>);
double taken(const Given& given, As<double>);
bool taken(const Given& given, As<bool>);
char taken(const Given& given, As<char>);
std::string taken(const Given& given, As<std::string>);
py::object taken(const Given& given, As<py::object>);
py::array taken(const Given& given, As<py::array>);
py::buffer taken(const Given& given, As<py::buffer>);
py::bytes taken(const Given& given, As<py::bytes>);
py::dict taken(const Given& given, As<py::dict>);

template <std::integral T>
T taken(const Given& given, As<T>) {
  using Wide = std::conditional_t<std::is_signed_v<T>, long long, unsigned long long>;
  const Wide value = taken(given, As<Wide>{});
  if (value < std::numeric_limits<T>::min() || value > std::numeric_limits<T>::max())
    refuse(given, "a smaller number");
  return static_cast<T>(value);
}

template <class Scalar, int flags>
[[gnu::noinline]] py::array_t<Scalar, flags> taken(const Given& given,
                                                   As<py::array_t<Scalar, flags>>) {
  using Array = py::array_t<Scalar, flags>;
  if (Array::check_(given.value)) return py::reinterpret_borrow<Array>(given.value);
  Array array;
  if (given.parameter.is_converted) array = Array::ensure(given.value);
  if (!given.parameter.is_converted || !array)
    refuse(given, "a contiguous array of " + std::string(py::str(py::dtype::of<Scalar>())));
  return array;
}

template <class T>
std::vector<T> taken(const Given& given, As<std::vector<T>>) {
  if (PySequence_Check(given.value.ptr()) == 0 || PyUnicode_Check(given.value.ptr()))
    refuse(given, "a list");
  std::vector<T> values;
  for (const py::handle value : given.value)
    values.push_back(taken({given.function, given.parameter, value}, As<T>{}));
  return values;
}

template <class T>
std::optional<T> taken(const Given& given, As<std::optional<T>>) {
  if (given.value.is_none()) return std::nullopt;
  return taken(given, As<T>{});
}

/// A converted argument, for as long as the call.
template <class T>
struct Taken {
  T value;
  T& get() { return value; }
};

/// Converts the values one by one, and calls.
template <class Result, class... Arguments, std::size_t... at>
py::object converted_call(const Function& f, PyObject* const* values, std::index_sequence<at...>) {
  const auto function = reinterpret_cast<Result (*)(Arguments...)>(f.function);
  const auto call = [&] {
    return function(Taken<std::remove_cvref_t<Arguments>>{
        taken(Given{f, f.parameters[at], values[at]}, As<std::remove_cvref_t<Arguments>>{})}
                        .get()...);
  };
  if constexpr (std::is_void_v<Result>) {
    call();
    return py::none();
  } else {
    return object_of(call());
  }
}

template <class Result, class... Arguments>
py::object call_of(const Function& f, PyObject* const* values) {
  return converted_call<Result, Arguments...>(f, values, std::index_sequence_for<Arguments...>{});
}

}  // namespace fastlr
