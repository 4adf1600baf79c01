#include "fastlr/reading/row_window.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "fastlr/reading/loading.hpp"
#include "fastlr/reading/prefetching.hpp"
#include "fastlr/registers/lanes.hpp"

namespace fastlr {
namespace {

// Rows of a window come from anywhere in the table: they are asked for long before they are packed,
// and into a cache that has room for all of them.
constexpr Index window_rows_ahead = 64;
constexpr Index window_rows_ahead_by_columns = 96;
constexpr Index rows_brought_at_once = 32;  // of those that stay where they are

template <class Scalar>
void pack_window_by_rows(const RowMajor& matrix, Index p, const Standardisation& standard,
                         const Index* rows, const std::uint32_t* places, Index count,
                         RowWindow& window) {
  const Index whole = p / 8 * 8;
  const Index row_bytes = p * static_cast<Index>(sizeof(Scalar));
  for (Index i = 0; i < count; ++i) {
    if (i + window_rows_ahead < count) {
      const auto* ahead =
          reinterpret_cast<const std::byte*>(matrix.row<Scalar>(rows[i + window_rows_ahead]));
      for (Index b = 0; b < row_bytes; b += 64) prefetch<third_level>(ahead + b);
    }
    const Scalar* x = matrix.row<Scalar>(rows[i]);
    double* z = window.X.data() + places[i] * window.stride;
    for (Index j = 0; j < whole; j += 8)
      Eigen::Map<Eight>(z + j) =
          Eigen::Map<const Eigen::Array<Scalar, 8, 1>>(x + j).template cast<double>();
    for (Index j = whole; j < p; ++j) z[j] = static_cast<double>(x[j]);
    if (standard.factor == nullptr) continue;
    for (Index j = 0; j < window.stride; j += 8) {
      const Eight centred =
          Eigen::Map<const Eight>(z + j) - Eigen::Map<const Eight>(standard.centre + j);
      Eigen::Map<Eight>(z + j) = centred * Eigen::Map<const Eight>(standard.factor + j);
    }
  }
}

/// How many of rows[i ..) follow one another in memory, at most eight.
Index run_length(const Index* rows, Index i, Index count) {
  Index n = 1;
  while (n < 8 && i + n < count && rows[i + n] == rows[i] + n) ++n;
  return n;
}

/// out[places[i]] = value of row rows[i] times factor.
template <class Scalar>
void pack_scalars(const Column& column, double factor, const Index* rows,
                  const std::uint32_t* places, Index count, double* out) {
  for (Index i = 0; i < count; ++i) {
    Scalar x;
    std::memcpy(&x, column.at(rows[i]), sizeof x);
    out[places[i]] = static_cast<double>(x) * factor;
  }
}

void pack_window_column(const Column& column, double factor, const Index* rows,
                        const std::uint32_t* places, Index count, double* out) {
  if (column.dtype == DType::f64)
    return pack_scalars<double>(column, factor, rows, places, count, out);
  if (column.dtype == DType::f32)
    return pack_scalars<float>(column, factor, rows, places, count, out);
  for (Index i = 0; i < count; i += 8) {
    const Index n = std::min<Index>(8, count - i);
    Eight z;
    if (run_length(rows, i, i + n) == n) {
      load_column(column, rows[i], n, z.data());
    } else {
      gather_column(column, rows + i, n, z.data());
    }
    for (Index k = 0; k < n; ++k) out[places[i + k]] = z[k] * factor;
  }
}

/// Eight columns of the window's rows [i, i + n), n <= 8: neighbours are read at once, others one
/// by one.
void take_eight(const Rows& source, Index first, Index width, const Index* rows, Index i, Index n,
                bool neighbours, Eight* columns) {
  for (Index c = 0; c < width; ++c) {
    const Index j = first + c;
    const Column& column = source.columns[static_cast<std::size_t>(j)];
    Eight& z = columns[c];
    if (neighbours) {
      load_column(column, rows[i], n, z.data());
    } else {
      gather_column(column, rows + i, n, z.data());
    }
  }
}

/// Eight columns of doubles, or fewer, each contiguous: those of a table in Fortran order.
struct EightColumns {
  EightColumns(const Rows& source, Index first, Index width) : n(width) {
    zeros.fill(0.0);
    for (Index c = 0; c < width; ++c) {
      const Column& column = source.columns[static_cast<std::size_t>(first + c)];
      are_contiguous = are_contiguous && are_doubles(column);
      data[static_cast<std::size_t>(c)] = reinterpret_cast<const double*>(column.data);
    }
  }

  /// z (8 rows of 8) = rows [row, row + 8).
  void take_eight(Index row, double* z) const {
    std::array<const double*, 8> from;
    from.fill(zeros.data());
    for (Index c = 0; c < n; ++c)
      from[static_cast<std::size_t>(c)] = data[static_cast<std::size_t>(c)] + row;
    transpose_eight(from.data(), 0, z, 8);
  }

  bool are_contiguous = true;
  Index n;
  std::array<const double*, 8> data{};
  alignas(64) std::array<double, 8> zeros;
};

/// Asks for eight columns of up to `n` of the rows that come after the next ones: of neighbours
/// once a line, and where they end for their last line, which the first may not be. Always inline:
/// see prefetch().
[[gnu::always_inline]] inline void ask_for_columns(const Rows& source, Index first, Index width,
                                                   const Index* rows, Index i, Index n,
                                                   Index count) {
  const Index from = i + window_rows_ahead_by_columns;
  for (Index k = from; k < std::min(count, from + n); ++k) {
    const bool begins = k == from || rows[k] != rows[k - 1] + 1;
    const bool ends = k + 1 == count || rows[k + 1] != rows[k] + 1;
    if (!begins && !ends) continue;
    for (Index c = 0; c < width; ++c)
      prefetch<third_level>(source.columns[static_cast<std::size_t>(first + c)].at(rows[k]));
  }
}

/// Eight columns of eight rows at a time, transposed in registers; eight columns over the whole
/// window before the next eight, so that few places of memory are read at once.
void pack_window_by_columns(const Rows& source, Index p, const Standardisation& standard,
                            const Index* rows, const std::uint32_t* places, Index count,
                            RowWindow& window) {
  std::array<Eight, 8> columns;
  alignas(64) std::array<double, 64> block{};
  std::array<const double*, 8> from{};
  for (std::size_t c = 0; c < 8; ++c) from[c] = columns[c].data();
  for (Index first = 0; first < p; first += 8) {
    const Index width = std::min<Index>(8, p - first);
    const EightColumns doubles(source, first, width);
    columns.fill(Eight::Zero());
    for (Index i = 0; i < count; i += 8) {
      const Index n = std::min<Index>(8, count - i);
      ask_for_columns(source, first, width, rows, i, n, count);
      const bool neighbours = run_length(rows, i, i + n) == n;
      if (doubles.are_contiguous && neighbours && n == 8) {
        doubles.take_eight(rows[i], block.data());
      } else {
        take_eight(source, first, width, rows, i, n, neighbours, columns.data());
        transpose_eight(from.data(), 0, block.data(), 8);
      }
      for (Index k = 0; k < n; ++k) {
        Eight z = Eigen::Map<const Eight>(block.data() + 8 * k);
        if (standard.factor != nullptr)
          z = (z - Eigen::Map<const Eight>(standard.centre + first)) *
              Eigen::Map<const Eight>(standard.factor + first);
        Eigen::Map<Eight>(window.X.data() + places[i + k] * window.stride + first) = z;
      }
    }
  }
}

/// Rows of zeros, with the others put where they belong.
void pack_window_of_sparse(const CompressedRows& X, const Standardisation& standard,
                           const Index* rows, const std::uint32_t* places, Index count,
                           RowWindow& window) {
  const bool is_standard = standard.factor != nullptr;
  Buffer zero = Buffer::Zero(window.stride);
  for (Index j = 0; is_standard && j < X.n_columns; ++j)
    zero[j] = (0.0 - standard.centre[j]) * standard.factor[j];
  for (Index i = 0; i < count; ++i) {
    double* const z = window.X.data() + places[i] * window.stride;
    std::memcpy(z, zero.data(), static_cast<std::size_t>(window.stride) * sizeof(double));
    const Index end = X.start[rows[i] + 1];
    for (Index k = X.start[rows[i]]; k < end; ++k) {
      const Index j = X.columns[k];
      z[j] = is_standard ? (X.values[k] - standard.centre[j]) * standard.factor[j] : X.values[k];
    }
  }
}

}  // namespace

void pack_rows(const Rows& source, const Column* weight, const Standardisation& standard,
               const Index* rows, const std::uint32_t* places, Index count, RowWindow& window) {
  const Index p = source.n_columns() - 1;
  const RowMajor matrix = row_major(source, p);
  if (source.compressed.n_columns == p) {
    pack_window_of_sparse(source.compressed, standard, rows, places, count, window);
  } else if (matrix && matrix.dtype == DType::f64) {
    pack_window_by_rows<double>(matrix, p, standard, rows, places, count, window);
  } else if (matrix) {
    pack_window_by_rows<float>(matrix, p, standard, rows, places, count, window);
  } else {
    pack_window_by_columns(source, p, standard, rows, places, count, window);
  }
  pack_window_column(source.columns.back(), -1.0, rows, places, count, window.minus_y.data());
  if (weight != nullptr)
    pack_window_column(*weight, 1.0, rows, places, count, window.weight.data());
  window.count = count;
}

void pack_values(const Column& column, double factor, const Index* rows,
                 const std::uint32_t* places, Index count, double* out) {
  pack_window_column(column, factor, rows, places, count, out);
}

PlacedRows::PlacedRows(const Rows& rows, const Column* weight, Index register_width)
    : rows_(rows), weight_(weight), head_(rows.columns.front()) {
  const Index p = rows.n_columns() - 1;
  const Index size = item_size(head_.dtype);
  const Index width = round_up(p, register_width);
  safe_rows_ = rows_read_safely(head_, rows.n_samples, p, width);
  row_bytes_ = width * size;
  last_rows_.resize(static_cast<std::size_t>((rows.n_samples - safe_rows_) * row_bytes_));
  for (Index i = safe_rows_; i < rows.n_samples; ++i)
    std::memcpy(last_rows_.data() + (i - safe_rows_) * row_bytes_, head_.at(i),
                static_cast<std::size_t>(p * size));
}

void PlacedRows::pack(const Index* rows, const std::uint32_t* places, Index count,
                      RowsInPlace& window) const {
  const Column& y = rows_.columns.back();
  // A few rows at a time: the core packs what is small while memory brings the rows.
  for (Index i = 0; i < count; i += rows_brought_at_once) {
    const Index n = std::min(rows_brought_at_once, count - i);
    for (Index k = i + n; k < std::min(count, i + n + rows_brought_at_once); ++k)
      prefetch<first_level>(y.at(rows[k]));
    for (Index k = i; k < i + n; ++k) {
      const std::byte* const row = at(rows[k]);
      window.address[places[k]] = row;
      for (Index b = 0; b < row_bytes_; b += cache_line) prefetch<second_level>(row + b);
    }
    pack_window_column(y, -1.0, rows + i, places + i, n, window.minus_y.data());
    if (weight_ != nullptr)
      pack_window_column(*weight_, 1.0, rows + i, places + i, n, window.weight.data());
  }
  window.count = count;
}

}  // namespace fastlr
