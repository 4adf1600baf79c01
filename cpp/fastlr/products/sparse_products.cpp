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

constexpr Index bands_per_thread = 2;
constexpr Index rows_per_turn = 16384;

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

/// Dense columns about their shifts, the constant and the weights of panel_rows rows, row by row.
class DenseBlock {
 public:
  DenseBlock(const Rows& dense, const double* shift, const Column* weight)
      : dense_(dense),
        shift_(shift),
        weight_(weight),
        Z_(RowMatrix::Zero(panel_rows, padded_variables(dense.n_columns()))) {
    Z_.col(dense.n_columns()).setOnes();
    weights_.fill(1.0);
  }

  /// Rows [first, first + n) from now on, and what is known of their weights.
  WeightStatistics read(Index first, Index n) {
    for (Index j = 0; j < dense_.n_columns(); ++j) {
      load_column(dense_.columns[static_cast<std::size_t>(j)], first, n, values_.data());
      for (Index r = 0; r < n; ++r) Z_(r, j) = values_[static_cast<std::size_t>(r)] - shift_[j];
    }
    return weight_ != nullptr ? load_weights(*weight_, first, n, weights_.data())
                              : WeightStatistics{};
  }

  const double* row(Index r) const { return Z_.row(r).data(); }
  double weight(Index r) const { return weights_[static_cast<std::size_t>(r)]; }

 private:
  const Rows& dense_;
  const double* shift_;
  const Column* weight_;
  RowMatrix Z_;
  alignas(64) std::array<double, panel_rows> values_;
  alignas(64) std::array<double, panel_rows> weights_;
};

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

/// Columns [first, last) of n rows from `start` on, whose dense columns are those of `block`.
template <class Int>
void add_band(const Parts<Int>& X, Index first, Index last, Index start, Index n,
              const DenseBlock& block, const SparseSums& sums) {
  const Index width = sums.layout.width();
  double* const mixed = sums.now + sums.layout.mixed();
  double* const counts = sums.now + sums.layout.counts();
  for (Index r = 0; r < n; ++r) {
    const Int begin = X.start[start + r];
    const Int end = X.start[start + r + 1];
    Int k = begin;
    while (k < end && X.columns[k] < first) ++k;
    const double* const z = block.row(r);
    const double w = block.weight(r);
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
  for (Index r = 0; r < n; ++r) {
    const double* const z = block.row(r);
    for (Index a = 0; a <= sums.layout.n_dense; ++a) {
      double* const products = sums.now + sums.layout.dense() + a * width;
      const Lanes factor = broadcast(block.weight(r) * z[a]);
      for (Index c = 0; c < width; c += lanes)
        store(products + c, multiply_add(factor, load(z + c), load(products + c)));
    }
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
  const Index n_bands = n_threads == 1 ? 1 : n_threads * bands_per_thread;
  const std::vector<Index> bands =
      bands_of(X.n_columns, column_counts, X.n_samples, width, n_bands);
  // Every band packs the dense columns for itself, lest threads wait for one another.
  with_parts(X, [&](const auto& parts) {
    for_each_task(n_bands + 1, n_threads, [&](Index task) {
      DenseBlock block(dense, shift, weight);
      const auto band = static_cast<std::size_t>(task);
      for (Index first = range.first; first < range.last; first += panel_rows) {
        if ((first - range.first) % rows_per_turn == 0) give_turn();
        const Index n = std::min(panel_rows, range.last - first);
        const WeightStatistics statistics = block.read(first, n);
        if (task < n_bands) {
          add_band(parts, bands[band], bands[band + 1], first, n, block, all);
          continue;
        }
        *reinterpret_cast<WeightStatistics*>(sums + all.layout.statistics()) += statistics;
        add_dense(block, n, all);
        const bool is_full = (first + n - range.first) % additions_per_fold == 0;
        if (is_full || first + n == range.last) all.fold_sums(all.layout.dense(), width * width);
      }
    });
  });
}

void predict_sparse(const CompressedRows& X, RowRange range, const double* coef,
                    const double* intercept, Index n_targets, int n_threads, double* out) {
  const Index n_tasks = (range.last - range.first + rows_per_turn - 1) / rows_per_turn;
  with_parts(X, [&]<class Int>(const Parts<Int>& parts) {
    for_each_task(n_tasks, n_threads, [&](Index task) {
      const Index first = range.first + task * rows_per_turn;
      const Index last = std::min(range.last, first + rows_per_turn);
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
