#include "fastlr/prediction/prediction.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "fastlr/reading/layout.hpp"
#include "fastlr/reading/loading.hpp"
#include "fastlr/reading/prefetching.hpp"
#include "fastlr/registers/lane_sums.hpp"
#include "fastlr/threads.hpp"

namespace fastlr {
namespace {

constexpr Index prediction_rows = 256;
constexpr Index most_blocks_per_task = 16;
constexpr Index tasks_per_thread = 4;

using Block = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic>;

/// Where the values of each column of a block begin: in place if they are contiguous doubles.
class BlockColumns {
 public:
  explicit BlockColumns(const Rows& rows)
      : rows_(rows), converted_(prediction_rows, rows.n_columns()), from_(rows.columns.size()) {}

  const std::vector<const double*>& at(Index first, Index n) {
    for (std::size_t j = 0; j < from_.size(); ++j) {
      const Column& column = rows_.columns[j];
      if (are_doubles(column) && n % lanes == 0) {
        from_[j] = reinterpret_cast<const double*>(column.at(first));
      } else {
        double* const values = converted_.col(static_cast<Index>(j)).data();
        load_column(column, first, n, values);
        std::fill(values + n, values + round_up(n, lanes), 0.0);
        from_[j] = values;
      }
    }
    return from_;
  }

 private:
  const Rows& rows_;
  Block converted_;
  std::vector<const double*> from_;
};

/// What lanes [lane, lane + count) of rows in registers would add up to, for R registers of rows.
template <Index R, Index count>
void add_lanes(const std::vector<const double*>& from, Index row, const double* b, Index lane,
               Lanes (&total)[R]) {
  if constexpr (count == 1) {
#pragma GCC unroll 4
    for (Index v = 0; v < R; ++v) total[v] = broadcast(0.0);
    for (Index j = lane; j < static_cast<Index>(from.size()); j += lanes) {
      const Lanes coef = broadcast_from(b + j);
      const double* const x = from[static_cast<std::size_t>(j)] + row;
#pragma GCC unroll 4
      for (Index v = 0; v < R; ++v) total[v] = multiply_add(load(x + v * lanes), coef, total[v]);
    }
  } else {
    Lanes others[R];
    add_lanes<R, count / 2>(from, row, b, lane, total);
    add_lanes<R, count / 2>(from, row, b, lane + count / 2, others);
#pragma GCC unroll 4
    for (Index v = 0; v < R; ++v) total[v] = add(total[v], others[v]);
  }
}

/// R registers of rows: the sums are those of rows in registers, lane by lane and in the order of
/// their tree, so that a prediction does not depend on the layout.
template <Index R>
void column_products(const std::vector<const double*>& from, Index row, const double* b,
                     double* out) {
  Lanes total[R];
  add_lanes<R, lanes>(from, row, b, 0, total);
#pragma GCC unroll 4
  for (Index v = 0; v < R; ++v) store(out + v * lanes, total[v]);
}

/// out (n, t) from columns that lie apart.
void multiply_columns(BlockColumns& columns, Index first, Index n, const RowMatrix& coef,
                      Block& out) {
  out.resize(round_up(n, lanes), coef.rows());
  const std::vector<const double*>& from = columns.at(first, n);
  for (Index k = 0; k < coef.rows(); ++k) {
    const double* const b = coef.row(k).data();
    Index r = 0;
    for (; r + 4 * lanes <= n; r += 4 * lanes) column_products<4>(from, r, b, &out(r, k));
    for (; r < n; r += lanes) column_products<1>(from, r, b, &out(r, k));
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

/// Asks for as many rows as a register has lanes, 2 KiB or as many rows ahead: the hardware's own
/// streams stop at every page. Long rows are streams enough.
template <class Scalar>
[[gnu::always_inline]] inline void ask_ahead(const std::byte* x, Index stride, Index width) {
  constexpr Index bytes_ahead = 2048;
  constexpr Index most_bytes = 8192;
  const Index row_bytes = width * Index{sizeof(Scalar)};
  if (stride < 0 || stride > 2 * row_bytes || lanes * stride > most_bytes) return;
  const std::byte* const first = x + std::max(bytes_ahead, lanes * stride);
  for (Index offset = 0; offset < lanes * stride; offset += cache_line)
    prefetch<first_level>(first + offset);
}

/// As many rows as a register has lanes: their products with b, one in each lane.
template <class Scalar>
Lanes row_products(const std::byte* x, Index stride, const double* b, Index width,
                   const Lanes& tail) {
  Lanes sum[lanes];
#pragma GCC unroll 8
  for (Index i = 0; i < lanes; ++i) sum[i] = broadcast(0.0);
  const Index last = width - lanes;
  ask_ahead<Scalar>(x, stride, width);
  for (Index j = 0; j < last; j += lanes) {
    const Lanes coef = load(b + j);
#pragma GCC unroll 8
    for (Index i = 0; i < lanes; ++i)
      sum[i] = multiply_add(load_as_doubles<Scalar>(x + i * stride + j * Index{sizeof(Scalar)}),
                            coef, sum[i]);
  }
  const Lanes coef = load(b + last);
#pragma GCC unroll 8
  for (Index i = 0; i < lanes; ++i) {
    const Lanes values = load_as_doubles<Scalar>(x + i * stride + last * Index{sizeof(Scalar)});
    sum[i] = multiply_add(keep(values, tail), coef, sum[i]);
  }
  return sums_of(sum);
}

/// out (n, t) of rows that lie as vectors. Those that cannot be read in whole registers are copied
/// first, so that a row's prediction does not depend on where it stands.
template <class Scalar>
void multiply_rows(const Rows& rows, Index first, Index n, const Coefficients& coef, Block& out) {
  const Column& head = rows.columns.front();
  const Index n_features = rows.n_columns();
  const Index safe = rows_read_safely(head, rows.n_samples, n_features, coef.width);
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

/// All columns are neighbours, so that a row is read as vectors.
bool lies_in_rows(const Rows& rows) {
  return rows.n_columns() > 1 && n_neighbours(rows.columns) == rows.n_columns();
}

}  // namespace

template <class Scalar>
void predict(const Rows& rows, Index first, Index last, const double* coef, const double* intercept,
             Index n_targets, int n_threads, Scalar* out) {
  const ConstMatrixMap b(coef, n_targets, rows.n_columns());
  const Coefficients registers(b, rows.n_columns());
  const bool in_rows = lies_in_rows(rows);
  // Calls are short where rows are long, and are to be shared all the same.
  const Index n_blocks = (last - first + prediction_rows - 1) / prediction_rows;
  const Index blocks_per_task = std::clamp<Index>(
      n_blocks / (tasks_per_thread * std::max(n_threads, 1)), 1, most_blocks_per_task);
  const Index task_rows = prediction_rows * blocks_per_task;
  const Index n_tasks = (last - first + task_rows - 1) / task_rows;
  for_each_task(n_tasks, n_threads, [&](Index task) {
    Block block;
    std::optional<BlockColumns> columns;
    if (!in_rows) columns.emplace(rows);
    const Index end = std::min(last, first + (task + 1) * task_rows);
    for (Index start = first + task * task_rows; start < end; start += prediction_rows) {
      const Index n = std::min(prediction_rows, end - start);
      if (!in_rows) {
        multiply_columns(*columns, start, n, registers.values, block);
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
