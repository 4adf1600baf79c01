// A window of rows, packed: whatever their layout and type, the rows that descent uses next lie as
// aligned doubles one after another, standardised, zero beyond the last feature.
#pragma once

#include <vector>

#include "fastlr/matrices.hpp"
#include "fastlr/reading/layout.hpp"

namespace fastlr {

/// z = (x - centre) * factor, or x itself where both are nullptr.
struct Standardisation {
  const double* centre = nullptr;
  const double* factor = nullptr;
};

using Buffer = Eigen::Matrix<double, Eigen::Dynamic, 1>;

struct RowWindow {
  RowWindow(Index n_rows, Index n_features)
      : stride(round_up(n_features, 8)),
        X(n_rows * stride),
        minus_y(n_rows),
        weight(n_rows),
        count(0) {
    X.setZero();
  }

  Index stride;
  Buffer X;
  Buffer minus_y;
  Buffer weight;
  Index count;
};

/// Row rows[i] of `source` becomes row places[i] of the window, for i < count. The last column of
/// `source` is y; `weight` may be nullptr.
void pack_rows(const Rows& source, const Column* weight, const Standardisation& standardisation,
               const Index* rows, const std::uint32_t* places, Index count, RowWindow& window);

/// out[places[i]] = factor times the value of row rows[i] of one column, for i < count.
void pack_values(const Column& column, double factor, const Index* rows,
                 const std::uint32_t* places, Index count, double* out);

/// A window whose rows stay where they are.
struct RowsInPlace {
  RowsInPlace(Index n_rows, Index beyond)
      : address(static_cast<std::size_t>(n_rows + beyond)), minus_y(n_rows), weight(n_rows) {}

  std::vector<const std::byte*> address;  // and anything beyond the last row, never read
  Buffer minus_y;
  Buffer weight;
  Index count = 0;
};

/// Rows of a table that is one row-major matrix of float64 or float32: they need no packing, if
/// they are not standardised either. Only the last few, behind which no whole register may be read,
/// are copied.
class PlacedRows {
 public:
  static bool are_possible(const Rows& rows) {
    return static_cast<bool>(row_major(rows, rows.n_columns() - 1));
  }

  PlacedRows(const Rows& rows, const Column* weight, Index register_width);

  /// As pack_rows(), but rows are only brought near.
  void pack(const Index* rows, const std::uint32_t* places, Index count, RowsInPlace& window) const;

 private:
  const std::byte* at(Index row) const {
    return row < safe_rows_ ? head_.at(row) : last_rows_.data() + (row - safe_rows_) * row_bytes_;
  }

  const Rows& rows_;
  const Column* weight_;
  Column head_;
  Index safe_rows_;  // those behind them are copied: what follows them may not be read
  Index row_bytes_;  // of a copy
  std::vector<std::byte> last_rows_;
};

}  // namespace fastlr
