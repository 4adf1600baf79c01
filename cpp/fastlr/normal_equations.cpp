#include "fastlr/normal_equations.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <cmath>
#include <limits>

#include "fastlr/double_double.hpp"

namespace fastlr {
namespace {

constexpr double unit_roundoff = std::numeric_limits<double>::epsilon() / 2;
constexpr double ill_conditioned_at =
    1e-12;  // reciprocal condition of A: about four digits are left

using Matrix = Eigen::MatrixXd;

struct Problem {
  Matrix A;            // (p, p), without the penalty
  Matrix c;            // (p, t)
  Vector yy;           // (t)
  Vector noise_floor;  // (p): a column with A_jj at or below this is constant (or zero)
};

Problem problem_from_moments(Index p, Index t, double weight, const double* mean,
                             const double* cross, bool fit_intercept) {
  const Index q = p + t;
  const ConstMatrixMap C(cross, q, q);
  const auto entry = [&](Index i, Index j) {
    if (fit_intercept) return C(i, j);
    const DoubleDouble mi{mean[i], mean[q + i]};
    const DoubleDouble mj{mean[j], mean[q + j]};
    return (DoubleDouble{C(i, j), 0.0} + DoubleDouble{weight, 0.0} * mi * mj).value();
  };
  Problem problem{Matrix(p, p), Matrix(p, t), Vector(t), Vector(p)};
  for (Index j = 0; j < p; ++j) {
    for (Index i = 0; i < p; ++i) problem.A(i, j) = entry(i, j);
    for (Index k = 0; k < t; ++k) problem.c(j, k) = entry(j, p + k);
    // Rounding noise of a constant column: every value off by at most 4 u |mean|.
    const double noise = fit_intercept ? 4 * unit_roundoff * std::abs(mean[j]) : 0.0;
    problem.noise_floor[j] = weight * noise * noise;
  }
  for (Index k = 0; k < t; ++k) problem.yy[k] = entry(p + k, p + k);
  return problem;
}

/// The power of two nearest to 1 / sqrt(value) from below: scaling by it rounds nothing.
double power_of_two_scale(double value) {
  int exponent = 0;
  std::frexp(std::sqrt(value), &exponent);
  return std::ldexp(1.0, -exponent);
}

/// Minimum-norm solution of the dependent system through the eigenvectors of the unit-diagonal A.
void solve_minimum_norm(const Problem& problem, const Matrix& A, const Vector& live,
                        NormalSolution& out) {
  const Index p = A.rows();
  Vector inverse_length(p);
  for (Index j = 0; j < p; ++j) inverse_length[j] = live[j] > 0.0 ? 1.0 / out.length[j] : 0.0;
  const Matrix unit = inverse_length.asDiagonal() * A * inverse_length.asDiagonal();
  const Eigen::SelfAdjointEigenSolver<Matrix> eigen(unit);
  const Vector& lambda = eigen.eigenvalues();  // ascending; constant columns contribute exact zeros
  const double largest = p > 0 ? std::max(lambda[p - 1], 0.0) : 0.0;
  const double cutoff = largest * 8 * unit_roundoff * static_cast<double>(std::max<Index>(p, 8));
  Index n_null = 0;
  while (n_null < p && lambda[n_null] <= cutoff) ++n_null;
  const auto kept = eigen.eigenvectors().rightCols(p - n_null);
  const auto null = eigen.eigenvectors().leftCols(n_null);
  const Matrix z = kept * lambda.tail(p - n_null).cwiseInverse().asDiagonal() *
                   (kept.transpose() * (inverse_length.asDiagonal() * problem.c));
  Matrix b = inverse_length.asDiagonal() * z;
  if (n_null > 0) {
    // b - Q Q'b with Q spanning the null space in raw units: the shortest coefficients with these
    // predictions.
    Matrix raw_null = inverse_length.asDiagonal() * null;
    for (Index k = 0; k < n_null; ++k)
      for (Index j = 0; j < p; ++j)
        if (!(live[j] > 0.0)) raw_null(j, k) = null(j, k);
    const double largest_entry = raw_null.cwiseAbs().maxCoeff();
    const Eigen::HouseholderQR<Matrix> qr(raw_null / (largest_entry > 0.0 ? largest_entry : 1.0));
    const Matrix Q = qr.householderQ() * Matrix::Identity(p, n_null);
    b -= Q * (Q.transpose() * b);
    for (Index j = 0; j < p; ++j)
      if (!(live[j] > 0.0)) b.row(j).setZero();
  }
  out.coef = b.transpose();
  out.rank = p - n_null;
  out.null_space = null.transpose();
  out.status = n_null > 0 ? Status::rank_deficient : Status::ill_conditioned;
  out.condition_number = out.rank > 0 ? std::sqrt(largest / std::max(lambda[n_null], 0.0)) : 1.0;
}

}  // namespace

NormalSolution solve_normal_equations(Index p, Index t, double weight, const double* mean,
                                      const double* cross, bool fit_intercept, double alpha) {
  const Problem problem = problem_from_moments(p, t, weight, mean, cross, fit_intercept);
  Matrix A = problem.A;
  A.diagonal().array() += alpha;
  NormalSolution out;
  out.rank = p;
  out.length = A.diagonal().cwiseMax(0.0).cwiseSqrt();

  Vector live(p);
  Vector scale(p);
  for (Index j = 0; j < p; ++j) {
    live[j] = A(j, j) > problem.noise_floor[j] ? 1.0 : 0.0;
    scale[j] = live[j] > 0.0 ? power_of_two_scale(A(j, j)) : 0.0;
  }
  bool dependent = (live.array() == 0.0).any();
  if (!dependent && p > 0) {
    const Eigen::LLT<Matrix> factor(scale.asDiagonal() * A * scale.asDiagonal());
    const double reciprocal = factor.info() == Eigen::Success ? factor.rcond() : 0.0;
    dependent = !(reciprocal > 4 * unit_roundoff * static_cast<double>(p));
    if (!dependent) {
      out.coef = (scale.asDiagonal() * factor.solve(scale.asDiagonal() * problem.c)).transpose();
      out.condition_number = 1.0 / std::sqrt(reciprocal);
      out.status = reciprocal < ill_conditioned_at ? Status::ill_conditioned : Status::ok;
      out.null_space.resize(0, p);
    }
  }
  if (p == 0) out.coef.resize(t, 0);
  if (dependent) solve_minimum_norm(problem, A, live, out);

  out.intercept.setZero(t);
  out.rss.resize(t);
  out.tss = problem.yy;
  const Index q = p + t;
  for (Index k = 0; k < t; ++k) {
    const Vector b = out.coef.row(k);
    out.rss[k] = std::max(0.0, problem.yy[k] - b.dot(2.0 * problem.c.col(k) - problem.A * b));
    if (!fit_intercept) continue;
    DoubleDouble a{mean[p + k], mean[q + p + k]};
    for (Index j = 0; j < p; ++j)
      a = a - DoubleDouble{mean[j], mean[q + j]} * DoubleDouble{b[j], 0.0};
    out.intercept[k] = a.value();
  }
  return out;
}

}  // namespace fastlr
