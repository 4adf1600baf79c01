// Rows -> panels. A panel is `panel_rows` rows of all variables z = (x - shift) * scale, and the
// constant 1 behind them, in strips of eight variables, inside a strip row after row. Packing
// converts, shifts, scales and weights each value once; the product kernels then read nothing but
// contiguous eights.
#pragma once

#include <algorithm>
#include <array>

#include "fastlr/matrices.hpp"
#include "fastlr/reading/layout.hpp"
#include "fastlr/reading/loading.hpp"
#include "fastlr/reading/prefetching.hpp"
#include "fastlr/registers/lanes.hpp"

namespace fastlr {

constexpr Index strip_width = 8;
constexpr Index panel_rows = 128;  // a strip of 128 rows is 8 KiB
/// From one strip of a panel of so many rows to the next: a line more than a strip, lest equal rows of
/// neighbouring strips fall on the same set of a cache.
constexpr Index strip_size_of(Index rows) { return strip_width * rows + 8; }
constexpr Index strip_size = strip_size_of(panel_rows);
constexpr Index most_apart = 5;  // up to so many columns of a strip are read value by value

/// Variables in strips of eight.
struct VariableStrips {
  Index n_variables;

  Index n_strips() const { return (n_variables + strip_width - 1) / strip_width; }
  Index width(Index strip) const {
    return std::min(strip_width, n_variables - strip * strip_width);
  }
};

/// Where one strip of eight variables comes from: leading columns that are neighbours in memory, of
/// which a row is read as one vector, then columns that lie apart, then perhaps the constant.
struct Strip {
  Index first = 0;      // its first variable
  Index width = 0;      // how many of the eight are used
  Index n_columns = 0;  // the same without the constant, which is the panel's last variable
  Index adjacent = 0;   // neighbours, float64 or float32: none, or at least two
  Index safe_rows = 0;  // rows below this may be read eight wide; all, where none are neighbours
  Eight neighbours = Eight::Zero();          // mask of the adjacent columns
  std::array<Eight, most_apart> apart = {};  // scale of each other column, in its own lane

  Index n_apart() const { return n_columns - adjacent; }
  bool is_read_by_rows(Index end) const { return n_apart() <= most_apart && end <= safe_rows; }
};

/// The variables (X | y... | 1) as panels want them. shift and scale have one entry per column of
/// `rows`; scales are powers of two, so that z = x * scale - (shift * scale) rounds as (x - shift)
/// does. A panel has room for `depth` rows.
class PanelLayout {
 public:
  PanelLayout(const Rows& rows, const double* shift, const double* scale, Index depth = panel_rows);

  Index n_variables() const { return n_variables_; }
  Index n_strips() const { return static_cast<Index>(strips_.size()); }
  VariableStrips strips() const { return {n_variables_}; }
  Index padded() const { return n_strips() * strip_width; }
  Index strip_stride() const { return strip_stride_; }
  Index panel_size() const { return n_strips() * strip_stride(); }
  Index width(Index strip) const { return strips_[static_cast<std::size_t>(strip)].width; }
  const Strip& strip(Index s) const { return strips_[static_cast<std::size_t>(s)]; }
  const Column& column(Index j) const { return rows_.columns[static_cast<std::size_t>(j)]; }
  const double* scale() const { return scale_.data(); }
  const double* offset() const { return offset_.data(); }

  /// The neighbours among n_columns columns from `first` on that begin with `first`.
  Neighbours neighbours_from(Index first, Index n_columns) const {
    if (n_columns < 1) return {first, 0, rows_.n_samples};
    return fastlr::neighbours_from(rows_, first, first + n_columns, strip_width);
  }

  /// Values of rows [row, row + n) of a column: in place if they are contiguous doubles, else in
  /// `buffer`.
  const double* values(Index variable, Index row, Index n, double* buffer) const {
    const Column& source = column(variable);
    if (are_doubles(source)) return reinterpret_cast<const double*>(source.at(row));
    load_column(source, row, n, buffer);
    return buffer;
  }

  /// panel (n_strips, strip_stride) = rows [first, first + n), n <= depth; root_weight (or nullptr)
  /// multiplies whole rows.
  void pack(Index first, Index n, const double* root_weight, double* panel) const;

 private:
  static constexpr Index most_at_once = 64;
  static constexpr Index vectors = strip_width / lanes;

  using Buffer = std::array<double, most_at_once>;

  Strip strip_at(Index first) const;
  void pack_strip_by_rows(const Strip& strip, Index row, Index n, const double* root,
                          double* out) const;
  template <class Scalar, Index Apart>
  void rows_with(const Strip& strip, Index row, Index n, const double* root, double* out) const;
  void pack_strip_by_columns(const Strip& strip, Index row, Index n, const double* root,
                             double* out) const;

  const Rows& rows_;
  Index n_variables_;
  Index strip_stride_;
  Eigen::ArrayXd scale_;
  Eigen::ArrayXd offset_;
  std::vector<Strip> strips_;
};

}  // namespace fastlr
