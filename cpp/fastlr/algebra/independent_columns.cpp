#include "fastlr/algebra/independent_columns.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "fastlr/algebra/condition_number.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr Index panel = 48;  // columns of L between updates of the trailing matrix
// Of columns this near to the farthest one the first is taken: coefficients T stay small, and the
// choice does not hang on the last bits.
constexpr double nearly_as_far = 0.25;

/// A pivoted Cholesky factorisation under way: the factor's columns so far, and what is left.
class Pivoting {
 public:
  Pivoting(Matrix A, Vector threshold)
      : G_(std::move(A)), threshold_(std::move(threshold)), left_(G_.rows()), order_(G_.rows()) {
    const Index l = G_.rows();
    length_ = G_.diagonal().cwiseMax(0.0).cwiseSqrt();
    const Vector inverse = length_.unaryExpr([](double x) { return x > 0.0 ? 1.0 / x : 0.0; });
    G_ = inverse.asDiagonal() * G_ * inverse.asDiagonal();
    left_.setOnes();
    for (Index i = 0; i < l; ++i)
      if (!(length_[i] > 0.0)) left_[i] = 0.0;
    std::iota(order_.begin(), order_.end(), Index{0});
  }

  /// Takes columns until none is left above its threshold; returns how many.
  Index run(int n_threads) {
    const Index l = G_.rows();
    for (Index first = 0; first < l; first += panel) {
      const Index last = std::min(l, first + panel);
      for (Index k = first; k < last; ++k) {
        const Index pivot = next(k);
        if (pivot < 0) return k;
        exchange(k, pivot);
        take(first, k);
      }
      const Index rest = l - last;
      const auto below = G_.block(last, first, rest, last - first);
      add_square(G_.bottomRightCorner(rest, rest), below, -1.0, n_threads);
    }
    return l;
  }

  const Matrix& factor() const { return G_; }
  const std::vector<Index>& order() const { return order_; }
  double length(Index k) const { return length_[order_[static_cast<std::size_t>(k)]]; }
  double left(Index k) const { return std::max(left_[k], 0.0); }

 private:
  Index at(Index k) const { return order_[static_cast<std::size_t>(k)]; }

  /// The first of the columns that are nearly farthest from those taken; -1 if none is far enough.
  Index next(Index k) const {
    double farthest = 0.0;
    for (Index i = k; i < left_.size(); ++i)
      if (left_[i] > threshold_[i]) farthest = std::max(farthest, left_[i]);
    Index best = -1;
    for (Index i = k; i < left_.size(); ++i)
      if (left_[i] > threshold_[i] && left_[i] >= nearly_as_far * farthest &&
          (best < 0 || at(i) < at(best)))
        best = i;
    return best;
  }

  /// Swaps columns a < b of the matrix, of which the lower triangle is kept.
  void exchange(Index a, Index b) {
    if (a == b) return;
    const Index l = G_.rows();
    G_.row(a).head(a).swap(G_.row(b).head(a));
    for (Index i = a + 1; i < b; ++i) std::swap(G_(i, a), G_(b, i));
    std::swap(G_(a, a), G_(b, b));
    G_.col(a).tail(l - b - 1).swap(G_.col(b).tail(l - b - 1));
    std::swap(left_[a], left_[b]);
    std::swap(threshold_[a], threshold_[b]);
    std::swap(order_[static_cast<std::size_t>(a)], order_[static_cast<std::size_t>(b)]);
  }

  /// Column k of L; the trailing matrix knows of the columns before `first` only.
  void take(Index first, Index k) {
    const Index below = G_.rows() - k - 1;
    auto column = G_.col(k).tail(below);
    column.noalias() -=
        G_.block(k + 1, first, below, k - first) * G_.row(k).segment(first, k - first).transpose();
    const double pivot = std::sqrt(left_[k]);
    G_(k, k) = pivot;
    column /= pivot;
    left_.tail(below) -= column.cwiseAbs2();
  }

  Matrix G_;
  Vector threshold_;
  Vector length_;  // by position in A
  Vector left_;    // squared distances, in the present order
  std::vector<Index> order_;
};

}  // namespace

ColumnChoice choose_columns(Matrix A, Vector threshold, int n_threads) {
  const Index l = A.rows();
  Pivoting pivoting(std::move(A), std::move(threshold));
  const Index r = pivoting.run(n_threads);
  const Matrix& G = pivoting.factor();
  const auto& order = pivoting.order();
  ColumnChoice choice;
  choice.chosen.assign(order.begin(), order.begin() + r);
  choice.others.assign(order.begin() + r, order.end());
  Matrix inverse = G.topLeftCorner(r, r).template triangularView<Eigen::Lower>();
  invert_lower(inverse, n_threads);
  // Columns of the others are ascending; the factor has them as they were left.
  std::vector<Index> place(choice.others.size());
  std::iota(place.begin(), place.end(), Index{0});
  std::sort(place.begin(), place.end(), [&](Index a, Index b) {
    return order[static_cast<std::size_t>(r + a)] < order[static_cast<std::size_t>(r + b)];
  });
  std::sort(choice.others.begin(), choice.others.end());
  const Index d = l - r;
  const Matrix T =
      multiply_upper(inverse.transpose(), G.bottomLeftCorner(d, r).transpose(), n_threads)
          .transpose();
  choice.coefficients.resize(d, r);
  for (Index k = 0; k < d; ++k) {
    const Index from = place[static_cast<std::size_t>(k)];
    for (Index i = 0; i < r; ++i)
      choice.coefficients(k, i) = T(from, i) * pivoting.length(r + from) / pivoting.length(i);
  }
  choice.root = inverse.transpose();
  for (Index i = 0; i < r; ++i) choice.root.row(i) /= pivoting.length(i);
  return choice;
}

double condition_number(const Matrix& A, const ColumnChoice& choice, int n_threads) {
  // With Z_I = Q R, R = K^-1, and Z = Z_I M', M' = (I, T'): the singular values of Z D are those of
  // R M' D, and their inverses those of (M'D^2 M)^-1/2 K.
  const Index l = A.rows();
  const Index r = static_cast<Index>(choice.chosen.size());
  const Index d = static_cast<Index>(choice.others.size());
  if (r == 0) return 1.0;
  if (l > largest_exact_condition) {
    // A bound through traces: right to the square root of the rank.
    double trace = 0.0;
    for (Index i = 0; i < r; ++i) {
      const Index column = choice.chosen[static_cast<std::size_t>(i)];
      trace += choice.root.row(i).squaredNorm() * A(column, column);
    }
    return std::sqrt(trace);
  }
  const Vector inverse =
      A.diagonal().unaryExpr([](double x) { return x > 0.0 ? 1.0 / std::sqrt(x) : 0.0; });
  Matrix M(l, r);
  for (Index i = 0; i < r; ++i)
    for (Index k = 0; k < r; ++k)
      M(i, k) = i == k ? inverse[choice.chosen[static_cast<std::size_t>(i)]] : 0.0;
  for (Index k = 0; k < d; ++k)
    M.row(r + k) = choice.coefficients.row(k) * inverse[choice.others[static_cast<std::size_t>(k)]];
  Matrix gram = Matrix::Zero(r, r);
  add_square(gram, M.transpose(), 1.0, n_threads);
  if (!factor_cholesky(gram, n_threads)) return std::numeric_limits<double>::infinity();
  Vector scaled(l);
  Vector in_root(r);
  const double largest = largest_eigenvalue(l, [&](const Vector& v, Vector& out) {
    scaled = inverse.cwiseProduct(v);
    multiply_vector(A, scaled, out);
    out = out.cwiseProduct(inverse);
  });
  const double of_inverse = largest_eigenvalue(r, [&](const Vector& v, Vector& out) {
    in_root.noalias() = choice.root.triangularView<Eigen::Upper>() * v;
    gram.triangularView<Eigen::Lower>().solveInPlace(in_root);
    gram.triangularView<Eigen::Lower>().transpose().solveInPlace(in_root);
    out.noalias() = choice.root.triangularView<Eigen::Upper>().transpose() * in_root;
  });
  return std::max(1.0, std::sqrt(largest * of_inverse));
}

}  // namespace fastlr
