#include <algorithm>
#include <cmath>

#include "fastlr/double_double_moments.hpp"
#include "fastlr/minimum_norm.hpp"
#include "fastlr/rank.hpp"
#include "fastlr/refinement.hpp"

namespace fastlr {
namespace {

constexpr int most_steps = 12;
constexpr double smallest_pivot =
    0x1p-100;  // relative to the diagonal: below is rounding of double-double

using Pairs = std::vector<DoubleDouble>;

DoubleDouble square_root(DoubleDouble x) {
  const double r = std::sqrt(x.hi);
  const DoubleDouble rest = x - two_product(r, r);
  return two_sum(r, rest.value() / (2.0 * r));
}

/// The problem in the frame, in double-double. A: (l, l), c: (t, l), yy: (t).
struct Problem {
  Pairs A;
  Pairs c;
  Pairs yy;
};

Problem problem_of(const MomentsView& moments, const Frame& frame, bool fit_intercept,
                   double alpha) {
  const Index q = moments.n_columns();
  const Index l = frame.n_live();
  const auto entry = [&](Index i, Index j) {
    DoubleDouble value{moments.cross[i * q + j], moments.cross[q * q + i * q + j]};
    if (!fit_intercept)
      value = value + DoubleDouble{moments.weight, 0.0} * moments.mean_at(i) * moments.mean_at(j);
    if (i == j && i < moments.n_features) value = value + DoubleDouble{alpha, 0.0};
    const double scale_i = frame.scale[i];
    const double scale_j = frame.scale[j];
    return DoubleDouble{value.hi * scale_i * scale_j, value.lo * scale_i * scale_j};
  };
  Problem problem;
  for (Index i = 0; i < l; ++i)
    for (Index j = 0; j < l; ++j)
      problem.A.push_back(
          entry(frame.live[static_cast<std::size_t>(i)], frame.live[static_cast<std::size_t>(j)]));
  for (Index k = moments.n_features; k < q; ++k) {
    for (const Index j : frame.live) problem.c.push_back(entry(j, k));
    problem.yy.push_back(entry(k, k));
  }
  return problem;
}

/// R (p, p) upper triangular with R'R = A, rounded to double at the end; pivots that rounding
/// swallowed become tiny.
RowMatrix factor(const Problem& problem, const Frame& frame) {
  const std::size_t l = frame.live.size();
  Pairs L = problem.A;
  for (std::size_t j = 0; j < l; ++j) {
    const double floor = L[j * l + j].hi * smallest_pivot;
    DoubleDouble pivot = L[j * l + j];
    for (std::size_t k = 0; k < j; ++k) pivot = pivot - L[j * l + k] * L[j * l + k];
    if (!(pivot.hi > floor)) pivot = {std::max(floor, 1e-300), 0.0};
    const DoubleDouble root = square_root(pivot);
    L[j * l + j] = root;
    for (std::size_t i = j + 1; i < l; ++i) {
      DoubleDouble sum = L[i * l + j];
      for (std::size_t k = 0; k < j; ++k) sum = sum - L[i * l + k] * L[j * l + k];
      L[i * l + j] = sum / root;
    }
  }
  RowMatrix R = RowMatrix::Zero(frame.n_features, frame.n_features);
  for (std::size_t j = 0; j < l; ++j)
    for (std::size_t i = j; i < l; ++i) R(frame.live[j], frame.live[i]) = L[i * l + j].value();
  return R;
}

RowMatrix inverse_of(const RowMatrix& R, const Frame& frame) {
  const Index l = frame.n_live();
  Matrix L(l, l);
  for (Index i = 0; i < l; ++i)
    for (Index j = 0; j < l; ++j)
      L(i, j) = R(frame.live[static_cast<std::size_t>(j)], frame.live[static_cast<std::size_t>(i)]);
  invert_lower(L);
  RowMatrix K = RowMatrix::Zero(frame.n_features, l);
  for (Index i = 0; i < l; ++i)
    for (Index k = i; k < l; ++k) K(frame.live[static_cast<std::size_t>(i)], k) = L(k, i);
  return K;
}

/// b += K K'(c - A b) until it rests. c: (l) or nullptr for 0; b: (p) unevaluated sum. Estimates
/// |K^+ error| from the steps.
double improve(const Problem& problem, const Frame& frame, const RowMatrix& root,
               const DoubleDouble* c, double contraction, double y_length, double* hi, double* lo) {
  const std::size_t l = frame.live.size();
  double last = 0.0;
  for (int step = 0; step < most_steps; ++step) {
    Vector g = Vector::Zero(frame.n_features);
    for (std::size_t i = 0; i < l; ++i) {
      DoubleDouble rest = c != nullptr ? c[i] : DoubleDouble{};
      for (std::size_t j = 0; j < l; ++j)
        rest = rest - problem.A[i * l + j] * DoubleDouble{hi[frame.live[j]], lo[frame.live[j]]};
      g[frame.live[i]] = rest.value();
    }
    const Vector in_root = root.transpose() * g;
    const double length = in_root.norm();
    if (step > 1 && !(length <= 0.5 * last)) break;
    if (step > 0 && last > 0.0) contraction = std::min(contraction, 10.0 * length / last);
    last = length;
    const Vector change = root * in_root;
    for (Index j = 0; j < frame.n_features; ++j) {
      const DoubleDouble b = DoubleDouble{hi[j], lo[j]} + DoubleDouble{change[j], 0.0};
      hi[j] = b.hi;
      lo[j] = b.lo;
    }
    if (step > 0 && length <= 0x1p-90 * y_length) break;
  }
  return contraction * last;
}

/// sum w r^2, without the penalty, at b.
double residual_squares(const Problem& problem, const Frame& frame, Index target, const double* hi,
                        const double* lo) {
  const std::size_t l = frame.live.size();
  const DoubleDouble* c = problem.c.data() + static_cast<std::size_t>(target) * l;
  DoubleDouble rss = problem.yy[static_cast<std::size_t>(target)];
  const auto b = [&](std::size_t i) { return DoubleDouble{hi[frame.live[i]], lo[frame.live[i]]}; };
  for (std::size_t i = 0; i < l; ++i) {
    DoubleDouble rest = c[i] + DoubleDouble{frame.penalty[static_cast<Index>(i)], 0.0} * b(i);
    for (std::size_t j = 0; j < l; ++j) rest = rest - problem.A[i * l + j] * b(j);
    rss = rss - (rest + c[i]) * b(i);
  }
  return std::max(rss.value(), 0.0);
}

}  // namespace

Solution solve_double_double(const MomentsView& moments, bool fit_intercept, double alpha,
                             bool truncate, double& relative_error) {
  const Index p = moments.n_features;
  const Index t = moments.n_targets;
  const Index q = p + t;
  const Frame frame = frame_of(moments, fit_intercept, alpha);
  const std::size_t l = frame.live.size();
  const Problem problem = problem_of(moments, frame, fit_intercept, alpha);
  const RowMatrix R = factor(problem, frame);
  Vector gran = Vector::Ones(p);
  for (Index j = 0; j < p && fit_intercept; ++j)
    if (R(j, j) != 0.0)
      gran[j] = std::hypot(1.0, std::sqrt(moments.weight) *
                                    frame.mean[static_cast<std::size_t>(j)].hi / R.col(j).norm());
  // Moments that were taken away from larger ones tell no directions below those ones' rounding.
  for (Index i = 0; i < frame.n_live(); ++i) {
    const Index j = frame.live[static_cast<std::size_t>(i)];
    gran[j] = std::max(gran[j], frame.summed[i] / R.col(j).norm());
  }
  const RankDecision decision = decide_rank(Eigen::Map<const RowMatrix>(R.data(), p, p), gran);
  const bool is_truncated = truncate && decision.rank < frame.n_live();

  Solution out;
  out.scale = frame.scale;
  out.inflation = frame.inflation();
  out.mean.setZero(2, q);
  for (Index j = 0; j < q && fit_intercept; ++j) {
    out.mean(0, j) = frame.mean[static_cast<std::size_t>(j)].hi;
    out.mean(1, j) = frame.mean[static_cast<std::size_t>(j)].lo;
  }
  out.rank = is_truncated ? decision.rank : frame.n_live();
  out.root = is_truncated ? decision.root : inverse_of(R, frame);
  out.condition_number = decision.condition_number;
  out.length = decision.length;
  out.null_space = is_truncated ? decision.null_space
                                : RowMatrix(decision.null_space.bottomRows(p - frame.n_live()));
  out.status = out.rank < p ? Status::rank_deficient : Status::ok;
  out.coef.setZero(2, t * p);
  out.intercept.setZero(2, t);
  out.rss.resize(t);
  out.tss = frame.yy;

  const Vector row_norm = out.root.rowwise().norm();
  const double root_norm = out.root.norm();
  const double inflation = frame.inflation();
  // Rounding of the moments, some n u^2 of their terms, magnified by |K|.
  const double rounding = 0x1p-98 * std::sqrt(moments.weight) * root_norm * inflation;
  const double contraction =
      std::min(1.0, 64 * static_cast<double>(p) * unit_roundoff * out.condition_number * inflation);
  const Index n_null = is_truncated ? p - out.rank : 0;
  RowMatrix directions = RowMatrix::Zero(2, n_null * p);
  RowMatrix of_directions = RowMatrix::Zero(n_null, p);
  for (Index k = 0; k < n_null; ++k) {
    double* hi = directions.data() + k * p;
    for (Index j = 0; j < p; ++j)
      hi[j] = out.length[j] > 0.0 ? out.null_space(k, j) / out.length[j] : 0.0;
    const double left =
        improve(problem, frame, out.root, nullptr, contraction, 1.0, hi, hi + n_null * p);
    of_directions.row(k) = (left + rounding) * row_norm.transpose();
  }
  const NullSpace null_space(p, directions, out.scale);

  const Refinement judge{
      p,
      t,
      fit_intercept,
      moments.weight,
      out.mean.data(),
      out.tss.data(),
      Eigen::Map<const RowMatrix>(out.root.data(), out.root.rows(), out.root.cols()),
      1.0};
  relative_error = frame.is_lost ? 1.0 : unit_roundoff;
  for (Index k = 0; k < t; ++k) {
    double* hi = out.coef.data() + k * p;
    double* lo = out.coef.data() + (t + k) * p;
    const double y_length = std::sqrt(std::max(frame.yy[k], 0.0));
    const double left =
        improve(problem, frame, out.root, problem.c.data() + static_cast<std::size_t>(k) * l,
                contraction, y_length, hi, lo);
    null_space.take_out(hi, lo);
    if (fit_intercept) {
      const DoubleDouble a = intercept_at(out.mean, p, k, hi, lo);
      out.intercept(0, k) = a.hi;
      out.intercept(1, k) = a.lo;
    }
    out.rss[k] = residual_squares(problem, frame, k, hi, lo);
    double size = frame.summed_y[k];
    double of_intercept = std::abs(out.mean(0, p + k));
    for (Index j = 0; j < p; ++j) {
      size += std::abs(hi[j]);
      of_intercept += std::abs(out.mean(0, j) * hi[j]);
    }
    const Vector error =
        (left + rounding * size) * row_norm + null_space.error(of_directions, hi, lo);
    of_intercept = 0x1p-100 * (of_intercept + std::sqrt(inflation) * size);
    for (Index j = 0; j < p; ++j) of_intercept += std::abs(out.mean(0, j)) * error[j];
    relative_error = std::max(
        relative_error, unit_roundoff + worst_relative_error(judge, k, hi, out.intercept(0, k),
                                                             error.data(), of_intercept));
  }
  return out;
}

}  // namespace fastlr
