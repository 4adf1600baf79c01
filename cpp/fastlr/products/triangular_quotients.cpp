#include "fastlr/products/triangular_quotients.hpp"

#include <algorithm>
#include <array>

#include "fastlr/products/cross_products.hpp"
#include "fastlr/products/dense_packing.hpp"
#include "fastlr/threads.hpp"

namespace fastlr {
namespace {

constexpr Index rows_at_once = tile_strips * strip_width;
constexpr Index rows_of_a_task = 4 * round_up(24, rows_at_once);
constexpr Index too_little = 1 << 19;  // multiply-adds that a second thread is not worth

/// T as the quotients read it: the negative of it in strips, and one over its diagonal.
struct Divisor {
  Index padded;
  Eigen::VectorXd strips;
  Eigen::VectorXd reciprocal;

  explicit Divisor(const Operand& T)
      : padded(round_up(T.n_rows, strip_width)),
        strips(padded * padded),
        reciprocal(Eigen::VectorXd::Zero(padded)) {
    const Range all{0, T.n_rows};
    strips.setZero();
    Operand lower = T;
    lower.part = Part::lower;
    for (Index j = 0; j < padded; j += strip_width)
      pack_strip(lower, j, all, {0, std::min(T.n_rows, j + strip_width)}, -1.0,
                 strips.data() + j * padded);
    for (Index j = 0; j < T.n_rows; ++j) reciprocal[j] = 1.0 / T.data[j * (T.down + T.across)];
  }
};

/// Some rows of X in strips, divided column after column: x_j = (b_j - sum_k<j T_jk x_k) / T_jj.
void divide(const Divisor& T, double* X) {
  constexpr Index per_strip = strip_width / lanes;
  constexpr Index vectors = tile_strips * per_strip;
  const Index size = T.padded * strip_width;  // of a strip
  const auto at = [&](Index v, Index k) {
    return X + (v / per_strip) * size + k * strip_width + (v % per_strip) * lanes;
  };
  for (Index j = 0; j < T.padded; j += tile_height) {
    const double* const t = T.strips.data() + (j - j % strip_width) * T.padded + j % strip_width;
    Lanes sum[tile_height][vectors];
#pragma GCC unroll 16
    for (Index i = 0; i < tile_height; ++i)
#pragma GCC unroll 16
      for (Index v = 0; v < vectors; ++v) sum[i][v] = broadcast(0.0);
    for (Index k = 0; k < j; ++k) {
      Lanes x[vectors];
#pragma GCC unroll 16
      for (Index v = 0; v < vectors; ++v) x[v] = load(at(v, k));
#pragma GCC unroll 16
      for (Index i = 0; i < tile_height; ++i) {
        const Lanes scalar = broadcast_from(t + k * strip_width + i);
#pragma GCC unroll 16
        for (Index v = 0; v < vectors; ++v) sum[i][v] = multiply_add(scalar, x[v], sum[i][v]);
      }
    }
#pragma GCC unroll 16
    for (Index i = 0; i < tile_height; ++i) {
#pragma GCC unroll 16
      for (Index v = 0; v < vectors; ++v) sum[i][v] = add(sum[i][v], load(at(v, j + i)));
#pragma GCC unroll 16
      for (Index k = 0; k < i; ++k) {
        const Lanes scalar = broadcast_from(t + (j + k) * strip_width + i);
#pragma GCC unroll 16
        for (Index v = 0; v < vectors; ++v) sum[i][v] = multiply_add(scalar, sum[k][v], sum[i][v]);
      }
      const Lanes reciprocal = broadcast_from(T.reciprocal.data() + j + i);
#pragma GCC unroll 16
      for (Index v = 0; v < vectors; ++v) {
        sum[i][v] = multiply(sum[i][v], reciprocal);
        store(at(v, j + i), sum[i][v]);
      }
    }
  }
}

/// A strip back to where it came from.
void unpack_strip(const double* strip, const Dividend& X, Index first, Index n) {
  const Index count = std::min(strip_width, X.n_rows - first);
  double* const to = X.data + first * X.down;
  if (X.down == 1 && count == strip_width) {
    for (Index j = 0; j < n; ++j)
      Eigen::Map<Eight>(to + j * X.across) = Eigen::Map<const Eight>(strip + j * strip_width);
    return;
  }
  for (Index i = 0; i < count; ++i)
    for (Index j = 0; j < n; ++j) to[i * X.down + j * X.across] = strip[j * strip_width + i];
}

}  // namespace

void divide_by_triangle(const Dividend& X, const Operand& T, int n_threads) {
  const Index n = T.n_rows;
  if (X.n_rows == 0 || n == 0) return;
  if (X.n_rows * n * n < 2 * too_little) n_threads = 1;
  const Divisor divisor(T);
  const Operand rows{X.data, X.n_rows, n, X.down, X.across};
  const Index size = divisor.padded * strip_width;
  for_each_task((X.n_rows + rows_of_a_task - 1) / rows_of_a_task, n_threads, [&](Index task) {
    alignas(64) std::array<double, static_cast<std::size_t>(rows_at_once * largest_triangle)>
        strips;
    const Index last = std::min(X.n_rows, (task + 1) * rows_of_a_task);
    for (Index first = task * rows_of_a_task; first < last; first += rows_at_once) {
      for (Index s = 0; s < tile_strips; ++s) {
        double* const strip = strips.data() + s * size;
        std::fill_n(strip + n * strip_width, size - n * strip_width, 0.0);
        pack_strip(rows, first + s * strip_width, {0, X.n_rows}, {0, n}, 1.0, strip);
      }
      divide(divisor, strips.data());
      for (Index s = 0; s < tile_strips && first + s * strip_width < X.n_rows; ++s)
        unpack_strip(strips.data() + s * size, X, first + s * strip_width, n);
    }
  });
}

}  // namespace fastlr
