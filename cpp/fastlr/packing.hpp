// Rows -> panels. A panel is `panel_rows` rows of all variables z = (x - shift) * scale, cut into
// strips of eight variables: strip after strip, inside a strip row after row. Packing converts,
// shifts, scales and weights each value once; the product kernel then reads nothing but aligned,
// contiguous eights.
#pragma once

#include <algorithm>
#include <cstring>

#include "fastlr/loading.hpp"
#include "fastlr/views.hpp"

namespace fastlr {

constexpr Index strip_width = 8;
constexpr Index panel_rows =
    128;  // a strip of 128 rows is 8 KiB: four of them fit a 32 KiB L1 cache

/// Where one strip of eight variables comes from.
struct Strip {
  Index first = 0;  // index of its first variable
  Index width = 0;  // how many of the eight are used; the panel's last one may be the constant
  Index adjacent =
      0;  // so many leading columns are float neighbours in memory: a row is read as a whole
  Index safe_rows = 0;  // rows below this may be read eight wide without leaving the buffer
  bool has_constant = false;
};

/// The variables (X | y... | 1) as the panel wants them. shift and scale have one entry per column
/// of `rows`; scales are powers of two, so z = x * scale - (shift * scale) rounds as (x - shift)
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
      offset_[j] = shift[j] * scale[j];
    }
    for (Index first = 0; first < n_variables_; first += strip_width)
      strips_.push_back(strip_at(first));
  }

  Index n_variables() const { return n_variables_; }
  Index n_strips() const { return static_cast<Index>(strips_.size()); }
  Index padded() const { return n_strips() * strip_width; }
  Index width(Index strip) const { return strips_[static_cast<std::size_t>(strip)].width; }

  /// panel = rows [first, first + n) with n <= panel_rows; root_weight (or nullptr) multiplies
  /// whole rows.
  void pack(Index first, Index n, const double* root_weight, double* panel) const {
    for (const Strip& strip : strips_) {
      double* out = panel + strip.first * panel_rows;
      Index done = 0;
      if (strip.adjacent >= 2) done = pack_by_rows(strip, first, n, root_weight, out);
      pack_by_columns(strip, first, done, n, root_weight, out);
    }
  }

 private:
  Strip strip_at(Index first) const {
    Strip strip;
    strip.first = first;
    strip.width = std::min(strip_width, n_variables_ - first);
    strip.has_constant = first + strip.width == n_variables_;
    const Index n_columns = strip.width - (strip.has_constant ? 1 : 0);
    if (n_columns == 0) return strip;
    const Column& head = rows_.columns[static_cast<std::size_t>(first)];
    const Index size = item_size(head.dtype);
    if (head.dtype != DType::f64 && head.dtype != DType::f32) return strip;
    strip.adjacent = 1;
    while (strip.adjacent < n_columns) {
      const Column& next = rows_.columns[static_cast<std::size_t>(first + strip.adjacent)];
      const bool neighbour = next.dtype == head.dtype && next.stride == head.stride &&
                             next.data == head.data + strip.adjacent * size;
      if (!neighbour) break;
      ++strip.adjacent;
    }
    // Reading eight values at row r touches 8*size bytes; later rows of the same buffer must cover
    // them.
    const Index beyond = (strip_width - strip.adjacent) * size;
    if (beyond == 0) {
      strip.safe_rows = rows_.n_samples;
    } else if (head.stride > 0) {
      strip.safe_rows =
          std::max<Index>(0, rows_.n_samples - (beyond + head.stride - 1) / head.stride);
    }
    return strip;
  }

  /// Whole rows of eight neighbours; returns how many rows it could do.
  Index pack_by_rows(const Strip& strip, Index first, Index n, const double* root_weight,
                     double* out) const {
    const Index done = std::clamp<Index>(strip.safe_rows - first, 0, n) / 8 * 8;
    const Column& head = rows_.columns[static_cast<std::size_t>(strip.first)];
    if (head.dtype == DType::f64) {
      pack_neighbours<double>(strip, head, first, done, root_weight, out);
    } else {
      pack_neighbours<float>(strip, head, first, done, root_weight, out);
    }
    for (Index c = strip.adjacent; c < strip.width; ++c) {
      for (Index r = 0; r < done; r += 8) {
        const Eight z = weighted(variable(strip, c, first + r, 8), root_weight, r);
        for (Index i = 0; i < 8; ++i) out[(r + i) * strip_width + c] = z[i];
      }
    }
    return done;
  }

  template <class Scalar>
  void pack_neighbours(const Strip& strip, const Column& head, Index first, Index done,
                       const double* root_weight, double* out) const {
    const Eight scale = scale_.segment<8>(strip.first);
    const Eight offset = offset_.segment<8>(strip.first);
    const std::byte* source = head.at(first);
    for (Index r = 0; r < done; ++r, source += head.stride) {
      Eigen::Array<Scalar, 8, 1> x;
      std::memcpy(x.data(), source, sizeof x);
      Eight z = x.template cast<double>() * scale - offset;
      if (root_weight != nullptr) z *= root_weight[r];
      Eigen::Map<Eight, Eigen::AlignedMax>(out + r * strip_width) = z;
    }
  }

  /// Eight rows of each variable at a time, transposed on the way into the panel.
  void pack_by_columns(const Strip& strip, Index first, Index done, Index n,
                       const double* root_weight, double* out) const {
    Eigen::Array<double, 8, 8> block;  // column c = variable c
    for (Index r = done; r < n; r += 8) {
      const Index count = std::min<Index>(8, n - r);
      for (Index c = 0; c < strip.width; ++c)
        block.col(c) = weighted(variable(strip, c, first + r, count), root_weight, r);
      for (Index i = 0; i < count; ++i)
        for (Index c = 0; c < strip.width; ++c) out[(r + i) * strip_width + c] = block(i, c);
    }
  }

  /// Shifted and scaled values of one variable in rows [row, row + count).
  Eight variable(const Strip& strip, Index c, Index row, Index count) const {
    if (strip.has_constant && c == strip.width - 1) return Eight::Ones();
    const Index j = strip.first + c;
    return load_eight(rows_.columns[static_cast<std::size_t>(j)], row, count) * scale_[j] -
           offset_[j];
  }

  /// root_weight has room for whole eights.
  static Eight weighted(const Eight& z, const double* root_weight, Index r) {
    if (root_weight == nullptr) return z;
    return z * Eigen::Map<const Eight>(root_weight + r);
  }

  const Rows& rows_;
  Index n_variables_;
  Eigen::ArrayXd scale_;
  Eigen::ArrayXd offset_;
  std::vector<Strip> strips_;
};

}  // namespace fastlr
