#include "fastlr/algebra/double_double_solve.hpp"

#include <algorithm>
#include <cmath>

#include "fastlr/algebra/condition_number.hpp"
#include "fastlr/algebra/dense.hpp"
#include "fastlr/algebra/minimum_norm.hpp"
#include "fastlr/algebra/refinement.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr int most_steps = 12;
/// Relative to the diagonal: below is rounding of double-double.
constexpr double smallest_pivot = 0x1p-100;

using Pairs = std::vector<DoubleDouble>;

DoubleDouble square_root(DoubleDouble x) {
  const double r = std::sqrt(x.hi);
  const DoubleDouble rest = x - two_product(r, r);
  return two_sum(r, rest.value() / (2.0 * r));
}

/// The problem in scaled columns, in double-double. A: (l, l), c: (t, l), yy: (t).
struct Problem {
  Pairs A;
  Pairs c;
  Pairs yy;
};

Problem problem_of(const MomentsView& moments, const ScaledEquations& equations, bool fit_intercept,
                   const double* penalty) {
  const Index q = moments.n_columns();
  const Index l = equations.n_varying();
  const auto entry = [&](Index i, Index j) {
    DoubleDouble value{moments.cross[i * q + j], moments.cross[q * q + i * q + j]};
    if (!fit_intercept)
      value = value + DoubleDouble{moments.weight, 0.0} * moments.mean_at(i) * moments.mean_at(j);
    if (i == j && i < moments.n_features && penalty != nullptr)
      value = value + DoubleDouble{penalty[i], 0.0};
    const double scale_i = equations.scale[i];
    const double scale_j = equations.scale[j];
    return DoubleDouble{value.hi * scale_i * scale_j, value.lo * scale_i * scale_j};
  };
  Problem problem;
  for (Index i = 0; i < l; ++i)
    for (Index j = 0; j < l; ++j)
      problem.A.push_back(entry(equations.varying[static_cast<std::size_t>(i)],
                                equations.varying[static_cast<std::size_t>(j)]));
  for (Index k = moments.n_features; k < q; ++k) {
    for (const Index j : equations.varying) problem.c.push_back(entry(j, k));
    problem.yy.push_back(entry(k, k));
  }
  return problem;
}

/// Which columns are independent, and a factor of theirs: positions are those in
/// `equations.varying`.
struct Independent {
  std::vector<std::size_t> chosen;
  std::vector<std::size_t> others;
  Matrix L;  // (chosen, chosen) lower triangular, rounded to double
  Matrix T;  // (others, chosen): column of the others = sum T * chosen
};

/// Cholesky's factor with pivoting in double-double. Columns are taken while one is left that
/// `is_noise(column, squared distance, T)` does not count as dependent on those taken; the first of
/// those that are nearly farthest.
template <class IsNoise>
Independent factor(const Problem& problem, std::size_t l, const IsNoise& is_noise) {
  constexpr double nearly_as_far = 0.25;
  constexpr double suspicious = 1e-6;
  Pairs L(l * l);  // columns of the factor, one after the other, by position
  Pairs left(l);
  Pairs sums(l);
  for (std::size_t i = 0; i < l; ++i) left[i] = problem.A[i * l + i];
  const auto share = [&](std::size_t i) { return left[i].hi / problem.A[i * l + i].hi; };
  Independent out;
  std::vector<bool> is_open(l, true);
  std::vector<bool> is_taken(l, false);
  // T of a column, from the factor of those taken.
  const auto coefficients_of = [&](std::size_t j) {
    const std::size_t r = out.chosen.size();
    Vector t(static_cast<Index>(r));
    for (std::size_t i = r; i-- > 0;) {
      double sum = L[i * l + j].hi;
      for (std::size_t k = i + 1; k < r; ++k)
        sum -= L[i * l + out.chosen[k]].hi * t[static_cast<Index>(k)];
      t[static_cast<Index>(i)] = sum / L[i * l + out.chosen[i]].hi;
    }
    return t;
  };
  for (std::size_t turn = 0; turn < l; ++turn) {  // each takes a column, or is the last
    double farthest = 0.0;
    for (std::size_t j = 0; j < l; ++j) {
      if (!is_open[j]) continue;
      if (share(j) < suspicious && is_noise(j, left[j].hi, out.chosen, coefficients_of(j)))
        is_open[j] = false;
      else
        farthest = std::max(farthest, share(j));
    }
    std::size_t pivot = 0;
    while (pivot < l && !(is_open[pivot] && share(pivot) >= nearly_as_far * farthest)) ++pivot;
    if (pivot == l) break;
    give_turn();
    is_open[pivot] = false;
    const std::size_t step = out.chosen.size();
    const double floor = smallest_pivot * problem.A[pivot * l + pivot].hi;
    if (!(left[pivot].hi > floor)) left[pivot] = {floor, 0.0};
    const DoubleDouble root = square_root(left[pivot]);
    for (std::size_t i = 0; i < l; ++i) sums[i] = problem.A[i * l + pivot];
    subtract_products(static_cast<Index>(l), static_cast<Index>(step), L.data(),
                      static_cast<Index>(pivot), sums.data());
    for (std::size_t i = 0; i < l; ++i) {
      if (is_taken[i]) continue;
      L[step * l + i] = i == pivot ? root : sums[i] / root;
      if (is_open[i]) left[i] = left[i] - L[step * l + i] * L[step * l + i];
    }
    out.chosen.push_back(pivot);
    is_taken[pivot] = true;
  }
  for (std::size_t j = 0; j < l; ++j)
    if (!is_taken[j]) out.others.push_back(j);
  const Index r = static_cast<Index>(out.chosen.size());
  out.L = Matrix::Zero(r, r);
  for (Index k = 0; k < r; ++k)
    for (Index i = k; i < r; ++i)
      out.L(i, k) = L[static_cast<std::size_t>(k) * l + out.chosen[static_cast<std::size_t>(i)]].hi;
  out.T.resize(static_cast<Index>(out.others.size()), r);
  for (std::size_t k = 0; k < out.others.size(); ++k)
    out.T.row(static_cast<Index>(k)) = coefficients_of(out.others[k]).transpose();
  return out;
}

ColumnChoice choice_of(const Independent& columns) {
  ColumnChoice choice;
  choice.chosen.assign(columns.chosen.begin(), columns.chosen.end());
  choice.others.assign(columns.others.begin(), columns.others.end());
  Matrix inverse = columns.L;
  invert_lower(inverse, 1);
  choice.root = inverse.transpose();
  choice.coefficients = columns.T;
  return choice;
}

/// b += K K'(c - A b) until it converges. c: (l) or nullptr for 0; b: (p) unevaluated sum.
/// Estimates |K^+ error| from the steps.
double improve(const Problem& problem, const ScaledEquations& equations, const RowMatrix& root,
               const DoubleDouble* c, double contraction, double y_length, double* hi, double* lo) {
  const std::size_t l = equations.varying.size();
  double last = 0.0;
  for (int step = 0; step < most_steps; ++step) {
    Vector g = Vector::Zero(equations.n_features);
    for (std::size_t i = 0; i < l; ++i) {
      DoubleDouble rest = c != nullptr ? c[i] : DoubleDouble{};
      for (std::size_t j = 0; j < l; ++j)
        rest = rest - problem.A[i * l + j] *
                          DoubleDouble{hi[equations.varying[j]], lo[equations.varying[j]]};
      g[equations.varying[i]] = rest.value();
    }
    const Vector in_root = root.transpose() * g;
    const double length = in_root.norm();
    if (step > 1 && !(length <= 0.5 * last)) break;
    if (step > 0 && last > 0.0) contraction = std::min(contraction, 10.0 * length / last);
    last = length;
    const Vector change = root * in_root;
    for (Index j = 0; j < equations.n_features; ++j) {
      const DoubleDouble b = DoubleDouble{hi[j], lo[j]} + DoubleDouble{change[j], 0.0};
      hi[j] = b.hi;
      lo[j] = b.lo;
    }
    if (step > 0 && length <= 0x1p-90 * y_length) break;
  }
  return contraction * last;
}

/// sum w r^2, without the penalty, at b.
double residual_squares(const Problem& problem, const ScaledEquations& equations, Index target,
                        const double* hi, const double* lo) {
  const std::size_t l = equations.varying.size();
  const DoubleDouble* c = problem.c.data() + static_cast<std::size_t>(target) * l;
  DoubleDouble rss = problem.yy[static_cast<std::size_t>(target)];
  const auto b = [&](std::size_t i) {
    return DoubleDouble{hi[equations.varying[i]], lo[equations.varying[i]]};
  };
  for (std::size_t i = 0; i < l; ++i) {
    DoubleDouble rest = c[i] + DoubleDouble{equations.penalty[static_cast<Index>(i)], 0.0} * b(i);
    for (std::size_t j = 0; j < l; ++j) rest = rest - problem.A[i * l + j] * b(j);
    rss = rss - (rest + c[i]) * b(i);
  }
  return std::max(rss.value(), 0.0);
}

}  // namespace

ScaledSolution solve_double_double(const MomentsView& moments, bool fit_intercept,
                                   const double* penalty, bool truncate, double& relative_error) {
  const Index p = moments.n_features;
  const Index t = moments.n_targets;
  const Index q = p + t;
  const ScaledEquations equations = scaled_equations(moments, fit_intercept, penalty);
  const std::size_t l = equations.varying.size();
  const Problem problem = problem_of(moments, equations, fit_intercept, penalty);
  Vector length = Vector::Zero(p);
  for (std::size_t i = 0; i < l; ++i)
    length[equations.varying[i]] = std::sqrt(problem.A[i * l + i].hi);
  // Rounding that a column carries: of its offset, or of larger moments that were taken away.
  Vector rounding_length(static_cast<Index>(l));
  Vector varying_length(static_cast<Index>(l));
  for (std::size_t i = 0; i < l; ++i) {
    const Index at = static_cast<Index>(i);
    const double mean =
        fit_intercept ? equations.mean[static_cast<std::size_t>(equations.varying[i])].hi : 0.0;
    varying_length[at] = length[equations.varying[i]];
    rounding_length[at] = std::max(std::hypot(varying_length[at], std::sqrt(moments.weight) * mean),
                                   equations.summed[at]);
  }
  const auto is_noise = [&](std::size_t j, double left, const std::vector<std::size_t>& chosen,
                            const Vector& T) {
    if (!truncate) return false;
    const Index at = static_cast<Index>(j);
    double rounding = rounding_length[at] * rounding_length[at];
    double size = varying_length[at] * varying_length[at];
    for (std::size_t k = 0; k < chosen.size(); ++k) {
      const Index of = static_cast<Index>(chosen[k]);
      const double share = T[static_cast<Index>(k)];
      rounding += share * share * rounding_length[of] * rounding_length[of];
      size += share * share * varying_length[of] * varying_length[of];
    }
    const double level =
        8 * unit_roundoff * (std::sqrt(rounding) + std::sqrt(static_cast<double>(l) * size));
    return left <= std::max(level * level, smallest_pivot * rounding);
  };
  const Independent columns = factor(problem, l, is_noise);
  const ColumnChoice choice = choice_of(columns);

  ScaledSolution out;
  out.scale = equations.scale;
  out.inflation = equations.inflation();
  out.mean.setZero(2, q);
  for (Index j = 0; j < q && fit_intercept; ++j) {
    out.mean(0, j) = equations.mean[static_cast<std::size_t>(j)].hi;
    out.mean(1, j) = equations.mean[static_cast<std::size_t>(j)].lo;
  }
  out.rank = static_cast<Index>(columns.chosen.size());
  out.root = root_of(equations, choice);
  Matrix A = equations.A;
  A.diagonal() += equations.penalty;
  out.condition_number = condition_number(A, choice, 1);
  out.length = length;
  const Index n_null = static_cast<Index>(columns.others.size());
  RowMatrix directions = directions_of(equations, choice);
  out.null_space = null_space_of(out, directions);
  out.status = out.rank < p ? Status::rank_deficient : Status::ok;
  out.coef.setZero(2, t * p);
  out.intercept.setZero(2, t);
  out.rss.resize(t);
  out.tss = equations.yy;

  const Vector row_norm = out.root.rowwise().norm();
  const double root_norm = out.root.norm();
  const double inflation = equations.inflation();
  // Rounding of the moments, some n u^2 of their terms, magnified by |K|.
  const double rounding = 0x1p-98 * std::sqrt(moments.weight) * root_norm * inflation;
  const double contraction =
      std::min(1.0, 64 * static_cast<double>(p) * unit_roundoff * out.condition_number * inflation);
  RowMatrix of_directions = RowMatrix::Zero(n_null, p);
  for (Index k = 0; k < n_null; ++k) {
    double* hi = directions.data() + k * p;
    const double left =
        improve(problem, equations, out.root, nullptr, contraction, 1.0, hi, hi + n_null * p);
    // Directions have no targets' rounding.
    of_directions.row(k) = (left + 0.25 * rounding) * row_norm.transpose();
  }
  const NullSpace null_space(p, directions, in_units(moments, out.scale));

  // An error on the chosen columns moves to the smallest norm as well.
  RowMatrix moving = out.root;
  constexpr Index affordable = Index{1} << 24;
  if (n_null > 0 && n_null * p * moving.cols() <= affordable) {
    for (Index c = 0; c < moving.cols(); ++c) {
      Vector hi = moving.col(c);
      Vector lo = Vector::Zero(p);
      null_space.take_out(hi.data(), lo.data());
      moving.col(c) = hi;
    }
  }
  const Vector moving_norm = moving.rowwise().norm();

  const Refinement judge{
      p,
      t,
      fit_intercept,
      moments.weight,
      out.mean.data(),
      out.tss.data(),
      Eigen::Map<const RowMatrix>(out.root.data(), out.root.rows(), out.root.cols()),
      1.0};
  relative_error = equations.is_lost ? 1.0 : unit_roundoff;
  for (Index k = 0; k < t; ++k) {
    double* hi = out.coef.data() + k * p;
    double* lo = out.coef.data() + (t + k) * p;
    const double y_length = std::sqrt(std::max(equations.yy[k], 0.0));
    const double left =
        improve(problem, equations, out.root, problem.c.data() + static_cast<std::size_t>(k) * l,
                contraction, y_length, hi, lo);
    null_space.take_out(hi, lo);
    if (fit_intercept) {
      const DoubleDouble a = intercept_at(out.mean, p, k, hi, lo);
      out.intercept(0, k) = a.hi;
      out.intercept(1, k) = a.lo;
    }
    out.rss[k] = residual_squares(problem, equations, k, hi, lo);
    double size = equations.summed_y[k];
    double of_intercept = std::abs(out.mean(0, p + k));
    for (Index j = 0; j < p; ++j) {
      size += std::abs(hi[j]);
      of_intercept += std::abs(out.mean(0, j) * hi[j]);
    }
    const Vector error =
        (left + rounding * size) * moving_norm + null_space.error(of_directions, hi, lo);
    of_intercept = 0x1p-100 * (of_intercept + std::sqrt(inflation) * size);
    for (Index j = 0; j < p; ++j) of_intercept += std::abs(out.mean(0, j)) * error[j];
    relative_error = std::max(
        relative_error, unit_roundoff + worst_relative_error(judge, k, hi, out.intercept(0, k),
                                                             error.data(), of_intercept));
  }
  return out;
}

}  // namespace fastlr
