#include "fastlr/prediction.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "fastlr/lanes.hpp"
#include "fastlr/loading.hpp"
#include "fastlr/row_blocks.hpp"

namespace fastlr {
namespace {

constexpr Index block_rows = 256;
constexpr Index blocks_per_task = 16;

using Block = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic>;

/// out = x_1 b_1 + x_2 b_2 + ...: column by column.
void multiply_columns(const Rows& rows, Index first, Index n, const ConstMatrixMap& coef,
                      Block& out) {
  std::array<double, block_rows> converted;
  out.setZero(n, coef.rows());
  for (Index j = 0; j < rows.n_columns(); ++j) {
    const Column& column = rows.columns[static_cast<std::size_t>(j)];
    const double* x = converted.data();
    if (column.dtype == DType::f64 && column.stride == 8) {
      x = reinterpret_cast<const double*>(column.at(first));
    } else {
      load_column(column, first, n, converted.data());
    }
    for (Index k = 0; k < coef.rows(); ++k) out.col(k) += coef(k, j) * ConstVectorMap(x, n);
  }
}

/// Coefficients in whole registers, zero beyond the last feature.
struct Coefficients {
  Coefficients(const ConstMatrixMap& coef, Index n_features)

      : width(std::max(lanes, round_up(n_features, lanes))),
        values(RowMatrix::Zero(coef.rows(), width)) {
    values.leftCols(n_features) = coef;
    tail.setZero();
    tail.head(n_features - (width - lanes)).setConstant(keep_all);
  }

  Index width;
  RowMatrix values;
  Eigen::Array<double, lanes, 1> tail;  // mask of the features in the last register
};

/// As many rows as a register has lanes: their products with b, one in each lane.
template <class Scalar>
Lanes row_products(const std::byte* x, Index stride, const double* b, Index width,
                   const Lanes& tail) {
  Eigen::internal::PacketBlock<Lanes, lanes> sum;
#pragma GCC unroll 8
  for (Index i = 0; i < lanes; ++i) sum.packet[i] = broadcast(0.0);
  const Index last = width - lanes;
  for (Index j = 0; j < last; j += lanes) {
    const Lanes coef = load(b + j);
#pragma GCC unroll 8
    for (Index i = 0; i < lanes; ++i)
      sum.packet[i] = multiply_add(
          load_as_doubles<Scalar>(x + i * stride + j * Index{sizeof(Scalar)}), coef, sum.packet[i]);
  }
  const Lanes coef = load(b + last);
#pragma GCC unroll 8
  for (Index i = 0; i < lanes; ++i) {
    const Lanes values = load_as_doubles<Scalar>(x + i * stride + last * Index{sizeof(Scalar)});
    sum.packet[i] = multiply_add(keep(values, tail), coef, sum.packet[i]);
  }
  if constexpr (lanes > 1) Eigen::internal::ptranspose(sum);
  Lanes total = sum.packet[0];
#pragma GCC unroll 8
  for (Index i = 1; i < lanes; ++i) total = add(total, sum.packet[i]);
  return total;
}

/// out (n, t) of rows that lie as vectors. Those that cannot be read in whole registers are copied
/// first, so that a row's prediction does not depend on where it stands.
template <class Scalar>
void multiply_rows(const Rows& rows, Index first, Index n, const Coefficients& coef, Block& out) {
  const Column& head = rows.columns.front();
  const Index n_features = rows.n_columns();
  const Index beyond = (coef.width - n_features) * Index{sizeof(Scalar)};
  const Index safe =
      head.stride > 0 ? rows.n_samples - (beyond + head.stride - 1) / head.stride : 0;
  const Lanes tail = load(coef.tail.data());
  RowMatrix copied;
  out.resize(round_up(n, lanes), coef.values.rows());
  for (Index r = 0; r < n; r += lanes) {
    const std::byte* x = head.at(first + r);
    Index stride = head.stride;
    const bool is_copied = r + lanes > n || first + r + lanes > safe;
    if (is_copied) {
      copied.setZero(lanes, coef.width);
      for (Index i = 0; i < std::min(lanes, n - r); ++i)
        for (Index j = 0; j < n_features; ++j)
          copied(i, j) = load_one(rows.columns[static_cast<std::size_t>(j)], first + r + i);
      x = reinterpret_cast<const std::byte*>(copied.data());
      stride = coef.width * Index{sizeof(double)};
    }
    for (Index k = 0; k < out.cols(); ++k) {
      const double* b = coef.values.row(k).data();
      store(&out(r, k), is_copied ? row_products<double>(x, stride, b, coef.width, tail)
                                  : row_products<Scalar>(x, stride, b, coef.width, tail));
    }
  }
}

/// Neighbouring columns of float64 or float32, so that a row can be read as vectors.
bool lies_in_rows(const Rows& rows) {
  const Column& head = rows.columns.front();
  const Index size = item_size(head.dtype);
  if (head.dtype != DType::f64 && head.dtype != DType::f32) return false;
  for (Index j = 1; j < rows.n_columns(); ++j) {
    const Column& column = rows.columns[static_cast<std::size_t>(j)];
    if (column.dtype != head.dtype || column.stride != head.stride ||
        column.data != head.data + j * size)
      return false;
  }
  return rows.n_columns() > 1;
}

}  // namespace

template <class Scalar>
void predict(const Rows& rows, Index first, Index last, const double* coef, const double* intercept,
             Index n_targets, int n_threads, Scalar* out) {
  const ConstMatrixMap b(coef, n_targets, rows.n_columns());
  const Coefficients registers(b, rows.n_columns());
  const bool in_rows = rows.n_columns() > 0 && lies_in_rows(rows);
  const Index task_rows = block_rows * blocks_per_task;
  const Index n_tasks = (last - first + task_rows - 1) / task_rows;
  for_each_task(n_tasks, n_threads, [&](Index task) {
    Block block;
    const Index end = std::min(last, first + (task + 1) * task_rows);
    for (Index start = first + task * task_rows; start < end; start += block_rows) {
      const Index n = std::min(block_rows, end - start);
      if (!in_rows) {
        multiply_columns(rows, start, n, b, block);
      } else if (rows.columns.front().dtype == DType::f64) {
        multiply_rows<double>(rows, start, n, registers, block);
      } else {
        multiply_rows<float>(rows, start, n, registers, block);
      }
      for (Index k = 0; k < n_targets; ++k)
        for (Index r = 0; r < n; ++r)
          out[(start + r) * n_targets + k] = static_cast<Scalar>(block(r, k) + intercept[k]);
    }
  });
}

template void predict<double>(const Rows&, Index, Index, const double*, const double*, Index, int,
                              double*);
template void predict<float>(const Rows&, Index, Index, const double*, const double*, Index, int,
                             float*);

Cell first_non_finite(const Rows& rows) {
  Cell cell;
  Index end = rows.n_samples;
  for (Index j = 0; j < rows.n_columns(); ++j) {
    const Column& column = rows.columns[static_cast<std::size_t>(j)];
    for (Index r = 0; r < end; r += 8) {
      const Index count = std::min<Index>(8, end - r);
      const Eight x = load_eight(column, r, count);
      if (x.isFinite().all()) continue;
      Index i = 0;
      while (std::isfinite(x[i])) ++i;
      cell = {r + i, j};
      end = r + i;
    }
  }
  return cell;
}

}  // namespace fastlr
