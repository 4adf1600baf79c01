#include "fastlr/prediction.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "fastlr/loading.hpp"
#include "fastlr/row_blocks.hpp"

namespace fastlr {
namespace {

constexpr Index block_rows = 256;
constexpr Index blocks_per_task = 16;

/// The rows as one row-major matrix, if that is what they are.
bool is_row_major(const Rows& rows, DType dtype) {
  if (rows.columns.empty()) return false;
  const Column& head = rows.columns.front();
  const Index size = item_size(dtype);
  if (head.stride % size != 0 ||
      reinterpret_cast<std::uintptr_t>(head.data) % static_cast<std::uintptr_t>(size) != 0)
    return false;
  for (Index j = 0; j < rows.n_columns(); ++j) {
    const Column& column = rows.columns[static_cast<std::size_t>(j)];
    if (column.dtype != dtype || column.stride != head.stride ||
        column.data != head.data + j * size)
      return false;
  }
  return true;
}

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

template <class Scalar>
void multiply_row_major(const Rows& rows, Index first, Index n, const ConstMatrixMap& coef,
                        Block& out) {
  using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Column& head = rows.columns.front();
  const Eigen::OuterStride<> stride(head.stride / static_cast<Index>(sizeof(Scalar)));
  const Eigen::Map<const Matrix, Eigen::Unaligned, Eigen::OuterStride<>> X(
      reinterpret_cast<const Scalar*>(head.at(first)), n, rows.n_columns(), stride);
  out.noalias() = X.template cast<double>() * coef.transpose();
}

}  // namespace

template <class Scalar>
void predict(const Rows& rows, Index first, Index last, const double* coef, const double* intercept,
             Index n_targets, int n_threads, Scalar* out) {
  const ConstMatrixMap b(coef, n_targets, rows.n_columns());
  const ConstVectorMap a(intercept, n_targets);
  const bool row_major_64 = is_row_major(rows, DType::f64);
  const bool row_major_32 = is_row_major(rows, DType::f32);
  const Index task_rows = block_rows * blocks_per_task;
  const Index n_tasks = (last - first + task_rows - 1) / task_rows;
  for_each_task(n_tasks, n_threads, [&](Index task) {
    Block block;
    const Index end = std::min(last, first + (task + 1) * task_rows);
    for (Index start = first + task * task_rows; start < end; start += block_rows) {
      const Index n = std::min(block_rows, end - start);
      if (row_major_64) {
        multiply_row_major<double>(rows, start, n, b, block);
      } else if (row_major_32) {
        multiply_row_major<float>(rows, start, n, b, block);
      } else {
        multiply_columns(rows, start, n, b, block);
      }
      for (Index r = 0; r < n; ++r)
        for (Index k = 0; k < n_targets; ++k)
          out[(start + r) * n_targets + k] = static_cast<Scalar>(block(r, k) + a[k]);
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
