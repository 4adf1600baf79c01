// Cholesky's factor, triangular inverses and products, by halves: nearly all flops are products of
// large blocks, which threads share. What is left are small triangles: Eigen factors them, and they
// are divided by in registers.
#include <Eigen/Cholesky>
#include <algorithm>

#include "fastlr/algebra/dense.hpp"
#include "fastlr/products/triangular_quotients.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr Index few = 128;        // columns of a triangle that Eigen factors
constexpr Index one_by_one = 32;  // columns of a triangle inverted column by column
static_assert(few <= largest_triangle);

/// The first of two nearly equal parts, of whole tiles.
Index half_of(Index n) { return round_up(n / 2, 24); }

using Block = Eigen::Ref<Matrix>;
using ConstBlock = Eigen::Ref<const Matrix>;

/// C -= A B
void subtract_product(Block C, const Operand& A, const Operand& B, int n_threads) {
  add_product(C, Part::all, A, B, -1.0, n_threads);
}

/// B := B L'^-1
void divide_by_transposed(const ConstBlock& L, Block B, int n_threads) {
  const Index n = L.rows();
  give_turn();
  if (n <= few)
    return divide_by_triangle({B.data(), B.rows(), 1, B.outerStride()}, operand(L), n_threads);
  const Index k = half_of(n);
  divide_by_transposed(L.topLeftCorner(k, k), B.leftCols(k), n_threads);
  subtract_product(B.rightCols(n - k), operand(B.leftCols(k)),
                   operand(L.bottomLeftCorner(n - k, k)).transposed(), n_threads);
  divide_by_transposed(L.bottomRightCorner(n - k, n - k), B.rightCols(n - k), n_threads);
}

/// B := B L^-1
void divide_by(const ConstBlock& L, Block B, int n_threads) {
  const Index n = L.rows();
  give_turn();
  if (n <= few) {
    // Columns and rows in reverse make L' a lower triangle.
    const Index stride = L.outerStride();
    const Operand reversed{L.data() + (n - 1) * (stride + 1), n, n, -stride, -1};
    return divide_by_triangle({B.data() + (n - 1) * B.outerStride(), B.rows(), 1, -B.outerStride()},
                              reversed, n_threads);
  }
  const Index k = half_of(n);
  divide_by(L.bottomRightCorner(n - k, n - k), B.rightCols(n - k), n_threads);
  subtract_product(B.leftCols(k), operand(B.rightCols(n - k)),
                   operand(L.bottomLeftCorner(n - k, k)), n_threads);
  divide_by(L.topLeftCorner(k, k), B.leftCols(k), n_threads);
}

/// B := L^-1 B
void solve(const ConstBlock& L, Block B, int n_threads) {
  const Index n = L.rows();
  give_turn();
  if (n <= few)
    return divide_by_triangle({B.data(), B.cols(), B.outerStride(), 1}, operand(L), n_threads);
  const Index k = half_of(n);
  solve(L.topLeftCorner(k, k), B.topRows(k), n_threads);
  subtract_product(B.bottomRows(n - k), operand(L.bottomLeftCorner(n - k, k)),
                   operand(B.topRows(k)), n_threads);
  solve(L.bottomRightCorner(n - k, n - k), B.bottomRows(n - k), n_threads);
}

/// Whether all that is not zero lies on or above the diagonal.
bool is_upper(const Eigen::Ref<const RowMatrix>& K) {
  for (Index i = 1; i < K.rows(); ++i)
    if ((K.row(i).head(std::min(i, K.cols())).array() != 0.0).any()) return false;
  return true;
}

}  // namespace

bool factor_cholesky(Eigen::Ref<Matrix> A, int n_threads) {
  const Index n = A.rows();
  if (n <= few) {
    const Eigen::LLT<Eigen::Ref<Matrix>> factor(A);
    return factor.info() == Eigen::Success;
  }
  const Index k = half_of(n);
  if (!factor_cholesky(A.topLeftCorner(k, k), n_threads)) return false;
  auto L = A.bottomLeftCorner(n - k, k);
  divide_by_transposed(A.topLeftCorner(k, k), L, n_threads);
  add_square(A.bottomRightCorner(n - k, n - k), L, -1.0, n_threads);
  return factor_cholesky(A.bottomRightCorner(n - k, n - k), n_threads);
}

void invert_lower(Eigen::Ref<Matrix> L, int n_threads) {
  const Index n = L.rows();
  if (n <= one_by_one) {
    for (Index j = 0; j < n; ++j) {  // column j of the inverse, from the columns of L to its right
      L(j, j) = 1.0 / L(j, j);
      for (Index i = j + 1; i < n; ++i) {
        double sum = 0.0;
        for (Index k = j; k < i; ++k) sum += L(i, k) * L(k, j);
        L(i, j) = -sum / L(i, i);
      }
    }
    return;
  }
  const Index k = half_of(n);
  auto upper = L.topLeftCorner(k, k);
  auto lower = L.bottomRightCorner(n - k, n - k);
  auto corner = L.bottomLeftCorner(n - k, k);
  solve(lower, corner, n_threads);
  divide_by(upper, corner, n_threads);
  corner *= -1.0;
  invert_lower(upper, n_threads);
  invert_lower(lower, n_threads);
}

void add_square(Eigen::Ref<Matrix> C, const Eigen::Ref<const Matrix>& L, double factor,
                int n_threads) {
  if (L.cols() == 0) return;
  if (C.rows() <= few) {
    C.selfadjointView<Eigen::Lower>().rankUpdate(L, factor);
    return;
  }
  add_product(C, Part::lower, operand(L), operand(L).transposed(), factor, n_threads);
}

Matrix multiply_by_magnitudes(const Eigen::Ref<const RowMatrix>& K,
                              const Eigen::Ref<const Matrix>& V, int n_threads) {
  const Index n = K.rows();
  Matrix square = Matrix::Zero(n, n);
  if (n <= few) {
    add_square(square, Matrix(K), 1.0, n_threads);
  } else {
    const Operand root{K.data(),        n, K.cols(),
                       K.outerStride(), 1, is_upper(K) ? Part::upper : Part::all};
    add_product(square, Part::lower, root, root.transposed(), 1.0, n_threads);
  }
  give_turn();
  square = square.cwiseAbs();
  Matrix product(n, V.cols());
  for (Index j = 0; j < V.cols(); ++j)
    product.col(j) = square.selfadjointView<Eigen::Lower>() * V.col(j);
  return product;
}

Matrix multiply_upper(const Eigen::Ref<const Matrix>& A, const Eigen::Ref<const Matrix>& B,
                      int n_threads) {
  Matrix product = Matrix::Zero(A.rows(), B.cols());
  add_product(product, Part::all, operand(A, Part::upper), operand(B), 1.0, n_threads);
  return product;
}

Matrix multiply_by_upper(const Eigen::Ref<const Matrix>& A, const Eigen::Ref<const Matrix>& B,
                         int n_threads) {
  Matrix product = Matrix::Zero(A.rows(), B.cols());
  add_product(product, Part::all, operand(A), operand(B, Part::upper), 1.0, n_threads);
  return product;
}

}  // namespace fastlr
