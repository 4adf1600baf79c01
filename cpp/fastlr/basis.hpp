// A packed panel Z -> W = Z M, where M is upper triangular: the columns in another basis, block by
// block in cache, so that W is never stored.
#pragma once

#include <algorithm>

#include "fastlr/cross_products.hpp"
#include "fastlr/packing.hpp"
#include "fastlr/views.hpp"

namespace fastlr {

/// M for all variables of a panel: K (p, p), upper triangular, for the first p; the others stay as
/// they are.
class Basis {
 public:
  Basis(Eigen::Map<const RowMatrix> K, Index padded) : M_(RowMatrix::Identity(padded, padded)) {
    M_.topLeftCorner(K.rows(), K.cols()) = K;
  }

  /// out = panel M for the first n rows; neither aliases the other.
  template <class Layout>
  void apply(const double* panel, const Layout& layout, Index n, double* out) const {
    for (Index strip = 0; strip < layout.n_strips(); ++strip)
      for (Index r = 0; r < n; r += rows_at_once) apply_rows(panel, layout, strip, r, out);
  }

 private:
#if defined(__AVX512F__)
  static constexpr Index rows_at_once = 16;
#elif defined(__AVX__)
  static constexpr Index rows_at_once = 4;
#else
  static constexpr Index rows_at_once = 2;
#endif

  template <class Layout>
  void apply_rows(const double* panel, const Layout& layout, Index strip, Index row,
                  double* out) const {
    using Lanes = Eigen::Array<double, lanes, 1>;
    using Load = Eigen::Map<const Lanes>;
    constexpr Index vectors = strip_width / lanes;
    Lanes sum[rows_at_once][vectors];
#pragma GCC unroll 16
    for (Index i = 0; i < rows_at_once; ++i)
#pragma GCC unroll 16
      for (Index v = 0; v < vectors; ++v) sum[i][v] = Lanes::Zero();
    for (Index source = 0; source <= strip; ++source) {
      const double* z = panel + source * strip_width * panel_rows + row * strip_width;
      for (Index k = 0; k < layout.width(source); ++k, ++z) {
        const double* m = M_.data() + (source * strip_width + k) * M_.cols() + strip * strip_width;
        Lanes right[vectors];
#pragma GCC unroll 16
        for (Index v = 0; v < vectors; ++v) right[v] = Load(m + v * lanes);
#pragma GCC unroll 16
        for (Index i = 0; i < rows_at_once; ++i) {
          const Lanes left = Lanes::Constant(z[i * strip_width]);
#pragma GCC unroll 16
          for (Index v = 0; v < vectors; ++v) sum[i][v] += left * right[v];
        }
      }
    }
    double* target = out + strip * strip_width * panel_rows + row * strip_width;
#pragma GCC unroll 16
    for (Index i = 0; i < rows_at_once; ++i)
#pragma GCC unroll 16
      for (Index v = 0; v < vectors; ++v)
        Eigen::Map<Lanes>(target + i * strip_width + v * lanes) = sum[i][v];
  }

  RowMatrix M_;
};

}  // namespace fastlr
