#include "fastlr/squared_loss.hpp"

#include <algorithm>
#include <vector>

#include "fastlr/fused_rows.hpp"
#include "fastlr/loading.hpp"
#include "fastlr/row_blocks.hpp"
#include "fastlr/row_layout.hpp"

namespace fastlr {
namespace {

constexpr Index max_slots = 64;
constexpr Index values_per_slot = Index{1} << 14;  // at least, so that small problems stay serial
constexpr Index values_per_part = Index{1} << 26;  // in one call: some 10 to 50 ms
constexpr Index block_rows = 512;
constexpr Index packed_rows = 16;  // of those that cannot be read in whole eights

struct Pass {
  const Rows& rows;
  const Column& y;
  const Column* weight;
  const double* theta;  // (eights * 8), zero beyond the last feature
  double intercept;
  Index n_features;
  Index eights;
  RowMajor matrix;
};

/// Per thread: offset = a - y and the weights of one block, and room for one row or for a block of
/// columns.
struct Workspace {
  explicit Workspace(const Pass& pass) : block(pass.matrix ? packed_rows * 8 * pass.eights : 0) {}

  std::array<double, block_rows> offset{};
  std::array<double, block_rows> weight{};
  std::array<double, block_rows> residual{};
  std::vector<double> block;
};

void load_block(const Pass& pass, Index first, Index n, Workspace& work) {
  load_column(pass.y, first, n, work.offset.data());
  for (Index r = 0; r < round_up(n, 8); r += 8) {
    Eigen::Map<Eight> offset(work.offset.data() + r);
    offset = pass.intercept - offset;
  }
  if (pass.weight != nullptr) load_column(*pass.weight, first, n, work.weight.data());
}

template <class Scalar>
void fused_block(const Pass& pass, Index first, Index n, Workspace& work, double* g,
                 LossSums& sums) {
  const double* weight = pass.weight != nullptr ? work.weight.data() : nullptr;
  const Index safe = std::clamp<Index>(pass.matrix.safe_rows - first, 0, n);
  fused_rows(pass.matrix.row<Scalar>(first), pass.matrix.stride, safe, pass.eights,
             work.offset.data(), weight, pass.theta, g, sums);
  const Index width = 8 * pass.eights;
  for (Index i = safe; i < n; i += packed_rows) {
    const Index count = std::min(packed_rows, n - i);
    for (Index k = 0; k < count; ++k) {
      const Scalar* row = pass.matrix.row<Scalar>(first + i + k);
      std::transform(row, row + pass.n_features, work.block.data() + k * width,
                     [](Scalar x) { return static_cast<double>(x); });
    }
    fused_rows(static_cast<const double*>(work.block.data()), width, count, pass.eights,
               work.offset.data() + i, weight != nullptr ? weight + i : nullptr, pass.theta, g,
               sums);
  }
}

/// body(load) with load(i) = rows [first + i, first + i + 8) of the column, zero from row first + n
/// on. Contiguous columns are read straight from memory, whatever their alignment.
template <class Body>
void with_loader(const Column& column, Index first, Index n, const Body& body) {
  const auto eights_of = [&](auto scalar) {
    using Scalar = decltype(scalar);
    body([&, source = column.at(first)](Index i) {
      if (i + 8 > n) return load_eight(column, first + i, n - i);
      Eigen::Array<Scalar, 8, 1> x;
      std::memcpy(x.data(), source + i * static_cast<Index>(sizeof(Scalar)), sizeof x);
      return Eight(x.template cast<double>());
    });
  };
  if (column.dtype == DType::f64 && column.stride == 8) return eights_of(double{});
  if (column.dtype == DType::f32 && column.stride == 4) return eights_of(float{});
  body([&](Index i) { return load_eight(column, first + i, std::min<Index>(8, n - i)); });
}

/// Column by column: residuals of a block first, then each column's product with them, while the
/// block is in cache.
void column_block(const Pass& pass, Index first, Index n, Workspace& work, double* g,
                  LossSums& sums) {
  using Map = Eigen::Map<Eight>;
  double* r = work.residual.data();
  std::copy_n(work.offset.data(), round_up(n, 8), r);
  for (Index j = 0; j < pass.n_features; ++j) {
    const double b = pass.theta[j];
    with_loader(pass.rows.columns[static_cast<std::size_t>(j)], first, n, [&](const auto& load) {
      for (Index i = 0; i < n; i += 8) Map(r + i) += load(i) * b;
    });
  }
  for (Index i = n; i < round_up(n, 8); ++i) r[i] = 0.0;
  Eight squares = Eight::Zero();
  Eight residuals = Eight::Zero();
  for (Index i = 0; i < n; i += 8) {
    const Eight residual = Map(r + i);
    if (pass.weight != nullptr) Map(r + i) *= Map(work.weight.data() + i);
    squares += residual * Map(r + i);
    residuals += Map(r + i);
  }
  sums.squares += squares.sum();
  sums.residuals += residuals.sum();
  for (Index j = 0; j < pass.n_features; ++j) {
    with_loader(pass.rows.columns[static_cast<std::size_t>(j)], first, n, [&](const auto& load) {
      std::array<Eight, 4> product;
      product.fill(Eight::Zero());
      Index i = 0;
      for (; i + 32 <= n; i += 32)
        for (std::size_t k = 0; k < 4; ++k) {
          const Index at = i + 8 * static_cast<Index>(k);
          product[k] += load(at) * Map(r + at);
        }
      for (; i < n; i += 8) product[0] += load(i) * Map(r + i);
      g[j] += ((product[0] + product[1]) + (product[2] + product[3])).sum();
    });
  }
}

void accumulate_slot(const Pass& pass, Index first, Index last, double* slot) {
  Workspace work(pass);
  LossSums sums{slot[0], slot[1]};
  double* g = slot + 8;
  for (Index start = first; start < last; start += block_rows) {
    const Index n = std::min(block_rows, last - start);
    load_block(pass, start, n, work);
    if (!pass.matrix) {
      column_block(pass, start, n, work, g, sums);
    } else if (pass.matrix.dtype == DType::f64) {
      fused_block<double>(pass, start, n, work, g, sums);
    } else {
      fused_block<float>(pass, start, n, work, g, sums);
    }
  }
  slot[0] = sums.squares;
  slot[1] = sums.residuals;
}

}  // namespace

LossPlan plan_loss(Index n_samples, Index n_features) {
  LossPlan plan{};
  plan.padded = round_up(n_features + 1, 8);
  plan.slot_size = 8 + plan.padded;
  const Index values = n_samples * n_features;
  const Index wanted = std::clamp<Index>(values / values_per_slot, 1, max_slots);
  plan.rows_per_slot =
      std::max<Index>(block_rows, round_up((n_samples + wanted - 1) / wanted, block_rows));
  plan.n_slots = std::max<Index>(1, (n_samples + plan.rows_per_slot - 1) / plan.rows_per_slot);
  const Index affordable =
      std::max<Index>(1, values_per_part / (plan.n_slots * n_features) / block_rows);
  plan.rows_per_part = std::min(plan.rows_per_slot, affordable * block_rows);
  plan.n_parts = (plan.rows_per_slot + plan.rows_per_part - 1) / plan.rows_per_part;
  return plan;
}

void accumulate_loss(const Rows& rows, const Column* weight, const double* theta,
                     const LossPlan& plan, Index part, int n_threads, double* slots) {
  const Index p = rows.n_columns() - 1;
  const Index eights = (p + 7) / 8;
  std::vector<double> padded(static_cast<std::size_t>(8 * eights), 0.0);
  std::copy_n(theta, p, padded.data());
  const Pass pass{rows,   rows.columns.back(), weight, padded.data(), theta[p], p,
                  eights, row_major(rows, p)};
  for_each_task(plan.n_slots, n_threads, [&](Index k) {
    const Index end = std::min(rows.n_samples, (k + 1) * plan.rows_per_slot);
    const Index first = std::min(end, k * plan.rows_per_slot + part * plan.rows_per_part);
    accumulate_slot(pass, first, std::min(end, first + plan.rows_per_part),
                    slots + k * plan.slot_size);
  });
}

double add_slots(const LossPlan& plan, Index n_features, const double* slots, double* gradient) {
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
  const Index n_tasks = (last - first + block_rows - 1) / block_rows;
  std::vector<double> largest(static_cast<std::size_t>(n_tasks), 0.0);
  for_each_task(n_tasks, n_threads, [&](Index task) {
    const Index start = first + task * block_rows;
    const Index n = std::min(block_rows, last - start);
    std::array<double, block_rows> norm{};
    for (Index j = 0; j < p; ++j) {
      const Column& column = rows.columns[static_cast<std::size_t>(j)];
      const double offset = centre != nullptr ? centre[j] : 0.0;
      const double scale = factor != nullptr ? factor[j] : 1.0;
      for (Index i = 0; i < n; i += 8) {
        const Eight x = (load_eight(column, start + i, std::min<Index>(8, n - i)) - offset) * scale;
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
