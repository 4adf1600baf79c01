// Rows -> panels. A panel is `panel_rows` rows of all variables z = (x - shift) * scale, and the
// constant 1 behind them. Packing converts, shifts, scales and weights each value once; the product
// kernels then read nothing but contiguous eights.
//
//   pack_strips   strips of eight variables, inside a strip row after row: for products in tiles of
//   variables pack_columns  variable after variable: for few variables, whose products run along
//   the rows
#pragma once

#include <algorithm>
#include <cstring>

#include "fastlr/lanes.hpp"
#include "fastlr/loading.hpp"
#include "fastlr/prefetching.hpp"
#include "fastlr/views.hpp"

namespace fastlr {

constexpr Index strip_width = 8;
constexpr Index panel_rows =
    128;  // a strip of 128 rows is 8 KiB: four of them fit a 32 KiB L1 cache

/// Where one strip of eight variables comes from.
struct Strip {
  Index first = 0;      // index of its first variable
  Index width = 0;      // how many of the eight are used
  Index n_columns = 0;  // the same without the constant, which is the panel's last variable
  Index adjacent =
      0;  // so many leading columns are float neighbours in memory: a row is read as a whole
  Index safe_rows = 0;  // rows below this may be read eight wide without leaving the buffer
};

/// The variables (X | y... | 1) as panels want them. shift and scale have one entry per column of
/// `rows`; scales are powers of two, so that z = x * scale - (shift * scale) rounds as (x - shift)
/// does.
class PanelLayout {
 public:
  PanelLayout(const Rows& rows, const double* shift, const double* scale)
      : rows_(rows), n_variables_(rows.n_columns() + 1) {
    const Index padded = round_up(n_variables_, strip_width);
    scale_.setZero(padded);
    offset_.setZero(padded);
    for (Index j = 0; j < rows.n_columns(); ++j) {
      scale_[j] = scale[j];
      offset_[j] = -shift[j] * scale[j];
    }
    offset_[n_variables_ - 1] = 1.0;  // 0 * 0 + 1: the constant
    for (Index first = 0; first < n_variables_; first += strip_width)
      strips_.push_back(strip_at(first));
  }

  Index n_variables() const { return n_variables_; }
  Index n_strips() const { return static_cast<Index>(strips_.size()); }
  Index padded() const { return n_strips() * strip_width; }
  Index width(Index strip) const { return strips_[static_cast<std::size_t>(strip)].width; }

  /// panel (n_strips, panel_rows, 8) = rows [first, first + n), n <= panel_rows; root_weight (or
  /// nullptr, with room for whole eights) multiplies whole rows. Lanes beyond the last variable are
  /// left as they are.
  void pack_strips(Index first, Index n, const double* root_weight, double* panel) const {
    const Index whole = n / 8 * 8;
    for (Index r = 0; r < whole; r += 8)  // in the order of memory
      for (const Strip& strip : strips_)
        if (is_read_by_rows(strip, first, n))
          pack_rows(strip, first + r, eight(root_weight, r),
                    panel + strip.first * panel_rows + r * strip_width);
    for (const Strip& strip : strips_) {
      const Index done = is_read_by_rows(strip, first, n) ? whole : 0;
      if (done < n)
        pack_block(strip, first, done, n, root_weight, panel + strip.first * panel_rows);
    }
  }

  /// panel (width, panel_rows), for layouts of a single strip; rows beyond n are set to zero up to
  /// a whole eight.
  void pack_columns(Index first, Index n, const double* root_weight, double* panel) const {
    const Strip& strip = strips_.front();
    const bool by_rows = is_read_by_rows(strip, first, n);
    const Index transposed = by_rows ? n / 8 * 8 : 0;
    for (Index r = 0; r < transposed; r += 8) read_rows_transposed(strip, first + r, panel + r);
    for (Index c = 0; c < strip.width; ++c) {
      double* out = panel + c * panel_rows;
      const Index done = c < strip.adjacent ? transposed : 0;
      if (c < strip.n_columns) {
        const Column& source = column(c);
        prefetch_rows(source, first + rows_ahead, n);
        load_column(source, first + done, n - done, out + done);
      } else {
        Eigen::Map<Eigen::ArrayXd>(out, n).setZero();
      }
      finish(c, n, root_weight, out);
      for (Index r = n; r % 8 != 0; ++r) out[r] = 0.0;
    }
  }

 private:
  static constexpr Index rows_ahead = 256;

  static const double* eight(const double* root_weight, Index r) {
    return root_weight == nullptr ? nullptr : root_weight + r;
  }

  static bool is_read_by_rows(const Strip& strip, Index first, Index n) {
    return strip.adjacent > 1 && first + n <= strip.safe_rows;
  }

  /// Ask for the memory of n rows of one variable.
  static void prefetch_rows(const Column& column, Index row, Index n) {
    if (column.stride <= 0 || column.stride > cache_line) return;
    const std::byte* start = column.at(row);
    for (Index offset = 0; offset < n * column.stride; offset += cache_line)
      prefetch(start + offset);
  }

  Strip strip_at(Index first) const {
    Strip strip;
    strip.first = first;
    strip.width = std::min(strip_width, n_variables_ - first);
    strip.n_columns = std::min(strip.width, rows_.n_columns() - first);
    if (strip.n_columns == 0) return strip;
    const Column& head = column(first);
    const Index size = item_size(head.dtype);
    if (head.dtype != DType::f64 && head.dtype != DType::f32) return strip;
    strip.adjacent = 1;
    while (strip.adjacent < strip.n_columns) {
      const Column& next = column(first + strip.adjacent);
      const bool neighbour = next.dtype == head.dtype && next.stride == head.stride &&
                             next.data == head.data + strip.adjacent * size;
      if (!neighbour) break;
      ++strip.adjacent;
    }
    // Reading eight values at row r touches 8 * size bytes; later rows of the same buffer must
    // cover them.
    const Index beyond = (strip_width - strip.adjacent) * size;
    if (beyond == 0) {
      strip.safe_rows = rows_.n_samples;
    } else if (head.stride > 0) {
      strip.safe_rows =
          std::max<Index>(0, rows_.n_samples - (beyond + head.stride - 1) / head.stride);
    }
    return strip;
  }

  const Column& column(Index j) const { return rows_.columns[static_cast<std::size_t>(j)]; }

  /// Eight rows of a strip whose leading columns are neighbours: whole vectors, then what remains
  /// one by one.
  void pack_rows(const Strip& strip, Index row, const double* root, double* out) const {
    const Column& head = column(strip.first);
    if (head.dtype == DType::f64) {
      pack_neighbours<double>(strip, head, row, root, out);
    } else {
      pack_neighbours<float>(strip, head, row, root, out);
    }
    for (Index c = strip.adjacent; c < strip.width; ++c) {
      alignas(64) double z[8] = {};
      if (c < strip.n_columns) load_column(column(strip.first + c), row, 8, z);
      finish(strip.first + c, 8, root, z);
      for (Index i = 0; i < 8; ++i) out[i * strip_width + c] = z[i];
    }
  }

  template <class Scalar>
  void pack_neighbours(const Strip& strip, const Column& head, Index row, const double* root,
                       double* out) const {
    const std::byte* const from = head.at(row);
    const Index stride = head.stride;
    finish_rows(strip, root, out, [from, stride](Index i) {
      Eigen::Array<Scalar, 8, 1> x;
      std::memcpy(x.data(), from + i * stride, sizeof x);
      return Eight(x.template cast<double>());
    });
  }

  /// Rows [done, n) of a strip of unrelated columns: eight rows of each variable at a time,
  /// transposed.
  void pack_block(const Strip& strip, Index first, Index done, Index n, const double* root_weight,
                  double* out) const {
    alignas(64) double converted[strip_width * panel_rows];
    const double* from[strip_width];
    for (Index c = 0; c < strip_width; ++c) {
      double* values = converted + c * panel_rows;
      from[c] = values;
      const bool is_column = c < strip.n_columns;
      if (is_column && is_plain(column(strip.first + c))) {
        from[c] = reinterpret_cast<const double*>(column(strip.first + c).at(first));
      } else if (is_column) {
        load_column(column(strip.first + c), first + done, n - done, values + done);
      } else {
        Eigen::Map<Eigen::ArrayXd>(values + done, n - done).setZero();
      }
    }
    alignas(64) double transposed[8 * strip_width];
    for (; done + 8 <= n && strip.n_columns > 2; done += 8) {
      transpose_eight(from, done, transposed, strip_width);
      finish_rows(strip, eight(root_weight, done), out + done * strip_width,
                  [&transposed](Index i) {
                    return Eight(Eigen::Map<const Eight>(transposed + i * strip_width));
                  });
    }
    const Index count = n - done;
    for (Index c = 0; count > 0 && c < strip.width; ++c) {
      double* z = converted + c * panel_rows;
      std::copy_n(from[c] + done, count, z);
      finish(strip.first + c, count, eight(root_weight, done), z);
      for (Index i = 0; i < count; ++i) out[(done + i) * strip_width + c] = z[i];
    }
  }

  /// out[i, :] = z of row i of the next eight rows of a strip.
  template <class RowAt>
  void finish_rows(const Strip& strip, const double* root, double* out, RowAt row_at) const {
    const Eight scale = scale_.segment<8>(strip.first);
    const Eight offset = offset_.segment<8>(strip.first);
    if (root == nullptr) {
#pragma GCC unroll 8
      for (Index i = 0; i < 8; ++i)
        Eigen::Map<Eight>(out + i * strip_width) = row_at(i) * scale + offset;
    } else {
#pragma GCC unroll 8
      for (Index i = 0; i < 8; ++i)
        Eigen::Map<Eight>(out + i * strip_width) = (row_at(i) * scale + offset) * root[i];
    }
  }

  /// Eight rows of neighbouring columns: panel[c, i] = x[row + i, c].
  void read_rows_transposed(const Strip& strip, Index row, double* panel) const {
    const Column& head = column(strip.first);
    alignas(64) double converted[8 * strip_width];
    const double* from[8];
    for (Index i = 0; i < 8; ++i) {
      from[i] = reinterpret_cast<const double*>(head.at(row + i));
      if (head.dtype == DType::f32) {
        load_scalars<float>(head.at(row + i), sizeof(float), 8, converted + i * strip_width);
        from[i] = converted + i * strip_width;
      }
    }
    transpose_eight(from, 0, panel, panel_rows);
  }

  /// Contiguous float64: eight values can be read as they lie.
  static bool is_plain(const Column& column) {
    return column.dtype == DType::f64 && column.stride == 8;
  }

  /// z = x * scale - shift * scale, times the roots of the weights, for n rows of one variable in
  /// place.
  void finish(Index variable, Index n, const double* root_weight, double* z) const {
    Eigen::Map<Eigen::ArrayXd> values(z, n);
    values = values * scale_[variable] + offset_[variable];
    if (root_weight != nullptr) values *= Eigen::Map<const Eigen::ArrayXd>(root_weight, n);
  }

  const Rows& rows_;
  Index n_variables_;
  Eigen::ArrayXd scale_;
  Eigen::ArrayXd offset_;
  std::vector<Strip> strips_;
};

}  // namespace fastlr
