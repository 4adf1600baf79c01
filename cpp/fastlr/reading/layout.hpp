// Who are neighbours in memory: columns whose values lie beside one another in every row, so that a
// row of them is read as one vector. Everybody who reads rows asks here.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "fastlr/rows.hpp"

namespace fastlr {

/// Contiguous, aligned doubles: they can be used where they lie.
inline bool are_doubles(const Column& column) {
  return column.dtype == DType::f64 && column.stride == sizeof(double) &&
         reinterpret_cast<std::uintptr_t>(column.data) % alignof(double) == 0;
}

/// The type of values that are read as vectors.
constexpr bool is_vectorised(DType dtype) { return dtype == DType::f64 || dtype == DType::f32; }

/// In every row the value of `right` begins where that of `left` ends, whatever their types.
inline bool is_followed_by(const Column& left, const Column& right) {
  return left.stride == right.stride && right.data == left.data + item_size(left.dtype);
}

/// ... and a row of both is read as one vector.
inline bool are_neighbours(const Column& left, const Column& right) {
  return is_vectorised(left.dtype) && left.dtype == right.dtype && is_followed_by(left, right);
}

/// How many of some columns are neighbours from the first on; 1 if it has none.
inline Index n_neighbours(std::span<const Column> columns) {
  std::size_t n = 1;
  while (n < columns.size() && are_neighbours(columns[n - 1], columns[n])) ++n;
  return static_cast<Index>(n);
}

/// The columns [first, first + n) of a table.
inline std::span<const Column> columns_of(const Rows& rows, Index first, Index n) {
  return std::span(rows.columns)
      .subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n));
}

/// Rows below this may be read `width` values wide though only `count` neighbours begin with
/// `head`: what follows a row's last value belongs to later rows of the same buffer.
inline Index rows_read_safely(const Column& head, Index n_samples, Index count, Index width) {
  const Index beyond = (width - count) * item_size(head.dtype);
  if (beyond <= 0) return n_samples;
  if (head.stride <= 0) return 0;
  return std::max<Index>(0, n_samples - (beyond + head.stride - 1) / head.stride);
}

/// A run of neighbours.
struct Neighbours {
  Index first = 0;
  Index count = 0;      // none, or at least two
  Index safe_rows = 0;  // rows below this may be read in the width that was asked for
};

/// The neighbours among the columns [first, last) that begin with `first`, to be read `width` wide.
inline Neighbours neighbours_from(const Rows& rows, Index first, Index last, Index width) {
  const Index count = n_neighbours(columns_of(rows, first, last - first));
  if (count == 1) return {first, 0, rows.n_samples};
  const Column& head = rows.columns[static_cast<std::size_t>(first)];
  return {first, count, rows_read_safely(head, rows.n_samples, count, width)};
}

/// The first columns of a table as one row-major matrix of float64 or float32, if that is what they
/// are.
struct RowMajor {
  const std::byte* data = nullptr;
  Index stride = 0;  // in scalars
  DType dtype = DType::f64;

  explicit operator bool() const { return data != nullptr; }

  template <class Scalar>
  const Scalar* row(Index i) const {
    return reinterpret_cast<const Scalar*>(data) + i * stride;
  }
};

inline RowMajor row_major(const Rows& rows, Index n_columns) {
  const Column& head = rows.columns.front();
  const Index size = item_size(head.dtype);
  const auto address = reinterpret_cast<std::uintptr_t>(head.data);
  const bool is_aligned =
      head.stride % size == 0 && address % static_cast<std::uintptr_t>(size) == 0;
  if (!is_vectorised(head.dtype) || !is_aligned || head.stride < n_columns * size ||
      n_neighbours(columns_of(rows, 0, n_columns)) < n_columns)
    return {};
  return {head.data, head.stride / size, head.dtype};
}

}  // namespace fastlr
