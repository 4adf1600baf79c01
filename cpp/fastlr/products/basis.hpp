// A packed panel Z -> W = Z M: the columns in another basis, block by block in cache, so that W of
// all rows is never stored.
#pragma once

#include <algorithm>

#include "fastlr/matrices.hpp"
#include "fastlr/products/cross_products.hpp"
#include "fastlr/products/panel_times.hpp"
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
    const Index last = layout.n_strips() - 1;
    for (Index strip = 0; strip <= last; ++strip) {
      const Index source = shape_ == Shape::full ? last : strip;
      const Index n_sources = source * strip_width + layout.width(source);
      for (Index r = 0; r < n; r += rows_times_at_once)
        store_rows_times(panel, layout.strip_stride(), r, n_sources,
                         M_.data() + strip * strip_width, M_.cols(),
                         out + strip * layout.strip_stride() + r * strip_width);
    }
  }

 private:
  RowMatrix M_;
  Shape shape_;
};

}  // namespace fastlr
