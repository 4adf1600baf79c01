#include "fastlr/normal_equations.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <cmath>
#include <utility>

#include "fastlr/minimum_norm.hpp"

namespace fastlr {
namespace {

constexpr Index largest_explicit_inverse = 256;  // beyond it errors are bounded through norms

/// A vector over the live columns, spread over all.
void spread(const Frame& frame, const Vector& live, double* out) {
  for (Index i = 0; i < frame.n_live(); ++i) out[frame.live[static_cast<std::size_t>(i)]] = live[i];
}

/// K with K K' = A^-1 over all columns, from its rows of the live ones.
RowMatrix root_of(const Frame& frame, RowMatrix live) {
  if (frame.n_live() == frame.n_features) return live;
  RowMatrix root = RowMatrix::Zero(frame.n_features, live.cols());
  for (Index i = 0; i < frame.n_live(); ++i)
    root.row(frame.live[static_cast<std::size_t>(i)]) = live.row(i);
  return root;
}

/// Rounding in A, in units of u: entries err by their own size, and where they are what larger sums
/// left over, by that of these sums.
double left_over(double summed, double own) { return std::max(0.0, summed - 2.0 * own); }

/// |error| of the solution b of A b = c by Cholesky's factor: gamma u |A^-1| (|A||b| + |c|), which
/// is a bound in practice for gamma = 20, and pessimistic by one or two digits (Higham 2002, 7.2
/// and 10.1). A product that is small because its terms cancel may be as wrong as its terms are:
/// with an `allowance`, that share of their size counts at least.
Vector solution_error(const Frame& frame, const RowMatrix& root, const Vector& b, Index target,
                      double allowance) {
  constexpr double gamma = 20.0;
  const Vector size = b.cwiseAbs();
  const Vector length = frame.A.diagonal().cwiseMax(0.0).cwiseSqrt();
  const double y_length = std::sqrt(std::max(frame.yy[target], 0.0));
  Vector backward = frame.A.cwiseAbs() * size + frame.penalty.cwiseProduct(size) +
                    frame.c.col(target).cwiseAbs() +
                    allowance * (length.dot(size) + y_length) * length;
  const bool is_inflated = (frame.summed.array() > 1.4 * length.array()).any() ||
                           frame.summed_y[target] > 1.4 * y_length;
  for (Index i = 0; is_inflated && i < frame.n_live(); ++i) {
    backward[i] += left_over(frame.summed[i] * frame.summed_y[target], length[i] * y_length);
    for (Index j = 0; j < frame.n_live(); ++j)
      backward[i] += left_over(frame.summed[i] * frame.summed[j], length[i] * length[j]) * size[j];
  }
  if (frame.n_live() <= largest_explicit_inverse)
    return gamma * unit_roundoff * ((root * root.transpose()).cwiseAbs() * backward);
  // |A^-1| v <= |row of K| |K' diag(v)|, and the columns of K' have the lengths of K's rows.
  const Vector row = root.rowwise().norm();
  return gamma * unit_roundoff * row.dot(backward) * row;
}

void estimate_error(const Frame& frame, const RowMatrix& root, const Vector& b, Index target,
                    Solution& out) {
  const Index p = frame.n_features;
  spread(frame, solution_error(frame, root, b, target, 0.1), out.error.row(target).data());
  spread(frame, solution_error(frame, root, b, target, 0.0), out.typical_error.row(target).data());
  if (!frame.fit_intercept) return;
  double of_intercept =
      std::abs(out.mean(0, p + target)) + frame.summed_y[target] / std::sqrt(frame.weight);
  of_intercept += b.cwiseAbs().dot(frame.summed) / std::sqrt(frame.weight);
  of_intercept *= unit_roundoff;
  for (Index j = 0; j < p; ++j) of_intercept += std::abs(out.mean(0, j)) * out.error(target, j);
  out.error(target, p) = of_intercept;
}

/// Eigenvectors of A scaled to unit diagonal, where Cholesky fails or may not be trusted.
void solve_by_eigenvectors(const Frame& frame, bool truncate, Solution& out) {
  const Index p = frame.n_features;
  const Index l = frame.n_live();
  Matrix A = frame.A;
  A.diagonal() += frame.penalty;
  const Vector inverse_length = A.diagonal().cwiseSqrt().cwiseInverse();
  const Eigen::SelfAdjointEigenSolver<Matrix> eigen(inverse_length.asDiagonal() * A *
                                                    inverse_length.asDiagonal());
  const Vector& lambda = eigen.eigenvalues();  // ascending
  const double largest = l > 0 ? std::max(lambda[l - 1], 0.0) : 0.0;
  const double noise =
      largest * 8 * unit_roundoff * out.inflation * static_cast<double>(std::max<Index>(l, 8));
  Index n_null = 0;
  while (n_null < l && lambda[n_null] <= noise) ++n_null;
  if (!truncate) n_null = 0;
  const Index r = l - n_null;
  const Vector root_lambda = lambda.tail(r).cwiseMax(noise / 8).cwiseSqrt();
  const Matrix kept = inverse_length.asDiagonal() * eigen.eigenvectors().rightCols(r) *
                      root_lambda.cwiseInverse().asDiagonal();
  out.root.setZero(p, r);
  out.null_space.setZero(p - r, p);
  RowMatrix directions = RowMatrix::Zero(2, n_null * p);
  for (Index i = 0; i < l; ++i) {
    const Index j = frame.live[static_cast<std::size_t>(i)];
    out.root.row(j) = kept.row(i);
    out.null_space.col(j).head(n_null) = eigen.eigenvectors().row(i).head(n_null).transpose();
    for (Index k = 0; k < n_null; ++k)
      directions(0, k * p + j) = out.null_space(k, j) * inverse_length[i];
  }
  for (Index j = 0, k = n_null; j < p; ++j)
    if (out.scale[j] == 0.0) out.null_space(k++, j) = 1.0;
  const NullSpace null_space(p, directions, out.scale);
  for (Index k = 0; k < frame.n_targets; ++k) {
    spread(frame, kept * (kept.transpose() * frame.c.col(k)), out.coef.data() + k * p);
    null_space.take_out(out.coef.data() + k * p, out.coef.data() + (frame.n_targets + k) * p);
  }
  out.rank = r;
  out.status = r < p ? Status::rank_deficient : Status::ill_conditioned;
  out.condition_number = r > 0 ? std::sqrt(largest) / root_lambda[0] : 1.0;
}

/// Cholesky's factor; false if A is not safely positive definite.
bool solve_by_cholesky(const Frame& frame, Solution& out) {
  const Index p = frame.n_features;
  const Index l = frame.n_live();
  // A = L L' and K = L^-T: column by column L^-1 lies in memory as K does row by row, so that A
  // becomes L, L^-1 and K where it stands.
  RowMatrix root(l, l);
  Eigen::Map<Matrix> A(root.data(), l, l);
  A = frame.A;
  A.diagonal() += frame.penalty;
  const Eigen::LLT<Eigen::Ref<Matrix>> factor(A);
  if (factor.info() != Eigen::Success) return false;
  const double reciprocal = l > 0 ? factor.rcond() : 1.0;
  if (!(reciprocal > 4 * unit_roundoff * out.inflation * static_cast<double>(l))) return false;
  for (Index k = 0; k < frame.n_targets; ++k)
    spread(frame, factor.solve(frame.c.col(k)), out.coef.data() + k * p);
  invert_lower(A);
  A.triangularView<Eigen::StrictlyUpper>().setZero();
  out.root = root_of(frame, std::move(root));
  out.condition_number = 1.0 / std::sqrt(reciprocal);
  out.rank = l;
  out.status = reciprocal * largest_squared_condition < 1.0 ? Status::ill_conditioned : Status::ok;
  out.null_space.setZero(p - l, p);
  for (Index j = 0, k = 0; j < p; ++j)
    if (out.scale[j] == 0.0) out.null_space(k++, j) = 1.0;
  if (l < p) out.status = Status::rank_deficient;
  return true;
}

}  // namespace

DoubleDouble intercept_at(const RowMatrix& mean, Index p, Index target, const double* coef_hi,
                          const double* coef_lo) {
  DoubleDouble a{mean(0, p + target), mean(1, p + target)};
  for (Index j = 0; j < p; ++j)
    a = a - DoubleDouble{mean(0, j), mean(1, j)} * DoubleDouble{coef_hi[j], coef_lo[j]};
  return a;
}

Solution solve_normal_equations(const MomentsView& moments, bool fit_intercept, double alpha,
                                bool truncate, bool estimate_errors) {
  const Frame frame = frame_of(moments, fit_intercept, alpha);
  const Index p = frame.n_features;
  const Index t = frame.n_targets;
  Solution out;
  out.scale = frame.scale;
  out.inflation = frame.inflation();
  out.is_lost = frame.is_lost;
  out.coef.setZero(2, t * p);
  out.intercept.setZero(2, t);
  out.mean.setZero(2, p + t);
  if (fit_intercept) {
    for (Index j = 0; j < p + t; ++j) {
      out.mean(0, j) = frame.mean[static_cast<std::size_t>(j)].hi;
      out.mean(1, j) = frame.mean[static_cast<std::size_t>(j)].lo;
    }
  }
  out.length.setZero(p);
  spread(frame, (frame.A.diagonal() + frame.penalty).cwiseMax(0.0).cwiseSqrt(), out.length.data());
  if (!solve_by_cholesky(frame, out)) solve_by_eigenvectors(frame, truncate, out);

  out.tss = frame.yy;
  out.rss.resize(t);
  Vector b(frame.n_live());
  if (estimate_errors) {
    out.error.setZero(t, p + 1);
    out.typical_error.setZero(t, p);
  }
  for (Index k = 0; k < t; ++k) {
    for (Index i = 0; i < frame.n_live(); ++i)
      b[i] = out.coef(0, k * p + frame.live[static_cast<std::size_t>(i)]);
    out.rss[k] = std::max(0.0, frame.yy[k] - b.dot(2.0 * frame.c.col(k) - frame.A * b));
    if (fit_intercept) {
      const DoubleDouble a =
          intercept_at(out.mean, p, k, out.coef.data() + k * p, out.coef.data() + (t + k) * p);
      out.intercept(0, k) = a.hi;
      out.intercept(1, k) = a.lo;
    }
    if (!estimate_errors) continue;
    if (frame.n_live() == p) {
      estimate_error(frame, out.root, b, k, out);
    } else {
      RowMatrix root(frame.n_live(), out.root.cols());
      for (Index i = 0; i < frame.n_live(); ++i)
        root.row(i) = out.root.row(frame.live[static_cast<std::size_t>(i)]);
      estimate_error(frame, root, b, k, out);
    }
  }
  return out;
}

}  // namespace fastlr
