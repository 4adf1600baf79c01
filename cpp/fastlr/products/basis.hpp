// A packed panel Z -> W = Z M: the columns in another basis, block by block in cache, so that W of
// all rows is never stored.
#pragma once

#include "fastlr/matrices.hpp"
#include "fastlr/products/packing.hpp"

namespace fastlr {

/// M for all variables of a panel: K (p, p) for the first p; the others stay as they are.
class Basis {
 public:
  enum class Shape { upper_triangular, full };

  Basis(Eigen::Map<const RowMatrix> K, Index padded, Shape shape = Shape::upper_triangular);

  /// out = panel M for the first n rows; neither aliases the other.
  void apply(const double* panel, const PanelLayout& layout, Index n, double* out) const;

 private:
  RowMatrix M_;
  Shape shape_;
};

}  // namespace fastlr
