#include "bindings/functions.hpp"

#include <array>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>

#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr std::size_t most_parameters = 32;
using Values = std::array<PyObject*, most_parameters>;

[[noreturn]] void refuse_call(const Function& f, const std::string& why) {
  throw py::type_error(f.name + f.signature + " " + why);
}

std::string text_of(const py::handle& value) { return py::str(value); }

std::size_t place_of(const Function& f, PyObject* name) {
  for (std::size_t i = 0; i < f.parameters.size(); ++i)
    if (f.parameters[i].name.ptr() == name) return i;
  for (std::size_t i = 0; i < f.parameters.size(); ++i)  // not interned
    if (PyUnicode_Compare(f.parameters[i].name.ptr(), name) == 0) return i;
  refuse_call(f, "has no argument '" + text_of(name) + "'");
}

/// One value for each parameter, borrowed from the caller or from the function.
Values values_of(const Function& f, PyObject* const* given, Py_ssize_t n_given, PyObject* names) {
  const std::size_t n = f.parameters.size();
  const auto n_positional = static_cast<std::size_t>(n_given);
  if (n_positional > n) refuse_call(f, "was given " + std::to_string(n_positional) + " arguments");
  Values values{};
  std::copy_n(given, n_positional, values.begin());
  const Py_ssize_t n_named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
  for (Py_ssize_t k = 0; k < n_named; ++k) {
    PyObject* name = PyTuple_GET_ITEM(names, k);
    PyObject*& value = values[place_of(f, name)];
    if (value != nullptr) refuse_call(f, "was given '" + text_of(name) + "' twice");
    value = given[n_given + k];
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (values[i] == nullptr) values[i] = f.parameters[i].value.ptr();
    if (values[i] == nullptr)
      refuse_call(f, "lacks the argument '" + text_of(f.parameters[i].name) + "'");
  }
  return values;
}

/// What every function of a module is to CPython.
PyObject* enter(PyObject* self, PyObject* const* given, Py_ssize_t n_given, PyObject* names) {
  try {
    const auto& f = *static_cast<const Function*>(PyCapsule_GetPointer(self, nullptr));
    const Values values = values_of(f, given, n_given, names);
    const OnLevel use(*f.level);
    return f.call(f, values.data()).release().ptr();
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const py::builtin_exception& error) {
    error.set_error();
  } catch (const Interrupted&) {
    // Python has set the error: KeyboardInterrupt, or what a signal handler raised.
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::out_of_range& error) {
    PyErr_SetString(PyExc_IndexError, error.what());
  } catch (const std::length_error& error) {
    PyErr_SetString(PyExc_ValueError, error.what());
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

std::string signature_of(const std::vector<Parameter>& parameters) {
  std::string text = "(";
  for (const Parameter& parameter : parameters) {
    if (text.size() > 1) text += ", ";
    text += text_of(parameter.name);
    if (parameter.value) text += "=" + std::string(py::repr(parameter.value));
  }
  return text + ")";
}

}  // namespace

void add_function(const py::module_& module, const Level& level, const char* name,
                  Function::Any function, Function::Call call,
                  std::initializer_list<Described> arguments) {
  auto added = std::make_unique<Function>(Function{name, {}, &level, function, call});
  for (const Described& argument : arguments) {
    PyObject* interned = PyUnicode_InternFromString(argument.name);
    if (interned == nullptr) throw py::error_already_set();
    added->parameters.push_back({py::reinterpret_steal<py::str>(interned), argument.is_converted,
                                 py::reinterpret_borrow<py::object>(argument.value)});
  }
  added->signature = signature_of(added->parameters);
  if (arguments.size() > most_parameters) refuse_call(*added, "has too many parameters");
  added->text = added->name + added->signature + "\n--\n\n";
  added->method = {added->name.c_str(),
                   reinterpret_cast<PyCFunction>(reinterpret_cast<Function::Any>(&enter)),
                   METH_FASTCALL | METH_KEYWORDS, added->text.c_str()};
  PyMethodDef* method = &added->method;
  const py::capsule owner(added.release(), [](void* data) { delete static_cast<Function*>(data); });
  const auto of_module = py::reinterpret_steal<py::object>(PyModule_GetNameObject(module.ptr()));
  const auto object =
      py::reinterpret_steal<py::object>(PyCFunction_NewEx(method, owner.ptr(), of_module.ptr()));
  if (!of_module || !object) throw py::error_already_set();
  module.attr(name) = object;
}

void refuse(const Given& given, const std::string& expected) {
  std::string what = text_of(py::type::of(given.value).attr("__name__"));
  if (py::isinstance<py::array>(given.value))
    what += " of " + text_of(given.value.attr("dtype")) + " and shape " +
            text_of(given.value.attr("shape"));
  throw py::type_error(given.function.name + "() cannot take '" + text_of(given.parameter.name) +
                       "': it is " + what + ", and should be " + expected);
}

long long taken(const Given& given, As<long long>) {
  const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(given.value.ptr()));
  const long long value = number ? PyLong_AsLongLong(number.ptr()) : -1;
  if (value == -1 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    refuse(given, "a whole number of 64 bits");
  }
  return value;
}

unsigned long long taken(const Given& given, As<unsigned long long>) {
  const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(given.value.ptr()));
  const unsigned long long value = number ? PyLong_AsUnsignedLongLong(number.ptr()) : 0;
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    refuse(given, "a whole number of 64 bits without sign");
  }
  return value;
}

double taken(const Given& given, As<double>) {
  const double value = PyFloat_AsDouble(given.value.ptr());
  if (value == -1.0 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    refuse(given, "a number");
  }
  return value;
}

bool taken(const Given& given, As<bool>) {
  const int is_true = PyObject_IsTrue(given.value.ptr());
  if (is_true < 0) {
    PyErr_Clear();
    refuse(given, "true or false");
  }
  return is_true != 0;
}

char taken(const Given& given, As<char>) {
  const std::string text = taken(given, As<std::string>{});
  if (text.size() != 1) refuse(given, "one character");
  return text.front();
}

std::string taken(const Given& given, As<std::string>) {
  Py_ssize_t size = 0;
  const char* text = PyUnicode_Check(given.value.ptr())
                         ? PyUnicode_AsUTF8AndSize(given.value.ptr(), &size)
                         : nullptr;
  if (text == nullptr) {
    PyErr_Clear();
    refuse(given, "text");
  }
  return {text, static_cast<std::size_t>(size)};
}

py::object taken(const Given& given, As<py::object>) {
  return py::reinterpret_borrow<py::object>(given.value);
}

py::array taken(const Given& given, As<py::array>) {
  if (!py::isinstance<py::array>(given.value)) refuse(given, "an array");
  return py::reinterpret_borrow<py::array>(given.value);
}

py::buffer taken(const Given& given, As<py::buffer>) {
  if (PyObject_CheckBuffer(given.value.ptr()) == 0) refuse(given, "a buffer of bytes");
  return py::reinterpret_borrow<py::buffer>(given.value);
}

py::bytes taken(const Given& given, As<py::bytes>) {
  if (!PyBytes_Check(given.value.ptr())) refuse(given, "bytes");
  return py::reinterpret_borrow<py::bytes>(given.value);
}

py::dict taken(const Given& given, As<py::dict>) {
  if (!PyDict_Check(given.value.ptr())) refuse(given, "a dictionary");
  return py::reinterpret_borrow<py::dict>(given.value);
}

}  // namespace fastlr
