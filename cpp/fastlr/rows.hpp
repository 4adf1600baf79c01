// The names that all kernels speak of rows, which stay where the user put them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace fastlr {

using Index = std::ptrdiff_t;

/// What values are made of: numbers in the machine's byte order, then the same ones in the other.
/// `extended` is `long double`. Of a `sparse` column only the values that are not zero are kept:
/// its `data` is a SparseColumn. An `indicator`, a column `within` groups and its `remainder` are
/// made of the levels of a category while they are read: their `data` is a CodedColumn.
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
  sparse,
  indicator,
  within,
  remainder,
};

constexpr Index item_size(DType dtype) {
  switch (dtype) {
    case DType::extended:
    case DType::swapped_extended:
      return sizeof(long double);
    case DType::f64:
    case DType::i64:
    case DType::u64:
    case DType::sparse:
    case DType::indicator:
    case DType::within:
    case DType::remainder:
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

/// Whole numbers of 32 or 64 bits.
struct Indices {
  const void* data = nullptr;
  bool are_wide = false;

  Index operator[](Index i) const {
    return are_wide ? static_cast<Index>(static_cast<const std::int64_t*>(data)[i])
                    : static_cast<Index>(static_cast<const std::int32_t*>(data)[i]);
  }
};

/// A column that is mostly zeros: its other values, and the rows that they stand in, which rise.
struct SparseColumn {
  const double* values;
  Indices rows;
  Index count;
};

/// A column that is made of a category: codes[i] is the level of row i. An indicator is 1 where that
/// is `level`, else 0. A column within groups is x_i - centre[codes[i] * centre_stride] rounded, its
/// remainder what rounding took from that, exactly; x is another column, no such one but perhaps an
/// indicator.
struct CodedColumn {
  const std::int32_t* codes;
  Index level = 0;
  Column x = {nullptr, 0, DType::f64};
  const double* centre = nullptr;
  Index centre_stride = 1;
};

/// Rows that are mostly zeros: row i has the values from start[i] to before start[i + 1], in the
/// columns of these numbers, which rise.
struct CompressedRows {
  Index n_samples = 0;
  Index n_columns = 0;
  const double* values = nullptr;
  Indices columns;
  Indices start;
};

/// n rows of a table, column by column: a C or Fortran matrix, a strided view and a data frame's
/// separate buffers are all the same thing here, and none of them is ever copied.
struct Rows {
  Index n_samples = 0;
  std::vector<Column> columns;
  std::shared_ptr<std::deque<SparseColumn>> sparse = nullptr;  // what sparse columns point to
  std::shared_ptr<std::deque<CodedColumn>> coded = nullptr;    // ... and those of categories
  CompressedRows compressed = {};  // the first columns once more, row by row, if they are sparse

  Index n_columns() const { return static_cast<Index>(columns.size()); }
};

constexpr Index round_up(Index value, Index multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace fastlr
