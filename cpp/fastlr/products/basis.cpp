// Built with FMA contraction, as all products of panels are.
#include "fastlr/products/basis.hpp"

#include "fastlr/products/panel_times.hpp"

namespace fastlr {

Basis::Basis(Eigen::Map<const RowMatrix> K, Index padded, Shape shape)
    : M_(RowMatrix::Identity(padded, padded)), shape_(shape) {
  M_.topLeftCorner(K.rows(), K.cols()) = K;
}

void Basis::apply(const double* panel, const PanelLayout& layout, Index n, double* out) const {
  const Index last = layout.n_strips() - 1;
  for (Index strip = 0; strip <= last; ++strip) {
    const Index source = shape_ == Shape::full ? last : strip;
    const Index n_sources = source * strip_width + layout.width(source);
    for (Index r = 0; r < n; r += rows_times_at_once)
      store_rows_times(panel, layout.strip_stride(), r, n_sources, M_.data() + strip * strip_width,
                       M_.cols(), out + strip * layout.strip_stride() + r * strip_width);
  }
}

}  // namespace fastlr
