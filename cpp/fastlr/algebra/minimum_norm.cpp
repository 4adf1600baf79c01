#include "fastlr/algebra/minimum_norm.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

/// hi + lo := (hi + lo) T for an upper triangular T, in double-double.
void multiply_pairs(const Matrix& T, Matrix& hi, Matrix& lo) {
  for (Index j = 0; j < hi.rows(); ++j) {
    give_turn();
    const Vector row_hi = hi.row(j);
    const Vector row_lo = lo.row(j);
    for (Index c = 0; c < hi.cols(); ++c) {
      DoubleDouble sum;
      for (Index i = 0; i <= c; ++i)
        sum = sum + DoubleDouble{row_hi[i], row_lo[i]} * DoubleDouble{T(i, c), 0.0};
      hi(j, c) = sum.hi;
      lo(j, c) = sum.lo;
    }
  }
}

Matrix inverse_of_upper(const Matrix& R) {
  Matrix L = R.transpose().triangularView<Eigen::Lower>();
  invert_lower(L, 1);
  return L.transpose();
}

constexpr int far_apart = 50;                            // powers of two between units
constexpr Index always_orthogonalised = Index{1} << 14;  // multiplications in double-double

}  // namespace

NullSpace::NullSpace(Index n_features, RowMatrix directions, const Vector& scale)
    : n_features_(n_features), scale_(scale) {
  const Index p = n_features;
  int bottom = 2000;
  for (Index j = 0; j < p; ++j) {
    if (!(scale[j] > 0.0)) continue;
    top_ = std::max(top_, std::ilogb(scale[j]));
    bottom = std::min(bottom, std::ilogb(scale[j]));
  }
  const Index k = p > 0 ? directions.cols() / p : 0;
  mixing_ = Matrix::Identity(k, k);
  if (top_ - bottom > far_apart) separate(directions);
  hi_.resize(p, k);
  lo_.resize(p, k);
  scaled_hi_.resize(p, k);
  scaled_lo_.resize(p, k);
  for (Index i = 0; i < k; ++i) {
    double largest = 0.0;
    for (Index j = 0; j < p; ++j)
      largest = std::max(largest, std::abs(to_user(directions(0, i * p + j), j)));
    // Directions of coefficients that are beyond all range beside others are left alone.
    is_complete_ = is_complete_ && largest > 0x1p-900;
    if (!(largest > 0x1p-900)) continue;
    const Index column = static_cast<Index>(chosen_.size());
    chosen_.push_back(i);
    exponent_.push_back(std::ilogb(largest));
    for (Index j = 0; j < p; ++j) {
      hi_(j, column) = std::ldexp(to_user(directions(0, i * p + j), j), -exponent_.back());
      lo_(j, column) = std::ldexp(to_user(directions(1, i * p + j), j), -exponent_.back());
      scaled_hi_(j, column) = std::ldexp(directions(0, i * p + j), -exponent_.back());
      scaled_lo_(j, column) = std::ldexp(directions(1, i * p + j), -exponent_.back());
    }
  }
  const Index rank = static_cast<Index>(chosen_.size());
  for (Matrix* matrix : {&hi_, &lo_, &scaled_hi_, &scaled_lo_}) matrix->conservativeResize(p, rank);
  change_ = Matrix::Identity(rank, rank);
  factorise();
  // Directions that differ in scaled columns may nearly agree in user's units. The first factor of
  // such is inexact: orthonormal ones have a better one, and twice is enough.
  const bool is_small = p * rank * rank <= always_orthogonalised;
  for (int pass = 0; pass < 2 && (is_small || is_ill_conditioned()); ++pass) {
    orthogonalise();
    factorise();
  }
}

void NullSpace::separate(RowMatrix& directions) {
  const Index p = n_features_;
  const Index k = directions.cols() / p;
  const auto at = [&](Index i, Index j) {
    return DoubleDouble{directions(0, i * p + j), directions(1, i * p + j)};
  };
  const auto size_of = [&](Index i, Index j) {
    const double value = directions(0, i * p + j);
    return value != 0.0 && scale_[j] > 0.0 ? std::ilogb(value) + std::ilogb(scale_[j]) : -5000;
  };
  for (Index i = 0; i < k; ++i) {
    Index best = i;
    Index pivot = 0;
    for (Index l = i; l < k; ++l)
      for (Index j = 0; j < p; ++j)
        if (size_of(l, j) > size_of(best, pivot)) {
          best = l;
          pivot = j;
        }
    for (Index row = 0; best != i && row < 2; ++row)
      directions.row(row).segment(i * p, p).swap(directions.row(row).segment(best * p, p));
    if (best != i) mixing_.row(i).swap(mixing_.row(best));
    if (at(i, pivot).hi == 0.0) return;
    for (Index l = i + 1; l < k; ++l) {
      const DoubleDouble factor = at(l, pivot) / at(i, pivot);
      mixing_.row(l) += std::abs(factor.hi) * mixing_.row(i);
      for (Index j = 0; j < p && factor.hi != 0.0; ++j) {
        const DoubleDouble product = factor * at(i, j);
        const DoubleDouble rest = at(l, j) - product;
        const bool is_rounding = j == pivot || std::abs(rest.hi) <= 0x1p-90 * std::abs(product.hi);
        directions(0, l * p + j) = is_rounding ? 0.0 : rest.hi;
        directions(1, l * p + j) = is_rounding ? 0.0 : rest.lo;
      }
    }
  }
}

void NullSpace::factorise() {
  R_ = upper_factor(hi_);
  for (Index i = 0; i < R_.rows(); ++i)
    if (R_(i, i) == 0.0) {
      R_(i, i) = 1.0;
      is_complete_ = false;
    }
}

bool NullSpace::is_ill_conditioned() const {
  if (R_.cols() == 0) return false;
  const Vector pivots = R_.diagonal().cwiseAbs().cwiseQuotient(R_.colwise().norm().transpose());
  return pivots.minCoeff() < 1e-10;
}

void NullSpace::orthogonalise() {
  // N := N R^-1 in double-double.
  const Matrix T = inverse_of_upper(R_);
  multiply_pairs(T, hi_, lo_);
  multiply_pairs(T, scaled_hi_, scaled_lo_);
  change_ = multiply_by_upper(change_, T, 1);
}

double NullSpace::to_user(double b, Index j) const {
  return scale_[j] > 0.0 ? std::ldexp(b, std::ilogb(scale_[j]) - top_) : 0.0;
}

double NullSpace::to_scaled(double b, Index j) const {
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
  // step makes what is left of N'b smaller: 40 steps go through the range of doubles.
  constexpr int most_steps = 40;
  double last = 0.0;
  for (int step = 0; hi_.cols() > 0 && step < most_steps; ++step) {
    Vector z = along(coef_hi, coef_lo);
    R_.triangularView<Eigen::Upper>().transpose().solveInPlace(z);
    const double length = z.stableNorm();
    if (length == 0.0 || (step > 0 && !(length <= 0.5 * last))) return;
    last = length;
    give_turn();
    R_.triangularView<Eigen::Upper>().solveInPlace(z);
    // In scaled columns: however far units lie apart, this changes no prediction.
    for (Index j = 0; j < n_features_; ++j) {
      DoubleDouble change;
      for (Index i = 0; i < hi_.cols(); ++i)
        if (scaled_hi_(j, i) != 0.0)
          change =
              change + DoubleDouble{scaled_hi_(j, i), scaled_lo_(j, i)} * DoubleDouble{z[i], 0.0};
      const DoubleDouble moved = DoubleDouble{coef_hi[j], coef_lo[j]} - change;
      coef_hi[j] = moved.hi;
      coef_lo[j] = moved.lo;
    }
  }
}

Vector NullSpace::error(const RowMatrix& of_directions, const double* coef_hi,
                        const double* coef_lo) const {
  if (!is_complete_) return Vector::Constant(n_features_, std::numeric_limits<double>::infinity());
  RowMatrix errors = RowMatrix::Zero(of_directions.rows(), of_directions.cols());
  for (Index i = 0; i < errors.rows(); ++i)
    for (Index l = 0; l < errors.rows(); ++l)
      if (mixing_(i, l) != 0.0) errors.row(i) += mixing_(i, l) * of_directions.row(l);
  // N'b = 0 with N + E instead of N moves b by N E'b; and what is left of N'b.
  Vector size = Vector::Zero(hi_.cols());
  for (Index i = 0; i < hi_.cols(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    for (Index j = 0; j < n_features_; ++j)
      size[i] += std::ldexp(to_user(errors(chosen_[at], j), j), -exponent_[at]) *
                 std::abs(to_user(coef_hi[j], j));
  }
  size = change_.cwiseAbs().transpose() * size + along(coef_hi, coef_lo).cwiseAbs();
  const Matrix T = inverse_of_upper(R_);
  const Vector in_root = T.cwiseAbs().transpose() * size;
  Vector moved = multiply_by_upper(hi_, T, 1).cwiseAbs() * in_root;
  for (Index j = 0; j < n_features_; ++j) moved[j] = to_scaled(moved[j], j);
  return moved;
}

RowMatrix move_to_minimum_norm(const NullSpace& null_space, const RowMatrix& of_directions,
                               const RowMatrix& mean, bool fit_intercept, Index n_targets,
                               double* coef, double* intercept) {
  const Index t = n_targets;
  const Index p = mean.cols() - t;
  RowMatrix error(t, p);
  for (Index k = 0; k < t; ++k) {
    double* hi = coef + k * p;
    double* lo = hi + t * p;
    const Vector hi_before = VectorMap(hi, p);
    const Vector lo_before = VectorMap(lo, p);
    null_space.take_out(hi, lo);
    error.row(k) = null_space.error(of_directions, hi, lo);
    if (!fit_intercept) continue;
    // Sweeps know the intercept better than the means do: only what moved counts.
    DoubleDouble moved{intercept[k], intercept[t + k]};
    for (Index j = 0; j < p; ++j)
      moved = moved - DoubleDouble{mean(0, j), mean(1, j)} *
                          (DoubleDouble{hi[j], lo[j]} - DoubleDouble{hi_before[j], lo_before[j]});
    intercept[k] = moved.hi;
    intercept[t + k] = moved.lo;
  }
  return error;
}

}  // namespace fastlr
