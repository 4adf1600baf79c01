// Eight values of one variable as doubles, whatever their type, stride and alignment.
#pragma once

#include <cstring>

#include "fastlr/views.hpp"

namespace fastlr {

template <class Scalar>
Eight load_scalars(const std::byte* source, Index stride, Index count) {
  Eigen::Array<Scalar, 8, 1> x = Eigen::Array<Scalar, 8, 1>::Zero();
  if (count == 8 && stride == static_cast<Index>(sizeof(Scalar))) {
    std::memcpy(x.data(), source, sizeof x);
  } else {
    for (Index i = 0; i < count; ++i)
      std::memcpy(x.data() + i, source + i * stride, sizeof(Scalar));
  }
  return x.template cast<double>();
}

/// Values of rows [row, row + count), count <= 8; the rest is zero.
inline Eight load_eight(const Column& column, Index row, Index count) {
  const std::byte* source = column.at(row);
  switch (column.dtype) {
    case DType::f64:
      return load_scalars<double>(source, column.stride, count);
    case DType::f32:
      return load_scalars<float>(source, column.stride, count);
    case DType::i64:
      return load_scalars<std::int64_t>(source, column.stride, count);
    case DType::i32:
      return load_scalars<std::int32_t>(source, column.stride, count);
    case DType::i16:
      return load_scalars<std::int16_t>(source, column.stride, count);
    case DType::i8:
      return load_scalars<std::int8_t>(source, column.stride, count);
    case DType::u64:
      return load_scalars<std::uint64_t>(source, column.stride, count);
    case DType::u32:
      return load_scalars<std::uint32_t>(source, column.stride, count);
    case DType::u16:
      return load_scalars<std::uint16_t>(source, column.stride, count);
    case DType::u8:
      return load_scalars<std::uint8_t>(source, column.stride, count);
  }
  return Eight::Zero();
}

inline double load_one(const Column& column, Index row) { return load_eight(column, row, 1)[0]; }

}  // namespace fastlr
