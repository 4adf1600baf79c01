// A packed panel Z -> W = Z M: the columns in another basis, block by block in cache, so that W of
// all rows is never stored.
#pragma once

#include <algorithm>

#include "fastlr/matrices.hpp"
#include "fastlr/products/cross_products.hpp"
#include "fastlr/reading/packing.hpp"

namespace fastlr {

/// M for all variables of a panel: K (p, p) for the first p; the others stay as they are.
class Basis {
 public:
  enum class Shape { upper_triangular, full };

  Basis(Eigen::Map<const RowMatrix> K, Index padded, Shape shape = Shape::upper_triangular)
      : M_(RowMatrix::Identity(padded, padded)), shape_(shape) {
    M_.topLeftCorner(K.rows(), K.cols()) = K;
  }

  /// out = panel M for the first n rows; neither aliases the other.
  template <class Layout>
  void apply(const double* panel, const Layout& layout, Index n, double* out) const {
    for (Index strip = 0; strip < layout.n_strips(); ++strip)
      for (Index r = 0; r < n; r += rows_at_once) apply_rows(panel, layout, strip, r, out);
  }

 private:
  static constexpr Index per_strip = strip_width / lanes;
  static constexpr Index rows_at_once =
      n_registers >= 32 && lanes == 8 ? 16 : n_registers / (2 * per_strip);

  template <class Layout>
  void apply_rows(const double* panel, const Layout& layout, Index strip, Index row,
                  double* out) const {
    Lanes sum[rows_at_once][per_strip];
#pragma GCC unroll 16
    for (Index i = 0; i < rows_at_once; ++i)
#pragma GCC unroll 16
      for (Index v = 0; v < per_strip; ++v) sum[i][v] = broadcast(0.0);
    const Index last = shape_ == Shape::full ? layout.n_strips() : strip + 1;
    for (Index source = 0; source < last; ++source) {
      const double* z = panel + source * strip_size + row * strip_width;
      for (Index k = 0; k < layout.width(source); ++k, ++z) {
        const double* m = M_.data() + (source * strip_width + k) * M_.cols() + strip * strip_width;
        Lanes right[per_strip];
#pragma GCC unroll 16
        for (Index v = 0; v < per_strip; ++v) right[v] = load(m + v * lanes);
#pragma GCC unroll 16
        for (Index i = 0; i < rows_at_once; ++i) {
          const Lanes left = broadcast_from(z + i * strip_width);
#pragma GCC unroll 16
          for (Index v = 0; v < per_strip; ++v) sum[i][v] = multiply_add(left, right[v], sum[i][v]);
        }
      }
    }
    double* target = out + strip * strip_size + row * strip_width;
#pragma GCC unroll 16
    for (Index i = 0; i < rows_at_once; ++i)
#pragma GCC unroll 16
      for (Index v = 0; v < per_strip; ++v) store(target + i * strip_width + v * lanes, sum[i][v]);
  }

  RowMatrix M_;
  Shape shape_;
};

}  // namespace fastlr
