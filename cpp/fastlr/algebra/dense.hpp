// Dense algebra of p^3 flops, in steps that are short enough to give turns between them. Threads
// share the steps, and never change a bit.
#pragma once

#include "fastlr/matrices.hpp"
#include "fastlr/products/triangles.hpp"
#include "fastlr/registers/double_double.hpp"

namespace fastlr {

using Matrix = Eigen::MatrixXd;

/// A = L L': the lower triangle of A is read and becomes L, what is above it is left alone. False
/// if A is not positive definite; A is spoilt then. n^3 / 3 flops. Where it is packed, it stays in `keep`.
bool factor_cholesky(Eigen::Ref<Matrix> A, int n_threads, PackedTriangle* keep = nullptr);

/// Estimated reciprocal condition number of A = L L' in the 1-norm, whose norm is given (Higham
/// 2002, algorithm 15.1): some 10 n^2 flops.
double reciprocal_condition(const Eigen::Ref<const Matrix>& L, double norm);

/// The 1-norm of a symmetric matrix, of which the lower triangle is read.
double symmetric_norm(const Eigen::Ref<const Matrix>& A);

/// L := L^-1 for a lower triangular L, in place: n^3 / 3 flops. `packed`: what factor_cholesky() kept of it.
void invert_lower(Eigen::Ref<Matrix> L, int n_threads, PackedTriangle* packed = nullptr);

/// A B for an upper triangular A.
Matrix multiply_upper(const Eigen::Ref<const Matrix>& A, const Eigen::Ref<const Matrix>& B,
                      int n_threads);

/// A B for an upper triangular B.
Matrix multiply_by_upper(const Eigen::Ref<const Matrix>& A, const Eigen::Ref<const Matrix>& B,
                         int n_threads);

/// out = A v.
void multiply_vector(const Eigen::Ref<const Matrix>& A, const Eigen::Ref<const Vector>& v,
                     Eigen::Ref<Vector> out);

/// out = A' v.
void multiply_transposed(const Eigen::Ref<const Matrix>& A, const Eigen::Ref<const Vector>& v,
                         Eigen::Ref<Vector> out);

/// A lower triangle in single precision, four rows at a time: each of the four is as long as the last of
/// them, and somewhat longer, zeros behind its end. Vectors have as many values as the last rows.
namespace single_triangle {
constexpr Index rows_at_once = 4;
constexpr Index length_of_rows(Index first) { return round_up(first + rows_at_once, 16); }
constexpr Index length_of_vectors(Index n) {
  return length_of_rows(round_up(n, rows_at_once) - rows_at_once);
}
}  // namespace single_triangle

/// out = T'T v, or (T + T') v if not `squared`, for such a triangle T of n rows, which is read once.
void multiply_single_triangle(const float* rows, Index n, bool squared, const float* v, float* out);

/// C += factor L L' for C (n, n), of which the lower triangle is read and changed; L: (n, k).
void add_square(Eigen::Ref<Matrix> C, const Eigen::Ref<const Matrix>& L, double factor,
                int n_threads);

/// |K K'| V for K (n, k), elementwise magnitudes: n^2 k flops, a third of them if K is upper
/// triangular.
Matrix multiply_by_magnitudes(const Eigen::Ref<const RowMatrix>& K,
                              const Eigen::Ref<const Matrix>& V, int n_threads);

/// sums_i -= sum_k L_ki L_kj for k < n_rows, in double-double. L: rows of l numbers, one after the
/// other; sums: (l).
void subtract_products(Index l, Index n_rows, const DoubleDouble* L, Index j, DoubleDouble* sums);

/// R of A = Q R for A (n, k), n >= k, by Householder's method: 2 n k^2 flops.
Matrix upper_factor(Matrix A);

}  // namespace fastlr
