// Products of sparse rows. A thread owns a band of columns and goes through all rows of a block:
// every sum is in the order of the rows, however many bands there are.
#include "fastlr/products/sparse_products.hpp"

#include <algorithm>
#include <array>

#include "fastlr/products/cross_products.hpp"
#include "fastlr/reading/weights.hpp"
#include "fastlr/threads.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr Index doubles_per_block = Index{1} << 18;  // of dense columns, which bands read again
constexpr Index most_block_rows = 32768;
constexpr Index bands_per_thread = 2;

/// The same as Indices, of one width.
template <class Int>
struct Parts {
  explicit Parts(const CompressedRows& X)
      : values(X.values),
        columns(static_cast<const Int*>(X.columns.data)),
        start(static_cast<const Int*>(X.start.data)) {}

  const double* values;
  const Int* columns;
  const Int* start;
};

/// body(Parts) of the width that they have; starts and columns have the same one.
template <class Body>
void with_parts(const CompressedRows& X, const Body& body) {
  if (X.columns.are_wide) return body(Parts<std::int64_t>(X));
  return body(Parts<std::int32_t>(X));
}

/// Dense columns about their shifts, the constant and the weights of some rows, row by row.
struct DenseBlock {
  DenseBlock(Index n_rows, Index width, bool weighted)
      : Z(RowMatrix::Zero(n_rows, width)), weight(weighted ? n_rows : 0) {}

  RowMatrix Z;
  Vector weight;
};

void pack_dense(const Rows& dense, const double* shift, const Column* weight, Index first, Index n,
                Index at, DenseBlock& block, WeightStatistics& statistics) {
  alignas(64) std::array<double, panel_rows> values;
  for (Index j = 0; j < dense.n_columns(); ++j) {
    load_column(dense.columns[static_cast<std::size_t>(j)], first, n, values.data());
    for (Index r = 0; r < n; ++r)
      block.Z(at + r, j) = values[static_cast<std::size_t>(r)] - shift[j];
  }
  block.Z.col(dense.n_columns()).segment(at, n).setOnes();
  if (weight == nullptr) return;
  statistics = load_weights(*weight, first, n, values.data());
  std::copy_n(values.data(), n, block.weight.data() + at);
}

/// The three of everything.
struct SparseSums {
  SparseSums(const SparseLayout& layout, double* sums) : layout(layout), now(sums) {}

  void fold_sums(Index at, Index n) const {
    double* const hi = now + layout.size();
    fold(now + at, n, hi + at, hi + layout.size() + at);
    std::fill_n(now + at, n, 0.0);
  }

  SparseLayout layout;
  double* now;
};

/// Columns [first, last) of rows [begin, end), whose dense columns are those of `block`.
template <class Int>
void add_band(const Parts<Int>& X, Index first, Index last, RowRange range, const DenseBlock& block,
              const SparseSums& sums) {
  const Index width = sums.layout.width();
  double* const mixed = sums.now + sums.layout.mixed();
  double* const counts = sums.now + sums.layout.counts();
  const bool weighted = block.weight.size() > 0;
  for (Index r = range.first; r < range.last; ++r) {
    const Int begin = X.start[r];
    const Int end = X.start[r + 1];
    Int k = begin;
    if (first > 0)
      k = static_cast<Int>(
          std::lower_bound(X.columns + begin, X.columns + end, static_cast<Int>(first)) -
          X.columns);
    const double* const z = block.Z.data() + (r - range.first) * width;
    const double w = weighted ? block.weight[r - range.first] : 1.0;
    for (; k < end && X.columns[k] < last; ++k) {
      const Index i = X.columns[k];
      const double x = w * X.values[k];
      double* const products = sums.now + SparseLayout::row_of_triangle(i);
      for (Int m = begin; m <= k; ++m) products[X.columns[m]] += x * X.values[m];
      double* const with_dense = mixed + i * width;
      const Lanes factor = broadcast(x);
      for (Index c = 0; c < width; c += lanes)
        store(with_dense + c, multiply_add(factor, load(z + c), load(with_dense + c)));
      counts[i] += 1.0;
      if (counts[i] < static_cast<double>(additions_per_fold)) continue;
      counts[i] = 0.0;
      sums.fold_sums(SparseLayout::row_of_triangle(i), round_up(i + 1, 8));
      sums.fold_sums(sums.layout.mixed() + i * width, width);
    }
  }
}

/// Products of the dense columns of n rows with one another.
void add_dense(const DenseBlock& block, Index n, const SparseSums& sums) {
  const Index width = sums.layout.width();
  const Index at = sums.layout.dense();
  for (Index start = 0; start < n; start += additions_per_fold) {
    for (Index r = start; r < std::min(n, start + additions_per_fold); ++r) {
      const double* const z = block.Z.data() + r * width;
      const double w = block.weight.size() > 0 ? block.weight[r] : 1.0;
      for (Index a = 0; a <= sums.layout.n_dense; ++a) {
        double* const products = sums.now + at + a * width;
        const Lanes factor = broadcast(w * z[a]);
        for (Index c = 0; c < width; c += lanes)
          store(products + c, multiply_add(factor, load(z + c), load(products + c)));
      }
    }
    sums.fold_sums(at, width * width);
  }
}

/// Where bands begin, so that all have about the same to do; the end of the last one behind them.
std::vector<Index> bands_of(Index n_columns, const Index* counts, Index n_samples, Index width,
                            Index n_bands) {
  // A value of column i meets those before it, which are these many in a row on average.
  double before = 0.0;
  std::vector<double> work(static_cast<std::size_t>(n_columns) + 1, 0.0);
  for (Index i = 0; i < n_columns; ++i) {
    const auto count = static_cast<double>(counts[i]);
    before += count / static_cast<double>(std::max<Index>(1, n_samples));
    work[static_cast<std::size_t>(i) + 1] =
        work[static_cast<std::size_t>(i)] +
        count * (4.0 + before + static_cast<double>(width / lanes));
  }
  std::vector<Index> bands{0};
  for (Index band = 1; band < n_bands; ++band) {
    const double share = work.back() * static_cast<double>(band) / static_cast<double>(n_bands);
    const Index at = std::lower_bound(work.begin(), work.end(), share) - work.begin();
    bands.push_back(std::clamp(at, bands.back(), n_columns));
  }
  bands.push_back(n_columns);
  return bands;
}

}  // namespace

SparseSurvey survey_sparse(const CompressedRows& X) {
  SparseSurvey survey;
  survey.column_counts.assign(static_cast<std::size_t>(X.n_columns), 0);
  with_parts(X, [&]<class Int>(const Parts<Int>& parts) {
    bool rises = true;
    for (Index r = 0; r < X.n_samples; ++r) {
      const Index begin = parts.start[r];
      const Index end = parts.start[r + 1];
      if (end < begin || end > parts.start[X.n_samples]) return;
      Index last = -1;
      for (Index k = begin; k < end; ++k) {
        const Index j = parts.columns[k];
        if (j < 0 || j >= X.n_columns) return;
        ++survey.column_counts[static_cast<std::size_t>(j)];
        rises = rises && j > last;
        last = j;
      }
      const auto n = static_cast<double>(end - begin);
      survey.n_products += 0.5 * n * (n + 1.0);
    }
    survey.is_sound = true;
    survey.is_canonical = rises;
  });
  return survey;
}

void accumulate_sparse(const CompressedRows& X, const Rows& dense, const Column* weight,
                       const double* shift, const Index* column_counts, RowRange range,
                       int n_threads, double* sums) {
  const SparseSums all({X.n_columns, dense.n_columns()}, sums);
  const Index width = all.layout.width();
  const Index block_rows = std::clamp<Index>(doubles_per_block / width / panel_rows * panel_rows,
                                             panel_rows, most_block_rows);
  const Index n_chunks = block_rows / panel_rows;
  DenseBlock block(std::min(block_rows, round_up(range.last - range.first, panel_rows)), width,
                   weight != nullptr);
  std::vector<WeightStatistics> statistics(static_cast<std::size_t>(n_chunks));
  const Index n_bands = n_threads == 1 ? 1 : n_threads * bands_per_thread;
  const std::vector<Index> bands =
      bands_of(X.n_columns, column_counts, X.n_samples, width, n_bands);
  for (Index first = range.first; first < range.last; first += block_rows) {
    give_turn();
    const RowRange rows{first, std::min(range.last, first + block_rows)};
    const Index n = rows.last - rows.first;
    const Index used = (n + panel_rows - 1) / panel_rows;
    for_each_task(used, n_threads, [&](Index k) {
      const Index at = k * panel_rows;
      pack_dense(dense, shift, weight, first + at, std::min(panel_rows, n - at), at, block,
                 statistics[static_cast<std::size_t>(k)]);
    });
    if (weight != nullptr)
      for (Index k = 0; k < used; ++k)
        *reinterpret_cast<WeightStatistics*>(sums + all.layout.statistics()) +=
            statistics[static_cast<std::size_t>(k)];
    with_parts(X, [&](const auto& parts) {
      for_each_task(n_bands + 1, n_threads, [&](Index task) {
        if (task == n_bands) return add_dense(block, n, all);
        const auto band = static_cast<std::size_t>(task);
        add_band(parts, bands[band], bands[band + 1], rows, block, all);
      });
    });
  }
}

void predict_sparse(const CompressedRows& X, RowRange range, const double* coef,
                    const double* intercept, Index n_targets, int n_threads, double* out) {
  const Index n_tasks = (range.last - range.first + most_block_rows - 1) / most_block_rows;
  with_parts(X, [&]<class Int>(const Parts<Int>& parts) {
    for_each_task(n_tasks, n_threads, [&](Index task) {
      const Index first = range.first + task * most_block_rows;
      const Index last = std::min(range.last, first + most_block_rows);
      for (Index r = first; r < last; ++r) {
        for (Index t = 0; t < n_targets; ++t) {
          const double* const b = coef + t * X.n_columns;
          double sum = 0.0;
          for (Int k = parts.start[r]; k < parts.start[r + 1]; ++k)
            sum += parts.values[k] * b[parts.columns[k]];
          out[r * n_targets + t] = sum + intercept[t];
        }
      }
    });
  });
}

}  // namespace fastlr
