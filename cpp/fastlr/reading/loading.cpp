#include "fastlr/reading/loading.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

#include "fastlr/registers/lanes.hpp"

namespace fastlr {
namespace {

/// A truth value, of which any byte but 0 is true.
struct Boolean {
  std::uint8_t byte;
  explicit operator double() const { return byte != 0 ? 1.0 : 0.0; }
};

/// A number in the other byte order.
template <class Scalar>
struct Swapped {
  std::array<std::byte, sizeof(Scalar)> bytes;
  explicit operator double() const {
    std::array<std::byte, sizeof(Scalar)> reversed;
    std::reverse_copy(bytes.begin(), bytes.end(), reversed.begin());
    Scalar x;
    std::memcpy(&x, reversed.data(), sizeof x);
    return static_cast<double>(x);
  }
};

/// Eight contiguous values.
template <class Scalar>
Eight eight_at(const std::byte* source) {
  if constexpr (std::is_same_v<Scalar, float>) {
    Eight x;
    for (Index v = 0; v < 8; v += lanes)
      store(x.data() + v, load_as_doubles<float>(source + v * Index{sizeof(float)}));
    return x;
  } else if constexpr (std::is_same_v<Scalar, Boolean>) {
    Eigen::Array<std::uint8_t, 8, 1> x;
    std::memcpy(x.data(), source, sizeof x);
    return (x != std::uint8_t{0}).template cast<double>();
  } else {
    Eigen::Array<Scalar, 8, 1> x;
    std::memcpy(x.data(), source, sizeof x);
    return x.template cast<double>();
  }
}

template <class Scalar>
void load_scalars(const std::byte* source, Index stride, Index n, double* out) {
  constexpr bool come_in_eights = std::is_arithmetic_v<Scalar> || std::is_same_v<Scalar, Boolean>;
  if constexpr (come_in_eights) {
    if (stride == static_cast<Index>(sizeof(Scalar))) {
      Index i = 0;
      for (; i + 8 <= n; i += 8) Eigen::Map<Eight>(out + i) = eight_at<Scalar>(source + i * stride);
      source += i * stride;
      out += i;
      n -= i;
    }
  }
  for (Index i = 0; i < n; ++i, source += stride) {
    Scalar x;
    std::memcpy(&x, source, sizeof x);
    out[i] = static_cast<double>(x);
  }
}

/// body(Scalar{}) with the type that a column is made of.
template <class Body>
void with_scalar(DType dtype, const Body& body) {
  switch (dtype) {
    case DType::f64:
      return body(double{});
    case DType::f32:
      return body(float{});
    case DType::f16:
      return body(Eigen::half{});
    case DType::extended:
      return body(static_cast<long double>(0));
    case DType::i64:
      return body(std::int64_t{});
    case DType::i32:
      return body(std::int32_t{});
    case DType::i16:
      return body(std::int16_t{});
    case DType::i8:
      return body(std::int8_t{});
    case DType::u64:
      return body(std::uint64_t{});
    case DType::u32:
      return body(std::uint32_t{});
    case DType::u16:
      return body(std::uint16_t{});
    case DType::u8:
      return body(std::uint8_t{});
    case DType::boolean:
      return body(Boolean{});
    case DType::swapped_f64:
      return body(Swapped<double>{});
    case DType::swapped_f32:
      return body(Swapped<float>{});
    case DType::swapped_f16:
      return body(Swapped<Eigen::half>{});
    case DType::swapped_extended:
      return body(Swapped<long double>{});
    case DType::swapped_i64:
      return body(Swapped<std::int64_t>{});
    case DType::swapped_i32:
      return body(Swapped<std::int32_t>{});
    case DType::swapped_i16:
      return body(Swapped<std::int16_t>{});
    case DType::swapped_u64:
      return body(Swapped<std::uint64_t>{});
    case DType::swapped_u32:
      return body(Swapped<std::uint32_t>{});
    case DType::swapped_u16:
      return body(Swapped<std::uint16_t>{});
    case DType::sparse:  // not a value a row
    case DType::indicator:
    case DType::within:
    case DType::remainder:
      return;
  }
}

const SparseColumn& sparse_of(const Column& column) {
  return *reinterpret_cast<const SparseColumn*>(column.data);
}

/// The first of a sparse column's values that stands in `row` or below it.
Index place_of(const SparseColumn& column, Index row) {
  Index from = 0;
  Index n = column.count;
  while (n > 0) {
    const Index half = n / 2;
    if (column.rows[from + half] < row) {
      from += half + 1;
      n -= half + 1;
    } else {
      n = half;
    }
  }
  return from;
}

void load_sparse(const SparseColumn& column, Index row, Index n, double* out) {
  std::fill_n(out, n, 0.0);
  for (Index k = place_of(column, row); k < column.count && column.rows[k] < row + n; ++k)
    out[column.rows[k] - row] = column.values[k];
}

void gather_sparse(const SparseColumn& column, const Index* rows, Index n, double* out) {
  for (Index i = 0; i < n; ++i) {
    const Index k = place_of(column, rows[i]);
    out[i] = k < column.count && column.rows[k] == rows[i] ? column.values[k] : 0.0;
  }
}

const CodedColumn& coded_of(const Column& column) {
  return *reinterpret_cast<const CodedColumn*>(column.data);
}

/// out[i] = out[i] - c rounded, or what rounding takes from that (Knuth 1969), for the centre c of
/// row_of(i).
template <class RowOf>
void subtract_centres(const CodedColumn& column, bool is_remainder, Index n, const RowOf& row_of,
                      double* out) {
  for (Index i = 0; i < n; ++i) {
    const double x = out[i];
    const double c = column.centre[column.codes[row_of(i)] * column.centre_stride];
    const double difference = x - c;
    const double taken = difference - x;
    const double rest = (x - (difference - taken)) - (c + taken);
    out[i] = is_remainder ? rest : difference;
  }
}

void load_coded(const Column& column, Index row, Index n, double* out) {
  const CodedColumn& coded = coded_of(column);
  if (column.dtype == DType::indicator) {
    const auto level = static_cast<std::int32_t>(coded.level);
    for (Index i = 0; i < n; ++i) out[i] = coded.codes[row + i] == level ? 1.0 : 0.0;
    return;
  }
  load_column(coded.x, row, n, out);
  subtract_centres(
      coded, column.dtype == DType::remainder, n, [row](Index i) { return row + i; }, out);
}

void gather_coded(const Column& column, const Index* rows, Index n, double* out) {
  const CodedColumn& coded = coded_of(column);
  if (column.dtype == DType::indicator) {
    for (Index i = 0; i < n; ++i) out[i] = coded.codes[rows[i]] == coded.level ? 1.0 : 0.0;
    return;
  }
  gather_column(coded.x, rows, n, out);
  subtract_centres(
      coded, column.dtype == DType::remainder, n, [rows](Index i) { return rows[i]; }, out);
}

constexpr bool is_coded(DType dtype) {
  return dtype == DType::indicator || dtype == DType::within || dtype == DType::remainder;
}

}  // namespace

void load_column(const Column& column, Index row, Index n, double* out) {
  if (column.dtype == DType::sparse) return load_sparse(sparse_of(column), row, n, out);
  if (is_coded(column.dtype)) return load_coded(column, row, n, out);
  with_scalar(column.dtype, [&](auto scalar) {
    load_scalars<decltype(scalar)>(column.at(row), column.stride, n, out);
  });
}

void gather_column(const Column& column, const Index* rows, Index n, double* out) {
  if (column.dtype == DType::sparse) return gather_sparse(sparse_of(column), rows, n, out);
  if (is_coded(column.dtype)) return gather_coded(column, rows, n, out);
  with_scalar(column.dtype, [&](auto scalar) {
    for (Index i = 0; i < n; ++i) {
      std::memcpy(&scalar, column.at(rows[i]), sizeof scalar);
      out[i] = static_cast<double>(scalar);
    }
  });
}

}  // namespace fastlr
