// Residual and gradient of one row after the other while the row is in registers or the nearest
// cache.
//
// Rows are read in eights. Beyond the last feature an eight may hold anything finite (the next row,
// or padding): theta is zero there, and what the gradient collects there is never used.
#pragma once

#include <array>

#include "fastlr/matrices.hpp"
#include "fastlr/reading/prefetching.hpp"

namespace fastlr {

template <class Scalar>
Eight load_row(const Scalar* source) {
  return Eigen::Map<const Eigen::Array<Scalar, 8, 1>>(source).template cast<double>();
}

/// What the rows of one slot or batch add up to.
struct LossSums {
  double squares = 0.0;    // sum w r^2
  double residuals = 0.0;  // sum w r
};

/// r_i = x_i' theta + offset_i; g += w_i r_i x_i for n rows of V eights; weight may be nullptr (all
/// ones).
template <Index V, class Scalar>
void fused_rows(const Scalar* X, Index stride, Index n, const double* offset, const double* weight,
                const double* theta, double* g, LossSums& sums) {
  std::array<Eight, V> t;
  std::array<Eight, V> sum;
  for (std::size_t v = 0; v < V; ++v) {
    t[v] = Eigen::Map<const Eight>(theta + 8 * v);
    sum[v] = Eigen::Map<const Eight>(g + 8 * v);
  }
  double squares = sums.squares;
  double residuals = sums.residuals;
  for (Index i = 0; i < n; ++i, X += stride) {
    std::array<Eight, V> x;
    for (std::size_t v = 0; v < V; ++v) x[v] = load_row(X + 8 * v);
    Eight product = x[0] * t[0];
    for (std::size_t v = 1; v < V; ++v) product += x[v] * t[v];
    const double r = product.sum() + offset[i];
    const double wr = weight != nullptr ? weight[i] * r : r;
    squares += wr * r;
    residuals += wr;
    for (std::size_t v = 0; v < V; ++v) sum[v] += wr * x[v];
  }
  for (std::size_t v = 0; v < V; ++v) Eigen::Map<Eight>(g + 8 * v) = sum[v];
  sums = {squares, residuals};
}

/// Of a row too wide for registers.
constexpr Index wide_row_bytes_ahead = Index{1} << 14;

/// The same for any number of eights, theta and g in the nearest cache. Row after row all the same:
/// memory is read as one stream.
template <class Scalar>
void fused_wide_rows(const Scalar* X, Index stride, Index n, Index eights, const double* offset,
                     const double* weight, const double* theta, double* g, LossSums& sums) {
  const Index width = 8 * eights;
  for (Index i = 0; i < n; ++i, X += stride) {
    std::array<Eight, 2> product;
    product.fill(Eight::Zero());
    Index j = 0;
    for (; j + 16 <= width; j += 16)
      for (std::size_t k = 0; k < 2; ++k) {
        const Index at = j + 8 * static_cast<Index>(k);
        prefetch(reinterpret_cast<const std::byte*>(X + at) + wide_row_bytes_ahead);
        product[k] += load_row(X + at) * Eigen::Map<const Eight>(theta + at);
      }
    if (j < width) product[0] += load_row(X + j) * Eigen::Map<const Eight>(theta + j);
    const double r = (product[0] + product[1]).sum() + offset[i];
    const double wr = weight != nullptr ? weight[i] * r : r;
    sums.squares += wr * r;
    sums.residuals += wr;
    for (j = 0; j < width; j += 8) Eigen::Map<Eight>(g + j) += wr * load_row(X + j);
  }
}

template <class Scalar>
void fused_rows(const Scalar* X, Index stride, Index n, Index eights, const double* offset,
                const double* weight, const double* theta, double* g, LossSums& sums) {
  switch (eights) {
    case 1:
      return fused_rows<1>(X, stride, n, offset, weight, theta, g, sums);
    case 2:
      return fused_rows<2>(X, stride, n, offset, weight, theta, g, sums);
    case 3:
      return fused_rows<3>(X, stride, n, offset, weight, theta, g, sums);
    case 4:
      return fused_rows<4>(X, stride, n, offset, weight, theta, g, sums);
    default:
      return fused_wide_rows(X, stride, n, eights, offset, weight, theta, g, sums);
  }
}

}  // namespace fastlr
