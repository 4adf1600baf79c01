// The names that all kernels speak of rows, which stay where the user put them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fastlr {

using Index = std::ptrdiff_t;

/// What values are made of: numbers in the machine's byte order, then the same ones in the other.
/// `extended` is `long double`.
enum class DType : std::uint8_t {
  f64,
  f32,
  f16,
  extended,
  i64,
  i32,
  i16,
  i8,
  u64,
  u32,
  u16,
  u8,
  boolean,
  swapped_f64,
  swapped_f32,
  swapped_f16,
  swapped_extended,
  swapped_i64,
  swapped_i32,
  swapped_i16,
  swapped_u64,
  swapped_u32,
  swapped_u16,
};

constexpr Index item_size(DType dtype) {
  switch (dtype) {
    case DType::extended:
    case DType::swapped_extended:
      return sizeof(long double);
    case DType::f64:
    case DType::i64:
    case DType::u64:
    case DType::swapped_f64:
    case DType::swapped_i64:
    case DType::swapped_u64:
      return 8;
    case DType::f32:
    case DType::i32:
    case DType::u32:
    case DType::swapped_f32:
    case DType::swapped_i32:
    case DType::swapped_u32:
      return 4;
    case DType::f16:
    case DType::i16:
    case DType::u16:
    case DType::swapped_f16:
    case DType::swapped_i16:
    case DType::swapped_u16:
      return 2;
    case DType::i8:
    case DType::u8:
    case DType::boolean:
      return 1;
  }
  return 1;
}

/// One variable: element i lies at `data + i * stride` (bytes; any sign, any alignment).
struct Column {
  const std::byte* data;
  Index stride;
  DType dtype;

  const std::byte* at(Index row) const { return data + row * stride; }
};

/// n rows of a table, column by column: a C or Fortran matrix, a strided view and a data frame's
/// separate buffers are all the same thing here, and none of them is ever copied.
struct Rows {
  Index n_samples = 0;
  std::vector<Column> columns;

  Index n_columns() const { return static_cast<Index>(columns.size()); }
};

constexpr Index round_up(Index value, Index multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace fastlr
