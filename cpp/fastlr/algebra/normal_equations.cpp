#include "fastlr/algebra/normal_equations.hpp"

#include <cmath>
#include <limits>
#include <utility>

#include "fastlr/algebra/condition_number.hpp"
#include "fastlr/algebra/independent_columns.hpp"
#include "fastlr/algebra/minimum_norm.hpp"
#include "fastlr/algebra/preconditioned.hpp"
#include "fastlr/large_zeros.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr Index largest_explicit_inverse = 1024;  // beyond it errors are bounded through norms
constexpr Index few_columns = 256;                // whose explicit inverse costs next to nothing
/// A product that is small because its terms cancel may be as wrong as its terms are, so that this much
/// of their size counts at least.
constexpr double allowance = 0.1;

/// A vector over the varying columns, spread over all.
void spread(const ScaledEquations& equations, const Vector& varying, double* out) {
  for (Index i = 0; i < equations.n_varying(); ++i)
    out[equations.varying[static_cast<std::size_t>(i)]] = varying[i];
}

/// The entries of the varying columns of (p) values.
Vector varying_of(const ScaledEquations& equations, const double* all) {
  Vector varying(equations.n_varying());
  for (Index i = 0; i < equations.n_varying(); ++i)
    varying[i] = all[equations.varying[static_cast<std::size_t>(i)]];
  return varying;
}

/// K with K K' = A^-1 over all columns, from its rows of the varying ones.
RowMatrix root_of(const ScaledEquations& equations, RowMatrix varying) {
  if (equations.n_varying() == equations.n_features) return varying;
  RowMatrix root = RowMatrix::Zero(equations.n_features, varying.cols());
  for (Index i = 0; i < equations.n_varying(); ++i)
    root.row(equations.varying[static_cast<std::size_t>(i)]) = varying.row(i);
  return root;
}

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

/// The solution on independent columns, 0 for the others; returns which columns were chosen.
ColumnChoice solve_independent(const ScaledEquations& equations, const Vector& threshold,
                               int n_threads, ScaledSolution& out) {
  const Index p = equations.n_features;
  Matrix A = equations.A;
  A.diagonal() += equations.penalty;
  ColumnChoice choice = choose_columns(A, threshold, n_threads);
  out.rank = static_cast<Index>(choice.chosen.size());
  out.root = root_of(equations, choice);
  out.null_space = null_space_of(out, directions_of(equations, choice));
  for (Index k = 0; k < equations.n_targets; ++k) {
    Vector c = Vector::Zero(p);
    spread(equations, equations.c.col(k), c.data());
    VectorMap(out.coef.data() + k * p, p) = out.root * (out.root.transpose() * c);
  }
  out.status = out.rank < p ? Status::rank_deficient : Status::ill_conditioned;
  out.condition_number =
      condition_number(A, choice, n_threads);  // of all columns, not of the chosen ones
  // A root of normalised columns: the trace bounds the largest eigenvalue of the inverse.
  out.squared_condition = static_cast<double>(std::max<Index>(out.rank, 1)) *
                          (out.length.asDiagonal() * out.root).squaredNorm();
  return choice;
}

/// All columns that vary are to be kept, whatever Cholesky's factor says: A + shift I is factored.
void solve_shifted(const ScaledEquations& equations, int n_threads, ScaledSolution& out) {
  const Index l = equations.n_varying();
  Matrix A = equations.A;
  A.diagonal() += equations.penalty;
  const ShiftedFactor factor =
      shifted_factor(A, 16 * unit_roundoff * out.inflation * A.trace(), n_threads);
  Matrix L = factor.L;
  invert_lower(L, n_threads);
  L.triangularView<Eigen::StrictlyUpper>().setZero();
  for (Index k = 0; k < equations.n_targets; ++k)
    spread(equations, L.transpose() * (L * equations.c.col(k)),
           out.coef.data() + k * equations.n_features);
  out.root = root_of(equations, L.transpose());
  out.rank = l;
  out.squared_condition = 1.0 / std::max(factor.reciprocal_condition, 1e-300);
  out.condition_number = std::sqrt(out.squared_condition);
  out.status = l < equations.n_features ? Status::rank_deficient : Status::ill_conditioned;
  out.null_space = null_space_of(out, RowMatrix(2, 0));
}

/// (L L')^-1 c
Vector solved(const Eigen::Ref<const Matrix>& L, Vector c) {
  L.triangularView<Eigen::Lower>().solveInPlace(c);
  L.triangularView<Eigen::Lower>().transpose().solveInPlace(c);
  return c;
}

/// Cholesky's factor; false if A is not safely positive definite.
bool solve_by_cholesky(const ScaledEquations& equations, int n_threads, bool with_condition,
                       ScaledSolution& out) {
  const Index p = equations.n_features;
  const Index l = equations.n_varying();
  // A = L L' and K = L^-T: column by column L^-1 lies in memory as K does row by row, so that A
  // becomes L, L^-1 and K where it stands.
  RowMatrix root(l, l);
  prefer_huge_pages(root.data(), root.size());
  Eigen::Map<Matrix> A(root.data(), l, l);
  give_turn();
  A = equations.A;
  A.diagonal() += equations.penalty;
  give_turn();
  const double norm = symmetric_norm(A);
  PackedTriangle packed;
  if (!factor_cholesky(A, n_threads, &packed)) return false;
  const double reciprocal = reciprocal_condition(A, norm);
  if (!(reciprocal > 4 * unit_roundoff * out.inflation * static_cast<double>(l))) return false;
  for (Index k = 0; k < equations.n_targets; ++k)
    spread(equations, solved(A, equations.c.col(k)), out.coef.data() + k * p);
  invert_lower(A, n_threads, &packed);
  give_turn();
  A.triangularView<Eigen::StrictlyUpper>().setZero();
  out.squared_condition = 1.0 / reciprocal;
  if (l > largest_exact_condition) {
    out.condition_number = 1.0 / std::sqrt(reciprocal);
    // In the 1-norm, which is larger.
    out.unit_inverse_norm = out.length.cwiseAbs2().maxCoeff() / (reciprocal * norm);
  } else if (l <= few_columns && !with_condition) {
    out.condition_number = std::numeric_limits<double>::quiet_NaN();
  } else {
    Matrix penalised;
    const bool has_penalty = (equations.penalty.array() != 0.0).any();
    if (has_penalty) {
      penalised = equations.A;
      penalised.diagonal() += equations.penalty;
    }
    const UnitSpectrum spectrum = unit_spectrum(has_penalty ? penalised : equations.A, root);
    out.condition_number = spectrum.condition_number();
    out.unit_inverse_norm = spectrum.largest_of_inverse;
  }
  out.root = root_of(equations, std::move(root));
  out.rank = l;
  out.status = reciprocal * largest_squared_condition < 1.0 ? Status::ill_conditioned : Status::ok;
  if (l < p) out.status = Status::rank_deficient;
  out.null_space = null_space_of(out, RowMatrix(2, 0));
  return true;
}

}  // namespace

RowMatrix directions_of(const ScaledEquations& equations, const ColumnChoice& choice) {
  const Index p = equations.n_features;
  const Index d = static_cast<Index>(choice.others.size());
  const auto column = [&](Index i) { return equations.varying[static_cast<std::size_t>(i)]; };
  RowMatrix directions = RowMatrix::Zero(2, d * p);
  for (Index k = 0; k < d; ++k) {
    directions(0, k * p + column(choice.others[static_cast<std::size_t>(k)])) = 1.0;
    for (std::size_t i = 0; i < choice.chosen.size(); ++i)
      directions(0, k * p + column(choice.chosen[i])) =
          -choice.coefficients(k, static_cast<Index>(i));
  }
  return directions;
}

RowMatrix root_of(const ScaledEquations& equations, const ColumnChoice& choice) {
  const Index r = static_cast<Index>(choice.chosen.size());
  RowMatrix root = RowMatrix::Zero(equations.n_features, r);
  for (Index i = 0; i < r; ++i)
    root.row(
        equations.varying[static_cast<std::size_t>(choice.chosen[static_cast<std::size_t>(i)])]) =
        choice.root.row(i);
  return root;
}

RowMatrix null_space_of(const ScaledSolution& solution, const RowMatrix& directions) {
  const Index p = solution.length.size();
  const Index d = p > 0 ? directions.cols() / p : 0;
  const Index n_constant = (solution.scale.head(p).array() == 0.0).count();
  RowMatrix null_space = RowMatrix::Zero(d + n_constant, p);
  for (Index k = 0; k < d; ++k)
    null_space.row(k) =
        directions.row(0).segment(k * p, p).cwiseProduct(solution.length.transpose()).normalized();
  for (Index j = 0, k = d; j < p; ++j)
    if (solution.scale[j] == 0.0) null_space(k++, j) = 1.0;
  return null_space;
}

Vector in_units(const MomentsView& moments, const Vector& scale) {
  Vector product = scale;
  for (Index j = 0; j < scale.size(); ++j) product[j] *= moments.unit(j);
  return product;
}

DoubleDouble intercept_at(const RowMatrix& mean, Index p, Index target, const double* coef_hi,
                          const double* coef_lo) {
  DoubleDouble a{mean(0, p + target), mean(1, p + target)};
  for (Index j = 0; j < p; ++j)
    a = a - DoubleDouble{mean(0, j), mean(1, j)} * DoubleDouble{coef_hi[j], coef_lo[j]};
  return a;
}

RowMatrix intercepts_at(const RowMatrix& mean, Index p, Index n_targets, const double* coef) {
  RowMatrix intercept(2, n_targets);
  for (Index k = 0; k < n_targets; ++k) {
    const double* b = coef + k * p;
    const DoubleDouble a = intercept_at(mean, p, k, b, b + n_targets * p);
    intercept(0, k) = a.hi;
    intercept(1, k) = a.lo;
  }
  return intercept;
}

namespace {

/// What a solution takes over from the equations; coefficients are 0.
ScaledSolution begin(const ScaledEquations& equations) {
  const Index p = equations.n_features;
  const Index t = equations.n_targets;
  ScaledSolution out;
  out.scale = equations.scale;
  out.inflation = equations.inflation();
  out.is_lost = equations.is_lost;
  out.coef.setZero(2, t * p);
  out.intercept.setZero(2, t);
  out.mean.setZero(2, p + t);
  if (equations.fit_intercept) {
    for (Index j = 0; j < p + t; ++j) {
      out.mean(0, j) = equations.mean[static_cast<std::size_t>(j)].hi;
      out.mean(1, j) = equations.mean[static_cast<std::size_t>(j)].lo;
    }
  }
  out.length.setZero(p);
  spread(equations, (equations.A.diagonal() + equations.penalty).cwiseMax(0.0).cwiseSqrt(),
         out.length.data());
  out.tss = equations.yy;
  return out;
}

/// Sums of squares and intercepts that belong to the coefficients.
void complete(const ScaledEquations& equations, ScaledSolution& out) {
  const Index p = equations.n_features;
  const Index t = equations.n_targets;
  out.rss.resize(t);
  for (Index k = 0; k < t; ++k) {
    const Vector b = varying_of(equations, out.coef.data() + k * p);
    out.rss[k] = std::max(0.0, equations.yy[k] - b.dot(2.0 * equations.c.col(k) - equations.A * b));
    if (!equations.fit_intercept) continue;
    const DoubleDouble a =
        intercept_at(out.mean, p, k, out.coef.data() + k * p, out.coef.data() + (t + k) * p);
    out.intercept(0, k) = a.hi;
    out.intercept(1, k) = a.lo;
  }
}

/// solve_independent() where moments alone tell dependence: noise in A counts as nothing.
void solve_to_minimum_norm(const MomentsView& moments, const ScaledEquations& equations,
                           int n_threads, ScaledSolution& out) {
  const Index p = equations.n_features;
  const Index l = equations.n_varying();
  const double noise =
      16 * unit_roundoff * out.inflation * static_cast<double>(std::max<Index>(l, 8));
  const ColumnChoice choice =
      solve_independent(equations, Vector::Constant(l, noise), n_threads, out);
  const NullSpace null_space(p, directions_of(equations, choice), in_units(moments, out.scale));
  for (Index k = 0; k < equations.n_targets; ++k)
    null_space.take_out(out.coef.data() + k * p, out.coef.data() + (equations.n_targets + k) * p);
}

}  // namespace

ScaledSolution solve_normal_equations(const MomentsView& moments, bool fit_intercept,
                                      const double* penalty, bool truncate, bool with_errors,
                                      int n_threads, bool with_condition) {
  const ScaledEquations equations = scaled_equations(moments, fit_intercept, penalty);
  ScaledSolution out = begin(equations);
  if (!solve_by_cholesky(equations, n_threads, with_condition, out)) {
    if (truncate) {
      solve_to_minimum_norm(moments, equations, n_threads, out);
    } else {
      solve_shifted(equations, n_threads, out);
    }
  }
  complete(equations, out);
  if (!with_errors) return out;
  if (equations.n_varying() == equations.n_features) {
    estimate_errors(equations, out.root, n_threads, out);
    return out;
  }
  RowMatrix root(equations.n_varying(), out.root.cols());
  for (Index i = 0; i < equations.n_varying(); ++i)
    root.row(i) = out.root.row(equations.varying[static_cast<std::size_t>(i)]);
  estimate_errors(equations, root, n_threads, out);
  return out;
}

IndependentSolution solve_on_independent_columns(const MomentsView& moments, bool fit_intercept,
                                                 const Vector& threshold, int n_threads) {
  const ScaledEquations equations = scaled_equations(moments, fit_intercept, nullptr);
  IndependentSolution out{begin(equations), {}, {}};
  const ColumnChoice choice = solve_independent(equations, varying_of(equations, threshold.data()),
                                                n_threads, out.solution);
  out.directions = directions_of(equations, choice);
  for (const Index k : choice.others)
    out.others.push_back(equations.varying[static_cast<std::size_t>(k)]);
  complete(equations, out.solution);
  return out;
}

}  // namespace fastlr
