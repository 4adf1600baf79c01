// Cholesky's factor, triangular inverses and products: small ones here, larger ones in register tiles,
// which threads share.
#include <Eigen/Cholesky>
#include <algorithm>

#include "fastlr/algebra/dense.hpp"
#include "fastlr/products/dense_products.hpp"
#include "fastlr/products/triangles.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr Index few = 128;        // columns of a matrix that Eigen factors
constexpr Index one_by_one = 32;  // columns of a triangle inverted column by column

/// Whether all that is not zero lies on or above the diagonal.
bool is_upper(const Eigen::Ref<const RowMatrix>& K) {
  for (Index i = 1; i < K.rows(); ++i)
    if ((K.row(i).head(std::min(i, K.cols())).array() != 0.0).any()) return false;
  return true;
}

}  // namespace

bool factor_cholesky(Eigen::Ref<Matrix> A, int n_threads, PackedTriangle* keep) {
  PackedTriangle own;
  if (A.rows() > few) return factor_in_tiles(A, n_threads, keep != nullptr ? *keep : own);
  const Eigen::LLT<Eigen::Ref<Matrix>> factor(A);
  return factor.info() == Eigen::Success;
}

void invert_lower(Eigen::Ref<Matrix> L, int n_threads, PackedTriangle* packed) {
  const Index n = L.rows();
  PackedTriangle own;
  if (n > one_by_one) return invert_in_tiles(L, n_threads, packed != nullptr ? *packed : own);
  for (Index j = 0; j < n; ++j) {  // column j of the inverse, from the columns of L to its right
    L(j, j) = 1.0 / L(j, j);
    for (Index i = j + 1; i < n; ++i) {
      double sum = 0.0;
      for (Index k = j; k < i; ++k) sum += L(i, k) * L(k, j);
      L(i, j) = -sum / L(i, i);
    }
  }
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
