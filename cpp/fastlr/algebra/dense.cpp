#include "fastlr/algebra/dense.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr Index small = 64;  // values of a matrix whose products need no blocking

/// v of length sqrt(2), so that (I - v v') x is a multiple of the first unit vector; 0 for x = 0.
Vector reflection_of(const Eigen::Ref<const Vector>& x) {
  const double length = x.stableNorm();
  if (length == 0.0) return Vector::Zero(x.size());
  Vector v = x / length;
  const double first = v[0] >= 0.0 ? v[0] + 1.0 : v[0] - 1.0;
  v[0] = first;
  return v / std::sqrt(std::abs(first));
}

void reflect(const Vector& v, Eigen::Ref<Vector> x) { x -= v.dot(x) * v; }

}  // namespace

void multiply_vector(const Eigen::Ref<const Matrix>& A, const Eigen::Ref<const Vector>& v,
                     Eigen::Ref<Vector> out) {
  if (A.size() <= small) {
    out.noalias() = A.lazyProduct(v);
  } else {
    out.noalias() = A * v;
  }
}

void multiply_transposed(const Eigen::Ref<const Matrix>& A, const Eigen::Ref<const Vector>& v,
                         Eigen::Ref<Vector> out) {
  if (A.size() <= small) {
    out.noalias() = A.transpose().lazyProduct(v);
  } else {
    out.noalias() = A.transpose() * v;
  }
}

void multiply_single_triangle(const float* rows, Index n, bool squared, const float* v,
                              float* out) {
  using Floats = Eigen::internal::packet_traits<float>::type;
  constexpr Index width = Eigen::internal::packet_traits<float>::size;
  constexpr Index at_once = single_triangle::rows_at_once;
  const auto get = [](const float* p) { return Eigen::internal::ploadu<Floats>(p); };
  std::fill_n(out, single_triangle::length_of_vectors(n), 0.0F);
  for (Index i = 0; i < n; i += at_once) {
    const Index length = single_triangle::length_of_rows(i);
    Floats sum[at_once];
    Floats factor[at_once];
    for (Floats& s : sum) s = Eigen::internal::pset1<Floats>(0.0F);
    for (Index k = 0; k < length; k += width)
#pragma GCC unroll 4
      for (Index c = 0; c < at_once; ++c)
        sum[c] = Eigen::internal::pmadd(get(rows + c * length + k), get(v + k), sum[c]);
    for (Index c = 0; c < at_once; ++c) {
      const float product = Eigen::internal::predux(sum[c]);
      factor[c] = Eigen::internal::pset1<Floats>(squared ? product : v[i + c]);
      if (!squared) out[i + c] += product;
    }
    for (Index k = 0; k < length; k += width) {
      Floats y = get(out + k);
#pragma GCC unroll 4
      for (Index c = 0; c < at_once; ++c)
        y = Eigen::internal::pmadd(get(rows + c * length + k), factor[c], y);
      Eigen::internal::pstoreu(out + k, y);
    }
    rows += at_once * length;
  }
}

void subtract_products(Index l, Index n_rows, const DoubleDouble* L, Index j, DoubleDouble* sums) {
  for (Index k = 0; k < n_rows; ++k) {
    const DoubleDouble* row = L + k * l;
    for (Index i = 0; i < l; ++i) sums[i] = sums[i] - row[i] * row[j];
  }
}

double symmetric_norm(const Eigen::Ref<const Matrix>& A) {
  const Index n = A.rows();
  Vector sums = Vector::Zero(n);
  for (Index j = 0; j < n; ++j) {
    sums[j] += std::abs(A(j, j));
    const auto below = A.col(j).tail(n - j - 1).cwiseAbs();
    sums[j] += below.sum();
    sums.tail(n - j - 1) += below;
  }
  return n > 0 ? sums.maxCoeff() : 0.0;
}

double reciprocal_condition(const Eigen::Ref<const Matrix>& L, double norm) {
  const Index n = L.rows();
  if (n == 0) return 1.0;
  const auto solve = [&](Vector x) {
    give_turn();
    L.triangularView<Eigen::Lower>().solveInPlace(x);
    L.triangularView<Eigen::Lower>().transpose().solveInPlace(x);
    return x;
  };
  constexpr int most_steps = 5;
  Vector v = solve(Vector::Constant(n, 1.0 / static_cast<double>(n)));
  double estimate = v.lpNorm<1>();
  Index at = -1;
  for (int step = 0; n > 1 && step < most_steps; ++step) {
    const Vector sign = v.unaryExpr([](double x) { return x < 0.0 ? -1.0 : 1.0; });
    Index largest = 0;
    solve(sign).cwiseAbs().maxCoeff(&largest);
    if (largest == at) break;
    at = largest;
    v = solve(Vector::Unit(n, at));
    const double now = v.lpNorm<1>();
    if (!(now > estimate)) break;
    estimate = now;
  }
  // Against cancellation: x_i = (-1)^i (1 + i / (n - 1)).
  Vector alternating(n);
  for (Index i = 0; i < n; ++i)
    alternating[i] =
        (i % 2 == 0 ? 1.0 : -1.0) *
        (1.0 + static_cast<double>(i) / static_cast<double>(std::max<Index>(n - 1, 1)));
  estimate =
      std::max(estimate, 2.0 * solve(alternating).lpNorm<1>() / (3.0 * static_cast<double>(n)));
  const double product = norm * estimate;
  return product > 0.0 && std::isfinite(product) ? 1.0 / product : 0.0;
}

Matrix upper_factor(Matrix A) {
  // A few reflections at a time are applied to a few columns at a time, which stay in a cache.
  constexpr Index width = 32;
  constexpr Index few = 8;
  const Index n = A.rows();
  const Index k = A.cols();
  std::array<Vector, width> reflections;
  for (Index first = 0; first < k; first += width) {
    const Index last = std::min(k, first + width);
    for (Index j = first; j < last; ++j) {
      Vector& v = reflections[static_cast<std::size_t>(j - first)];
      v = reflection_of(A.col(j).tail(n - j));
      for (Index c = j; c < last; ++c) reflect(v, A.col(c).tail(n - j));
    }
    for (Index from = last; from < k; from += few) {
      for (Index j = first; j < last; ++j)
        for (Index c = from; c < std::min(k, from + few); ++c)
          reflect(reflections[static_cast<std::size_t>(j - first)], A.col(c).tail(n - j));
      give_turn();
    }
  }
  return A.topRows(k).triangularView<Eigen::Upper>();
}

}  // namespace fastlr
