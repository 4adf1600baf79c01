// Text to numbers: rows of delimited text, as long as they hold nothing but numbers and gaps.
#include "bindings/bind_text.hpp"

#include <charconv>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

#include "bindings/arguments.hpp"

namespace fastlr {
namespace {

constexpr Index not_plain = -1;

std::string_view trimmed(std::string_view field) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!field.empty() && is_blank(field.front())) field.remove_prefix(1);
  while (!field.empty() && is_blank(field.back())) field.remove_suffix(1);
  return field;
}

/// A field's number, rounded correctly, or NaN for one of the words; false if it is neither.
bool read_field(std::string_view field, const std::vector<std::string>& missing, double& value) {
  const char* first = field.data();
  const char* last = first + field.size();
  const auto [end, error] = std::from_chars(first, last, value);
  if (end == last && error == std::errc() && !field.empty()) {
    const char c = field.back();  // not the words that are numbers to from_chars
    if (c == '.' || (c >= '0' && c <= '9')) return true;
  }
  const std::string_view word = trimmed(field);
  for (const std::string& gap : missing) {
    if (word != gap) continue;
    value = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  if (word.size() == field.size()) return false;
  return read_field(word, missing, value);
}

/// Sets columns (n_chosen, capacity) from lines of fields; gives the number of rows, or `not_plain`
/// where a line has another number of fields, or one of the chosen fields is no number.
Index parse_rows(std::string_view text, char delimiter, const std::vector<Index>& place,
                 const std::vector<std::string>& missing, Index capacity, double* columns) {
  Index row = 0;
  const Index n_columns = static_cast<Index>(place.size());
  while (!text.empty()) {
    const void* newline = std::memchr(text.data(), '\n', text.size());
    const std::size_t length =
        newline == nullptr
            ? text.size()
            : static_cast<std::size_t>(static_cast<const char*>(newline) - text.data());
    std::string_view line = text.substr(0, length);
    text.remove_prefix(newline == nullptr ? length : length + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) continue;
    if (row == capacity) return not_plain;
    for (Index j = 0; j < n_columns; ++j) {
      std::size_t end = line.find(delimiter);
      const bool is_last = end == std::string_view::npos;
      if (is_last != (j + 1 == n_columns)) return not_plain;
      if (is_last) end = line.size();
      const Index k = place[static_cast<std::size_t>(j)];
      if (k >= 0 && !read_field(line.substr(0, end), missing, columns[k * capacity + row]))
        return not_plain;
      line.remove_prefix(is_last ? end : end + 1);
    }
    ++row;
  }
  return row;
}

}  // namespace

void bind_text(LevelModule& m) {
  m.def(
      "parse_numbers",
      [](const py::bytes& text, char delimiter, const std::vector<Index>& place,
         const std::vector<std::string>& missing, DoubleArray& columns) {
        require(columns.ndim() == 2, "columns must be 2-D");
        for (const Index k : place) require(k < columns.shape(0), "a place is no column");
        const Index capacity = columns.shape(1);
        double* out = columns.mutable_data();
        const std::string_view all = text;
        const py::gil_scoped_release release;
        return parse_rows(all, delimiter, place, missing, capacity, out);
      },
      py::arg("text"), py::arg("delimiter"), py::arg("place"), py::arg("missing"),
      py::arg("columns").noconvert());
}

}  // namespace fastlr
