// Whether rows can be read eight neighbouring features at a time where they lie.
#pragma once

#include <algorithm>

#include "fastlr/rows.hpp"

namespace fastlr {

/// The first `n_columns` columns of a table as one row-major matrix of float64 or float32, if that
/// is what they are.
struct RowMajor {
  const std::byte* data = nullptr;
  Index stride = 0;  // in scalars
  // Rows below this may be read in whole eights: what follows a row's last feature is the next row.
  // None may where rows have gaps (in a view into a wider table, whose other cells may hold
  // anything).
  Index safe_rows = 0;
  DType dtype = DType::f64;

  explicit operator bool() const { return data != nullptr; }

  template <class Scalar>
  const Scalar* row(Index i) const {
    return reinterpret_cast<const Scalar*>(data) + i * stride;
  }
};

inline RowMajor row_major(const Rows& rows, Index n_columns) {
  const Column& head = rows.columns.front();
  if (head.dtype != DType::f64 && head.dtype != DType::f32) return {};
  const Index size = item_size(head.dtype);
  const auto address = reinterpret_cast<std::uintptr_t>(head.data);
  if (head.stride < n_columns * size || head.stride % size != 0 ||
      address % static_cast<std::uintptr_t>(size) != 0)
    return {};
  for (Index j = 1; j < n_columns; ++j) {
    const Column& column = rows.columns[static_cast<std::size_t>(j)];
    if (column.dtype != head.dtype || column.stride != head.stride ||
        column.data != head.data + j * size)
      return {};
  }
  const Index tail = round_up(n_columns, 8) - n_columns;
  Index safe_rows = rows.n_samples;
  if (tail > 0) {
    const bool has_gaps = head.stride != n_columns * size;
    safe_rows =
        has_gaps ? 0 : std::max<Index>(0, rows.n_samples - (tail + n_columns - 1) / n_columns);
  }
  return {head.data, head.stride / size, safe_rows, head.dtype};
}

}  // namespace fastlr
