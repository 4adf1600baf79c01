#include "fastlr/algebra/solution_errors.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fastlr/algebra/condition_number.hpp"
#include "fastlr/algebra/dense.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr Index largest_explicit_inverse = 1024;  // beyond it errors are bounded through norms
/// A product that is small because its terms cancel may be as wrong as its terms are, so that this much
/// of their size counts at least.
constexpr double allowance = 0.1;

/// What rounding in an entry A_ij exceeds u |A_ij| by, in units of u, where A was taken from larger
/// sums: columns had the lengths s there, and have l in A; `summed` is s_i s_j, `own` l_i l_j.
double left_over(double summed, double own) { return std::max(0.0, summed - 2.0 * own); }

/// sqrt(A_jj) of the columns that vary.
Vector lengths_of(const ScaledEquations& equations) {
  return equations.A.diagonal().cwiseMax(0.0).cwiseSqrt();
}

double length_of_target(const ScaledEquations& equations, Index target) {
  return std::sqrt(std::max(equations.yy[target], 0.0));
}

/// Adds to entry i what left_over() says of row i of A, times |b|, and of c; or the squares of all terms.
void add_left_over(const ScaledEquations& equations, const Vector& b, Index target, bool squared,
                   Vector& sums) {
  const Vector length = lengths_of(equations);
  const double y_length = length_of_target(equations, target);
  const auto inflation = [](double summed, double own) {
    return own > 0.0 ? summed / own : std::numeric_limits<double>::infinity();
  };
  const auto term = [&](double x) { return squared ? x * x : x; };
  double most = inflation(equations.summed_y[target], y_length);
  for (Index i = 0; i < length.size(); ++i)
    most = std::max(most, inflation(equations.summed[i], length[i]));
  for (Index i = 0; i < length.size(); ++i) {
    if (inflation(equations.summed[i], length[i]) * most < 1.99) continue;  // nothing is left over
    sums[i] +=
        term(left_over(equations.summed[i] * equations.summed_y[target], length[i] * y_length));
    for (Index j = 0; j < length.size(); ++j)
      sums[i] +=
          term(left_over(equations.summed[i] * equations.summed[j], length[i] * length[j]) * b[j]);
  }
}

/// sum_j f(A_ij) b_j, column by column: nothing as large as A is made.
template <class Function>
Vector sums_of(const Matrix& A, const Vector& b, const Function& f) {
  Vector sums = Vector::Zero(A.rows());
  for (Index j = 0; j < A.cols(); ++j) sums += b[j] * f(A.col(j).array()).matrix();
  return sums;
}

/// |A||b| + |c|, to whose rounding a solution b of A b = c is right, and in front of it the same with the
/// allowance.
Matrix backward_error(const ScaledEquations& equations, const Vector& b, Index target) {
  give_turn();
  const Vector size = b.cwiseAbs();
  const Vector length = lengths_of(equations);
  const double y_length = length_of_target(equations, target);
  Vector backward = sums_of(equations.A, size, [](const auto& a) { return a.abs(); }) +
                    equations.penalty.cwiseProduct(size) + equations.c.col(target).cwiseAbs();
  add_left_over(equations, size, target, false, backward);
  Matrix both(size.size(), 2);
  both << backward + allowance * (length.dot(size) + y_length) * length, backward;
  return both;
}

/// |error| of solutions by Cholesky's factor: gamma u |A^-1| (|A||b| + |c|), which is a bound in
/// practice for gamma = 20, and pessimistic by one or two digits (Higham 2002, 7.2 and 10.1).
Matrix solution_errors(const RowMatrix& root, const Matrix& backward, int n_threads) {
  give_turn();
  constexpr double gamma = 20.0;
  if (root.rows() <= largest_explicit_inverse)
    return gamma * unit_roundoff * multiply_by_magnitudes(root, backward, n_threads);
  // |A^-1| v <= |row of K| |K' diag(v)|, and the columns of K' have the lengths of K's rows.
  const Vector row = root.rowwise().norm();
  return gamma * unit_roundoff * row * (row.transpose() * backward);
}

/// backward_error() of rounding errors that are independent of one another: their squares add up.
Matrix random_backward_error(const ScaledEquations& equations, const Vector& b, Index target) {
  give_turn();
  const Vector size = b.cwiseAbs2();
  const Vector length = lengths_of(equations).cwiseAbs2();
  const double y_length = length_of_target(equations, target);
  Vector backward = sums_of(equations.A, size, [](const auto& a) { return a.abs2(); }) +
                    equations.penalty.cwiseAbs2().cwiseProduct(size) +
                    equations.c.col(target).cwiseAbs2();
  add_left_over(equations, b, target, true, backward);
  const double all = allowance * allowance * (length.dot(size) + y_length * y_length);
  Matrix both(size.size(), 2);
  both << (backward + all * length).cwiseSqrt(), backward.cwiseSqrt();
  return both;
}

/// solution_errors() of rounding errors that are independent of one another, as those of many sums are
/// (Higham and Mary 2019), for backward errors v: the root of sum_k (A^-1)_jk^2 v_k^2 is at most |row j of K|
/// |D K| max v_k / D_kk, for D the lengths of columns. Five times more on top of gamma is what no sum of so
/// many independent terms exceeds. The factor |D K|, of 1 at least, is left out.
Matrix random_errors(const Vector& row_norm, const Vector& length, const Matrix& backward) {
  constexpr double gamma = 100.0;
  return gamma * unit_roundoff * row_norm *
         (length.cwiseInverse().asDiagonal() * backward).colwise().maxCoeff();
}

/// Errors of coefficients b (l, t), two columns for each target: with the allowance and without. Of many
/// columns, whose explicit inverse would cost, it is tried first how far independent errors add up.
Matrix errors_of(const ScaledEquations& equations, const RowMatrix& root, const Matrix& b,
                 int n_threads, const ScaledSolution& out) {
  const Index l = equations.n_varying();
  const Index t = equations.n_targets;
  Matrix random;
  if (l > few_columns && out.unit_inverse_norm > 0.0) {
    const Vector row_norm = root.rowwise().norm();
    const Vector length = varying_of(equations, out.length.data());
    random.resize(l, 2 * t);
    double most = 0.0;  // of errors beside those that suffice
    for (Index k = 0; k < t; ++k) {
      random.middleCols(2 * k, 2) =
          random_errors(row_norm, length, random_backward_error(equations, b.col(k), k));
      const double sd = std::sqrt(out.rss[k] / equations.weight);
      const Vector sufficient = sufficient_error * b.col(k).cwiseAbs().cwiseMax(sd * row_norm);
      most = std::max(most, random.col(2 * k + 1).cwiseQuotient(sufficient).maxCoeff());
    }
    double norm = std::sqrt(out.unit_inverse_norm);
    if (l > largest_exact_condition && most <= 1.0 && most * norm > 1.0)
      norm = std::sqrt(largest_of_unit_inverse(root, length));
    random *= norm;
    if (most * norm <= 1.0) return random;
  }
  Matrix backward(l, 2 * t);
  for (Index k = 0; k < t; ++k)
    backward.middleCols(2 * k, 2) = backward_error(equations, b.col(k), k);
  const Matrix errors = solution_errors(root, backward, n_threads);
  return random.size() > 0 ? errors.cwiseMin(random) : errors;
}

}  // namespace

void estimate_errors(const ScaledEquations& equations, const RowMatrix& root, int n_threads,
                     ScaledSolution& out) {
  const Index p = equations.n_features;
  const Index t = equations.n_targets;
  out.error.setZero(t, p + 1);
  out.typical_error.setZero(t, p);
  Matrix b(equations.n_varying(), t);
  for (Index k = 0; k < t; ++k) b.col(k) = varying_of(equations, out.coef.data() + k * p);
  const Matrix errors = errors_of(equations, root, b, n_threads, out);
  for (Index k = 0; k < t; ++k) {
    spread(equations, errors.col(2 * k), out.error.row(k).data());
    spread(equations, errors.col(2 * k + 1), out.typical_error.row(k).data());
    if (!equations.fit_intercept) continue;
    const double root_weight = std::sqrt(equations.weight);
    double of_intercept = std::abs(out.mean(0, p + k)) + equations.summed_y[k] / root_weight;
    of_intercept += b.col(k).cwiseAbs().dot(equations.summed) / root_weight;
    of_intercept *= unit_roundoff;
    for (Index j = 0; j < p; ++j) of_intercept += std::abs(out.mean(0, j)) * out.error(k, j);
    out.error(k, p) = of_intercept;
  }
}

}  // namespace fastlr
