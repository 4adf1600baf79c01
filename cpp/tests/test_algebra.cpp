// Dense algebra of a level, and solutions of smallest norm, against plain loops in long double.
// Values are whole numbers wherever that makes everything exact.
#include <algorithm>
#include <cmath>
#include <vector>

#include "check.hpp"
#include "fastlr/algebra/dense.hpp"
#include "fastlr/algebra/minimum_norm.hpp"
#include "levels.hpp"
#include "tables.hpp"

namespace fastlr {
namespace {

// Triangles that Eigen factors, of one panel and of several blocks, and what is just beyond them.
const std::vector<Index> sizes{1, 2, 7, 33, 64, 65, 128, 129, 300};

Matrix whole_matrix(Index n, Index k, std::uint64_t seed) {
  const Doubles values = whole_numbers(n * k, seed);
  return Eigen::Map<const Matrix>(values.data(), n, k);
}

Matrix upper_matrix(Index n, std::uint64_t seed) {
  return whole_matrix(n, n, seed).triangularView<Eigen::Upper>();
}

/// A B, exact for whole numbers.
Matrix product_of(const Matrix& A, const Matrix& B) {
  Matrix product(A.rows(), B.cols());
  for (Index i = 0; i < A.rows(); ++i)
    for (Index j = 0; j < B.cols(); ++j) {
      long double sum = 0.0L;
      for (Index k = 0; k < A.cols(); ++k) sum += static_cast<long double>(A(i, k)) * B(k, j);
      product(i, j) = static_cast<double>(sum);
    }
  return product;
}

/// Ones on the diagonal of L, and little beside it: L and its inverse are well conditioned.
Matrix lower_matrix(Index n) {
  Matrix L = whole_matrix(n, n, 7) / (16.0 * static_cast<double>(n));
  L.diagonal().setOnes();
  return L.triangularView<Eigen::Lower>();
}

void products_of_triangles_are_exact() {
  for (const Index n : sizes)
    for (const Index k : {Index{1}, Index{5}, Index{140}}) {
      const Matrix U = upper_matrix(n, 1);
      const Matrix B = whole_matrix(n, k, 2);
      const Matrix C = B.transpose();
      for (const int threads : {1, n_threads}) {
        CHECK(multiply_upper(U, B, threads) == product_of(U, B));
        CHECK(multiply_by_upper(C, U, threads) == product_of(C, U));
      }
    }
}

void products_with_vectors_are_exact() {
  for (const Index n : sizes)
    for (const Index k : {Index{1}, Index{3}, Index{140}}) {
      const Matrix A = whole_matrix(n, k, 3);
      const Matrix v = whole_matrix(k, 1, 4);
      const Matrix w = whole_matrix(n, 1, 5);
      Vector out = Vector::Constant(n, -99.0);  // is overwritten
      multiply_vector(A, v.col(0), out);
      CHECK(out == product_of(A, v));
      Vector transposed = Vector::Constant(k, -99.0);
      multiply_transposed(A, w.col(0), transposed);
      CHECK(transposed == product_of(A.transpose(), w));
    }
}

void squares_are_added_to_the_lower_triangle() {
  for (const Index n : sizes)
    for (const Index k : {Index{0}, Index{1}, Index{9}, Index{300}}) {
      const Matrix L = whole_matrix(n, k, 6);
      const Matrix before = whole_matrix(n, n, 7);
      const Matrix square = k > 0 ? product_of(L, L.transpose()) : Matrix::Zero(n, n);
      for (const double factor : {1.0, -1.0, 0.5}) {
        Matrix C = before;
        add_square(C, L, factor, n_threads);
        const Matrix difference = C - before - factor * square;
        CHECK((difference.triangularView<Eigen::Lower>().toDenseMatrix().array() == 0.0).all());
      }
    }
}

void magnitudes_of_squares_are_multiplied() {
  for (const Index n : sizes)
    for (const bool is_triangle : {false, true}) {
      const Matrix K = is_triangle ? upper_matrix(n, 8) : whole_matrix(n, n / 2 + 1, 8);
      const Matrix V = whole_matrix(n, 3, 9);
      const Matrix square = product_of(K, K.transpose()).cwiseAbs();
      CHECK(multiply_by_magnitudes(RowMatrix(K), V, n_threads) == product_of(square, V));
    }
}

void norms_are_the_largest_sum_of_a_column() {
  for (const Index n : sizes) {
    const Matrix A = whole_matrix(n, n, 10);  // what is above the diagonal is not read
    double largest = 0.0;
    for (Index j = 0; j < n; ++j) {
      double sum = 0.0;
      for (Index i = 0; i < n; ++i) sum += std::abs(A(std::max(i, j), std::min(i, j)));
      largest = std::max(largest, sum);
    }
    CHECK(symmetric_norm(A) == largest);
  }
  CHECK(symmetric_norm(Matrix(0, 0)) == 0.0);
}

void factors_and_inverses_are_right_to_rounding() {
  for (const Index n : sizes) {
    const Matrix L = lower_matrix(n);
    const Matrix A = product_of(L, L.transpose());
    Matrix factor = A.triangularView<Eigen::Lower>();
    factor.triangularView<Eigen::StrictlyUpper>().setConstant(77.0);  // is left alone
    CHECK(factor_cholesky(factor, n_threads));
    for (Index j = 0; j < n; ++j)
      for (Index i = 0; i < n; ++i)
        CHECK(i < j ? factor(i, j) == 77.0 : std::abs(factor(i, j) - L(i, j)) <= 1e-14);
    Matrix inverse = L;
    invert_lower(inverse, n_threads);
    CHECK((product_of(L, inverse) - Matrix::Identity(n, n)).cwiseAbs().maxCoeff() <= 1e-14);
    PackedTriangle packed;
    Matrix kept = A;
    CHECK(factor_cholesky(kept, 1, &packed));
    CHECK(kept.triangularView<Eigen::Lower>().toDenseMatrix() ==
          factor.triangularView<Eigen::Lower>().toDenseMatrix());
    inverse = kept;
    invert_lower(inverse, n_threads);
    invert_lower(kept, 1, &packed);
    CHECK((inverse - kept).cwiseAbs().maxCoeff() <= 1e-15);
    Matrix indefinite = A;
    indefinite(n - 1, n - 1) = -1.0;
    CHECK(!factor_cholesky(indefinite, n_threads));
  }
}

void products_with_single_triangles_are_right_to_single_rounding() {
  constexpr Index at_once = single_triangle::rows_at_once;
  for (const Index n : sizes) {
    const Matrix T = lower_matrix(n);
    std::vector<float> rows;
    for (Index first = 0; first < n; first += at_once)
      for (Index i = first; i < first + at_once; ++i)
        for (Index j = 0; j < single_triangle::length_of_rows(first); ++j)
          rows.push_back(i < n && j <= i ? static_cast<float>(T(i, j)) : 0.0F);
    Eigen::VectorXf v = Eigen::VectorXf::Zero(single_triangle::length_of_vectors(n));
    v.head(n) = whole_matrix(n, 1, 12).cast<float>();
    Eigen::VectorXf out(v.size());
    for (const bool squared : {true, false}) {
      multiply_single_triangle(rows.data(), n, squared, v.data(), out.data());
      const Matrix S = squared ? Matrix(T.transpose() * T) : Matrix(T + T.transpose());
      const Vector right = S * v.head(n).cast<double>();
      const double rounding = 1e-6 * (1.0 + v.norm()) * S.norm();
      CHECK((out.head(n).cast<double>() - right).cwiseAbs().maxCoeff() <= rounding);
    }
  }
}

void the_condition_number_is_estimated_from_below() {
  for (const Index n : sizes) {
    const Matrix L = lower_matrix(n);
    Matrix K = L;
    invert_lower(K, 1);
    const double norm = symmetric_norm(product_of(L, L.transpose()));
    const double exact = 1.0 / (norm * symmetric_norm(product_of(K.transpose(), K)));
    const double estimate = reciprocal_condition(L, norm);
    CHECK(estimate >= exact * (1.0 - 1e-12));
    CHECK(estimate <= 3.0 * exact);
  }
  CHECK(reciprocal_condition(Matrix(0, 0), 0.0) == 1.0);
}

void reflections_keep_the_products_of_columns() {
  for (const Index k : {1, 2, 8, 31, 32, 33, 70})
    for (const Index n : {k, k + 1, 2 * k + 50}) {
      const Matrix A = whole_matrix(n, k, 11);
      const Matrix R = upper_factor(A);
      CHECK(R.rows() == k);
      CHECK(R.cols() == k);
      const Matrix want = product_of(A.transpose(), A);
      const Matrix got = product_of(R.transpose(), R);
      for (Index j = 0; j < k; ++j)
        for (Index i = 0; i < k; ++i) {
          CHECK(i <= j || R(i, j) == 0.0);
          CHECK(std::abs(got(i, j) - want(i, j)) <= 1e-13 * std::sqrt(want(i, i) * want(j, j)));
        }
    }
  CHECK(upper_factor(Matrix::Zero(5, 2)) == Matrix::Zero(2, 2));
}

void products_are_subtracted_to_twice_the_precision() {
  constexpr Index l = 5;
  constexpr Index n = 40;
  constexpr Index j = 3;
  const Doubles hi = whole_numbers(l * n, 12);
  const Doubles lo = whole_numbers(l * n, 13);
  std::vector<DoubleDouble> L;
  // Parts that are 2^60 apart, each a whole number of its own unit: their sums are exact.
  for (Index i = 0; i < l * n; ++i) L.push_back({at(hi, i), std::ldexp(at(lo, i), -60)});
  std::vector<DoubleDouble> sums(l, DoubleDouble{1.0, 0.0});
  subtract_products(l, n, L.data(), j, sums.data());
  for (Index i = 0; i < l; ++i) {
    double of_hi = 1.0;
    double of_lo = 0.0;
    for (Index k = 0; k < n; ++k) {
      of_hi -= at(hi, k * l + i) * at(hi, k * l + j);
      of_lo -= at(hi, k * l + i) * at(lo, k * l + j) + at(lo, k * l + i) * at(hi, k * l + j);
    }
    const DoubleDouble sum = sums[static_cast<std::size_t>(i)];
    CHECK((sum.hi - of_hi) + sum.lo == std::ldexp(of_lo, -60));
  }
}

/// Directions, the scales of their columns, and coefficients on them.
struct Undetermined {
  static constexpr Index p = 6;
  static constexpr Index k = 2;
  RowMatrix directions = RowMatrix::Zero(2, k* p);  // in scaled columns; the second row: low parts
  Vector scale = Vector::Ones(p);

  Undetermined() {
    directions.row(0) << 1, 1, -1, 0, 0, 0, 2, 0, 0, 1, -3, 1;
    scale << 1.0, 0.5, 4.0, 0.25, 1.0, 2.0;
  }

  long double direction(Index i, Index j) const { return directions(0, i * p + j); }

  /// The smallest of |D (b - shares of directions)|, by elimination.
  std::vector<long double> shortest(const std::vector<long double>& b) const {
    long double square[k][k] = {};
    long double along[k] = {};
    for (Index j = 0; j < p; ++j) {
      const long double weight = static_cast<long double>(scale[j]) * scale[j];
      for (Index a = 0; a < k; ++a) {
        along[a] += weight * direction(a, j) * b[static_cast<std::size_t>(j)];
        for (Index c = 0; c < k; ++c) square[a][c] += weight * direction(a, j) * direction(c, j);
      }
    }
    const long double determinant = square[0][0] * square[1][1] - square[0][1] * square[1][0];
    const long double share[k] = {
        (along[0] * square[1][1] - along[1] * square[0][1]) / determinant,
        (along[1] * square[0][0] - along[0] * square[1][0]) / determinant};
    std::vector<long double> out = b;
    for (Index j = 0; j < p; ++j)
      for (Index a = 0; a < k; ++a) out[static_cast<std::size_t>(j)] -= share[a] * direction(a, j);
    return out;
  }
};

void solutions_of_smallest_norm_are_found() {
  constexpr Index p = Undetermined::p;
  constexpr Index t = 2;
  const Undetermined problem;
  const NullSpace null_space(p, problem.directions, problem.scale);
  for (const bool fit_intercept : {false, true}) {
    Doubles b = whole_numbers(2 * t * p, 14);
    for (Index i = t * p; i < 2 * t * p; ++i) at(b, i) = 0.0;  // low parts
    const Doubles before = b;
    Doubles a{3.0, -5.0, 0.0, 0.0};
    RowMatrix mean = RowMatrix::Zero(2, p + t);
    mean.row(0) << 1, -2, 3, 5, -7, 11, 0, 0;
    const RowMatrix error = move_to_minimum_norm(null_space, RowMatrix::Zero(Undetermined::k, p),
                                                 mean, fit_intercept, t, b.data(), a.data());
    CHECK(error.rows() == t);
    CHECK(error.cols() == p);
    CHECK(error.maxCoeff() <= 1e-14);
    for (Index target = 0; target < t; ++target) {
      std::vector<long double> start;
      for (Index j = 0; j < p; ++j) start.push_back(at(before, target * p + j));
      const std::vector<long double> want = problem.shortest(start);
      long double constant = at(Doubles{3.0, -5.0}, target);
      for (Index j = 0; j < p; ++j) {
        const long double got =
            static_cast<long double>(at(b, target * p + j)) + at(b, (t + target) * p + j);
        CHECK(std::abs(got - want[static_cast<std::size_t>(j)]) <= 1e-17L);
        constant -=
            mean(0, j) * (want[static_cast<std::size_t>(j)] - start[static_cast<std::size_t>(j)]);
      }
      if (!fit_intercept) constant = at(Doubles{3.0, -5.0}, target);
      CHECK(std::abs(static_cast<long double>(at(a, target)) + at(a, t + target) - constant) <=
            1e-16L);
    }
  }
}

}  // namespace
}  // namespace fastlr

int main(int n_arguments, char** arguments) {
  using namespace fastlr;
  return on_every_level(
      n_arguments, arguments,
      {products_of_triangles_are_exact, products_with_vectors_are_exact,
       squares_are_added_to_the_lower_triangle, magnitudes_of_squares_are_multiplied,
       norms_are_the_largest_sum_of_a_column, factors_and_inverses_are_right_to_rounding,
       products_with_single_triangles_are_right_to_single_rounding,
       the_condition_number_is_estimated_from_below, reflections_keep_the_products_of_columns,
       products_are_subtracted_to_twice_the_precision, solutions_of_smallest_norm_are_found});
}
