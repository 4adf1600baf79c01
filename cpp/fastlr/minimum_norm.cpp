#include "fastlr/minimum_norm.hpp"

#include <algorithm>
#include <cmath>

#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr Index always_orthogonalised = Index{1} << 14;  // multiplications in double-double

}  // namespace

NullSpace::NullSpace(Index n_features, const RowMatrix& directions, const Vector& scale)
    : n_features_(n_features), scale_(scale) {
  const Index p = n_features;
  for (Index j = 0; j < p; ++j)
    if (scale[j] > 0.0) top_ = std::max(top_, std::ilogb(scale[j]));
  const Index k = p > 0 ? directions.cols() / p : 0;
  hi_.resize(p, k);
  lo_.resize(p, k);
  for (Index i = 0; i < k; ++i) {
    double largest = 0.0;
    for (Index j = 0; j < p; ++j)
      largest = std::max(largest, std::abs(to_user(directions(0, i * p + j), j)));
    if (!(largest > 0.0)) continue;
    const Index column = static_cast<Index>(chosen_.size());
    chosen_.push_back(i);
    exponent_.push_back(std::ilogb(largest));
    for (Index j = 0; j < p; ++j) {
      hi_(j, column) = std::ldexp(to_user(directions(0, i * p + j), j), -exponent_.back());
      lo_(j, column) = std::ldexp(to_user(directions(1, i * p + j), j), -exponent_.back());
    }
  }
  const Index rank = static_cast<Index>(chosen_.size());
  hi_.conservativeResize(p, rank);
  lo_.conservativeResize(p, rank);
  change_ = Matrix::Identity(rank, rank);
  factorise();
  // Directions that differ in the frame may nearly agree in user's units. The first factor of such
  // is inexact: orthonormal ones have a better one, and twice is enough.
  const bool is_small = p * rank * rank <= always_orthogonalised;
  for (int pass = 0; pass < 2 && (is_small || is_ill_conditioned()); ++pass) {
    orthogonalise();
    factorise();
  }
}

void NullSpace::factorise() {
  R_ = upper_factor(hi_);
  for (Index i = 0; i < R_.rows(); ++i)
    if (R_(i, i) == 0.0) R_(i, i) = 1.0;
}

bool NullSpace::is_ill_conditioned() const {
  if (R_.cols() == 0) return false;
  const Vector pivots = R_.diagonal().cwiseAbs().cwiseQuotient(R_.colwise().norm().transpose());
  return pivots.minCoeff() < 1e-6;
}

void NullSpace::orthogonalise() {
  // N := N R^-1 in double-double.
  const Index k = hi_.cols();
  const Matrix T = R_.triangularView<Eigen::Upper>().solve(Matrix::Identity(k, k));
  for (Index j = 0; j < n_features_; ++j) {
    give_turn();
    const Vector hi = hi_.row(j);
    const Vector lo = lo_.row(j);
    for (Index c = 0; c < k; ++c) {
      DoubleDouble sum;
      for (Index i = 0; i <= c; ++i)
        sum = sum + DoubleDouble{hi[i], lo[i]} * DoubleDouble{T(i, c), 0.0};
      hi_(j, c) = sum.hi;
      lo_(j, c) = sum.lo;
    }
  }
  change_ = change_ * T;
}

double NullSpace::to_user(double b, Index j) const {
  return scale_[j] > 0.0 ? std::ldexp(b, std::ilogb(scale_[j]) - top_) : 0.0;
}

double NullSpace::to_frame(double b, Index j) const {
  return scale_[j] > 0.0 ? std::ldexp(b, top_ - std::ilogb(scale_[j])) : 0.0;
}

Vector NullSpace::along(const double* coef_hi, const double* coef_lo) const {
  Vector along(hi_.cols());
  for (Index i = 0; i < hi_.cols(); ++i) {
    DoubleDouble sum;
    for (Index j = 0; j < n_features_; ++j)
      if (hi_(j, i) != 0.0)
        sum = sum + DoubleDouble{hi_(j, i), lo_(j, i)} *
                        DoubleDouble{to_user(coef_hi[j], j), to_user(coef_lo[j], j)};
    along[i] = sum.value();
  }
  return along;
}

void NullSpace::take_out(double* coef_hi, double* coef_lo) const {
  // b -= N (R'R)^-1 N'b: R is N's factor up to rounding times its condition number, by which each
  // step makes what is left of N'b smaller.
  constexpr int most_steps = 12;
  double last = 0.0;
  for (int step = 0; hi_.cols() > 0 && step < most_steps; ++step) {
    Vector z = along(coef_hi, coef_lo);
    R_.triangularView<Eigen::Upper>().transpose().solveInPlace(z);
    const double length = z.norm();
    if (length == 0.0 || (step > 0 && !(length <= 0.5 * last))) return;
    last = length;
    give_turn();
    R_.triangularView<Eigen::Upper>().solveInPlace(z);
    for (Index j = 0; j < n_features_; ++j) {
      DoubleDouble change;
      for (Index i = 0; i < hi_.cols(); ++i)
        if (hi_(j, i) != 0.0)
          change = change + DoubleDouble{hi_(j, i), lo_(j, i)} * DoubleDouble{z[i], 0.0};
      const DoubleDouble moved = DoubleDouble{coef_hi[j], coef_lo[j]} -
                                 DoubleDouble{to_frame(change.hi, j), to_frame(change.lo, j)};
      coef_hi[j] = moved.hi;
      coef_lo[j] = moved.lo;
    }
  }
}

Vector NullSpace::error(const RowMatrix& of_directions, const double* coef_hi,
                        const double* coef_lo) const {
  // N'b = 0 with N + E instead of N moves b by N E'b; and what is left of N'b.
  Vector size = Vector::Zero(hi_.cols());
  for (Index i = 0; i < hi_.cols(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    for (Index j = 0; j < n_features_; ++j)
      size[i] += std::ldexp(to_user(of_directions(chosen_[at], j), j), -exponent_[at]) *
                 std::abs(to_user(coef_hi[j], j));
  }
  size = change_.cwiseAbs().transpose() * size + along(coef_hi, coef_lo).cwiseAbs();
  const Index k = hi_.cols();
  const Matrix T = R_.triangularView<Eigen::Upper>().solve(Matrix::Identity(k, k));
  const Vector in_root = T.cwiseAbs().transpose() * size;
  Vector moved = (hi_ * T).cwiseAbs() * in_root;
  for (Index j = 0; j < n_features_; ++j) moved[j] = to_frame(moved[j], j);
  return moved;
}

}  // namespace fastlr
