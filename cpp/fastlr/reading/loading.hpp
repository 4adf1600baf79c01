// Values of one variable as doubles, whatever their type, stride and alignment. Reading them is a
// call for a block of values, so that their types are compiled once for each level.
#pragma once

#include "fastlr/matrices.hpp"

namespace fastlr {

/// out[i] = value of row + i, i < n.
void load_column(const Column& column, Index row, Index n, double* out);

/// out[i] = value of rows[i], i < n.
void gather_column(const Column& column, const Index* rows, Index n, double* out);

/// Values of rows [row, row + count), count <= 8; the rest is zero.
inline Eight load_eight(const Column& column, Index row, Index count) {
  Eight x = Eight::Zero();
  load_column(column, row, count, x.data());
  return x;
}

inline double load_one(const Column& column, Index row) {
  double value = 0.0;
  load_column(column, row, 1, &value);
  return value;
}

}  // namespace fastlr
