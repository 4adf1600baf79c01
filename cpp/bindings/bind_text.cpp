// Text to numbers, where it lies in a buffer of Python's.
#include "bindings/bind_text.hpp"

#include <string_view>

#include "bindings/arguments.hpp"
#include "fastlr/reading/text_numbers.hpp"

namespace fastlr {
namespace {

/// The bytes of a buffer.
std::string_view text_of(const py::buffer_info& buffer) {
  require(buffer.ndim == 1 && buffer.itemsize == 1 && (buffer.size == 0 || buffer.strides[0] == 1),
          "text must be bytes");
  return {static_cast<const char*>(buffer.ptr), static_cast<std::size_t>(buffer.size)};
}

}  // namespace

void bind_text(LevelModule& m) {
  m.def(
      "count_rows",
      [](const py::buffer& text) {
        const py::buffer_info buffer = text.request();
        const std::string_view all = text_of(buffer);
        const py::gil_scoped_release release;
        return count_rows(all);
      },
      py::arg("text"));
  m.def(
      "parse_numbers",
      [](const py::buffer& text, char delimiter, const std::vector<Index>& place,
         const std::vector<std::string>& missing, DoubleArray& columns) {
        require(columns.ndim() == 2, "columns must be 2-D");
        for (const Index k : place) require(k < columns.shape(0), "a place is no column");
        const Index capacity = columns.shape(1);
        double* out = columns.mutable_data();
        const py::buffer_info buffer = text.request();
        const std::string_view all = text_of(buffer);
        const py::gil_scoped_release release;
        return parse_rows(all, delimiter, place, missing, capacity, out);
      },
      py::arg("text"), py::arg("delimiter"), py::arg("place"), py::arg("missing"),
      py::arg("columns").noconvert());
}

}  // namespace fastlr
