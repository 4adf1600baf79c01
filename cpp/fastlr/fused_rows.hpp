// Residual and gradient of one row after the other while the row is in registers or the nearest
// cache.
//
// Rows are read in eights. Beyond the last feature an eight may hold anything finite (the next row,
// or padding): theta is zero there, and what the gradient collects there is never used.
#pragma once

#include <array>

#include "fastlr/views.hpp"

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

/// The same for any number of eights: four rows at a time, first their products, then their share
/// of the gradient.
template <class Scalar>
void fused_wide_rows(const Scalar* X, Index stride, Index n, Index eights, const double* offset,
                     const double* weight, const double* theta, double* g, LossSums& sums) {
  Index i = 0;
  for (; i + 4 <= n; i += 4, X += 4 * stride) {
    std::array<Eight, 4> product;
    product.fill(Eight::Zero());
    for (Index j = 0; j < 8 * eights; j += 8) {
      const Eight t = Eigen::Map<const Eight>(theta + j);
      for (std::size_t k = 0; k < 4; ++k)
        product[k] += load_row(X + static_cast<Index>(k) * stride + j) * t;
    }
    std::array<double, 4> wr;
    for (std::size_t k = 0; k < 4; ++k) {
      const Index row = i + static_cast<Index>(k);
      const double r = product[k].sum() + offset[row];
      wr[k] = weight != nullptr ? weight[row] * r : r;
      sums.squares += wr[k] * r;
      sums.residuals += wr[k];
    }
    for (Index j = 0; j < 8 * eights; j += 8) {
      Eight sum = Eigen::Map<const Eight>(g + j);
      for (std::size_t k = 0; k < 4; ++k)
        sum += wr[k] * load_row(X + static_cast<Index>(k) * stride + j);
      Eigen::Map<Eight>(g + j) = sum;
    }
  }
  for (; i < n; ++i, X += stride) {
    Eight product = Eight::Zero();
    for (Index j = 0; j < 8 * eights; j += 8)
      product += load_row(X + j) * Eigen::Map<const Eight>(theta + j);
    const double r = product.sum() + offset[i];
    const double wr = weight != nullptr ? weight[i] * r : r;
    sums.squares += wr * r;
    sums.residuals += wr;
    for (Index j = 0; j < 8 * eights; j += 8) Eigen::Map<Eight>(g + j) += wr * load_row(X + j);
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
