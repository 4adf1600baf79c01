#include "fastlr/descent/squared_loss.hpp"

#include <algorithm>
#include <vector>

#include "fastlr/descent/fused_rows.hpp"
#include "fastlr/reading/layout.hpp"
#include "fastlr/reading/loading.hpp"
#include "fastlr/registers/lanes.hpp"
#include "fastlr/threads.hpp"

namespace fastlr {

template void fused_rows(const RowsInOrder<double>&, Index, const RowWidth&, const double*,
                         const double*, const double*, double*, LossSums&, const SquaredLoss&);
template void fused_rows(const RowsInOrder<double>&, Index, const RowWidth&, const double*,
                         const double*, const double*, double*, LossSums&, const ResidualLoss&);

namespace {

constexpr Index values_per_slot = Index{1} << 14;  // at least, so that small problems stay serial
constexpr Index values_per_part = Index{1} << 26;  // in one call: some 10 to 50 ms
constexpr Index loss_rows = 512;
constexpr Index packed_rows = 16;                // of those that cannot be read in whole eights
constexpr Index packed_values = Index{1} << 16;  // of columns that become rows

struct Pass {
  const Rows& rows;
  const Column& y;
  const Column* weight;
  const ResidualLoss& loss;
  const double* theta;  // (eights * 8), zero beyond the last feature
  double intercept;
  Index n_features;
  Index eights;
  RowWidth width;
  RowMajor matrix;
  Index safe_rows;  // rows below this may be read in whole registers
};

/// Per thread: offset = a - y and the weights of one block, and room for packed rows.
struct Workspace {
  explicit Workspace(const Pass& pass)
      : rows_of_block(pass.matrix ? packed_rows
                                  : std::clamp<Index>(packed_values / (64 * pass.eights) * 8,
                                                      packed_rows, loss_rows)),
        block(rows_of_block * 8 * pass.eights),
        columns(pass.matrix ? 0 : 8 * loss_rows) {
    if (pass.matrix) block.setZero();  // rows are packed there without their padding
  }

  std::array<double, loss_rows> offset{};
  std::array<double, loss_rows> weight{};
  Index rows_of_block;
  Eigen::VectorXd block;
  Eigen::VectorXd columns;
};

void load_block(const Pass& pass, Index first, Index n, Workspace& work) {
  load_column(pass.y, first, n, work.offset.data());
  for (Index r = 0; r < round_up(n, 8); r += 8) {
    Eigen::Map<Eight> offset(work.offset.data() + r);
    offset = pass.intercept - offset;
  }
  if (pass.weight != nullptr) load_column(*pass.weight, first, n, work.weight.data());
}

/// The squared loss by its own way, another one by theirs.
template <class Source>
void fused_by_loss(const Pass& pass, const Source& rows, Index n, const double* offset,
                   const double* weight, double* g, LossSums& sums) {
  if (pass.loss.is_squared()) {
    fused_rows(rows, n, pass.width, offset, weight, pass.theta, g, sums);
  } else {
    fused_rows(rows, n, pass.width, offset, weight, pass.theta, g, sums, pass.loss);
  }
}

/// Rows that were packed in whole eights.
void fused_packed(const Pass& pass, Index at, Index n, const Workspace& work, double* g,
                  LossSums& sums) {
  const RowsInOrder<double> rows{reinterpret_cast<const std::byte*>(work.block.data()),
                                 8 * pass.eights * Index{sizeof(double)}};
  fused_by_loss(pass, rows, n, work.offset.data() + at,
                pass.weight != nullptr ? work.weight.data() + at : nullptr, g, sums);
}

template <class Scalar>
void fused_block(const Pass& pass, Index first, Index n, Workspace& work, double* g,
                 LossSums& sums) {
  // Whole eights of rows, so that sums do not depend on where the rows lie.
  Index safe = std::clamp<Index>(pass.safe_rows - first, 0, n);
  if (safe < n) safe = safe / 8 * 8;
  const RowsInOrder<Scalar> rows{reinterpret_cast<const std::byte*>(pass.matrix.row<Scalar>(first)),
                                 pass.matrix.stride * Index{sizeof(Scalar)}};
  fused_by_loss(pass, rows, safe, work.offset.data(),
                pass.weight != nullptr ? work.weight.data() : nullptr, g, sums);
  for (Index i = safe; i < n; i += packed_rows) {
    const Index count = std::min(packed_rows, n - i);
    for (Index k = 0; k < count; ++k) {
      const Scalar* row = pass.matrix.row<Scalar>(first + i + k);
      std::transform(row, row + pass.n_features, work.block.data() + k * 8 * pass.eights,
                     [](Scalar x) { return static_cast<double>(x); });
    }
    fused_packed(pass, i, count, work, g, sums);
  }
}

/// Eight columns over n rows, packed beside one another: block[i * width + c] = column c of row
/// first + i, zero beyond the last column. Rows are packed in whole eights.
void pack_eight_of_block(const Pass& pass, Index column, Index first, Index n, Workspace& work,
                         double* block) {
  std::array<const double*, 8> from{};
  for (Index c = 0; c < 8; ++c) {
    double* room = work.columns.data() + c * loss_rows;
    from[static_cast<std::size_t>(c)] = room;
    if (column + c >= pass.n_features) {
      std::fill_n(room, round_up(n, 8), 0.0);
      continue;
    }
    const Column& source = pass.rows.columns[static_cast<std::size_t>(column + c)];
    if (are_doubles(source) && n % 8 == 0) {
      from[static_cast<std::size_t>(c)] = reinterpret_cast<const double*>(source.at(first));
    } else {
      load_column(source, first, n, room);
      std::fill_n(room + n, round_up(n, 8) - n, 0.0);
    }
  }
  for (Index i = 0; i < n; i += 8)
    transpose_eight(from.data(), i, block + i * 8 * pass.eights, 8 * pass.eights);
}

/// Columns become rows, a cache-sized block at a time: every layout and type takes the same sums,
/// to the last bit.
void packed_block(const Pass& pass, Index first, Index n, Workspace& work, double* g,
                  LossSums& sums) {
  const Index step = work.rows_of_block;
  for (Index i = 0; i < n; i += step) {
    const Index count = std::min(step, n - i);
    for (Index j = 0; j < pass.n_features; j += 8)
      pack_eight_of_block(pass, j, first + i, count, work, work.block.data() + j);
    fused_packed(pass, i, count, work, g, sums);
  }
}

void accumulate_slot(const Pass& pass, RowRange range, double* slot) {
  const auto [first, last] = range;
  Workspace work(pass);
  LossSums sums;
  double* g = slot + 8;
  for (Index start = first; start < last; start += loss_rows) {
    const Index n = std::min(loss_rows, last - start);
    load_block(pass, start, n, work);
    if (!pass.matrix) {
      packed_block(pass, start, n, work, g, sums);
    } else if (pass.matrix.dtype == DType::f64) {
      fused_block<double>(pass, start, n, work, g, sums);
    } else {
      fused_block<float>(pass, start, n, work, g, sums);
    }
  }
  slot[0] += sums.squares();
  slot[1] += sums.residuals();
}

}  // namespace

SlotPlan plan_loss(Index n_samples, Index n_features) {
  const Index values = n_samples * n_features;
  return plan_slots({.n_samples = n_samples,
                     .fold_rows = loss_rows,
                     .n_slots = std::clamp<Index>(values / values_per_slot, 1, most_slots),
                     .work_per_row = n_features,
                     .work_per_part = values_per_part,
                     .slot_size = 8 + round_up(n_features + 1, 8)});
}

void accumulate_loss(const Rows& rows, const Column* weight, const double* theta,
                     const SlotPlan& plan, Index part, int n_threads, double* slots,
                     const ResidualLoss& loss) {
  const Index p = rows.n_columns() - 1;
  const Index eights = (p + 7) / 8;
  std::vector<double> padded(static_cast<std::size_t>(8 * eights), 0.0);
  std::copy_n(theta, p, padded.data());
  const RowWidth width(p);
  const Pass pass{
      rows,
      rows.columns.back(),
      weight,
      loss,
      padded.data(),
      theta[p],
      p,
      eights,
      width,
      row_major(rows, p),
      rows_read_safely(rows.columns.front(), rows.n_samples, p, width.n_registers * lanes)};
  for_each_task(plan.n_slots, n_threads, [&](Index k) {
    accumulate_slot(pass, part_of_slot(plan, rows.n_samples, k, part), slots + k * plan.slot_size);
  });
}

double add_slots(const SlotPlan& plan, Index n_features, const double* slots, double* gradient) {
  double squares = 0.0;
  std::fill_n(gradient, n_features + 1, 0.0);
  for (Index k = 0; k < plan.n_slots; ++k) {
    const double* slot = slots + k * plan.slot_size;
    squares += slot[0];
    gradient[n_features] += slot[1];
    for (Index j = 0; j < n_features; ++j) gradient[j] += slot[8 + j];
  }
  return squares;
}

double largest_row_norm(const Rows& rows, const Column* weight, const double* centre,
                        const double* factor, Index first, Index last, int n_threads) {
  const Index p = rows.n_columns() - 1;
  const Index n_tasks = (last - first + loss_rows - 1) / loss_rows;
  std::vector<double> largest(static_cast<std::size_t>(n_tasks), 0.0);
  for_each_task(n_tasks, n_threads, [&](Index task) {
    const Index start = first + task * loss_rows;
    const Index n = std::min(loss_rows, last - start);
    std::array<double, loss_rows> norm{};
    std::array<double, loss_rows> value{};
    for (Index j = 0; j < p; ++j) {
      const Column& column = rows.columns[static_cast<std::size_t>(j)];
      const double offset = centre != nullptr ? centre[j] : 0.0;
      const double scale = factor != nullptr ? factor[j] : 1.0;
      load_column(column, start, n, value.data());
      for (Index i = 0; i < n; i += 8) {
        const Eight x = (Eigen::Map<const Eight>(value.data() + i) - offset) * scale;
        Eigen::Map<Eight>(norm.data() + i) += x * x;
      }
    }
    for (Index i = 0; i < n; ++i)
      if (weight == nullptr || load_one(*weight, start + i) > 0.0)
        largest[static_cast<std::size_t>(task)] =
            std::max(largest[static_cast<std::size_t>(task)], norm[static_cast<std::size_t>(i)]);
  });
  return n_tasks > 0 ? *std::max_element(largest.begin(), largest.end()) : 0.0;
}

}  // namespace fastlr
