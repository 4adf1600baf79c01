// Where the normal equations are too ill-conditioned to be factored: cross-products of W = Z K
// instead of Z, with K from a shifted Cholesky factor. W is nearly orthonormal after one to three
// passes, R = chol(W'W) K^-1 is the factor of Z's QR decomposition, and Q = W is never stored
// (Fukaya, Kannan, Nakatsukasa, Yamamoto and Yanagisawa 2020, shifted CholeskyQR3; Cholesky QR
// itself: Golub and Van Loan 5.2).
#pragma once

#include "fastlr/algebra/scaled_equations.hpp"
#include "fastlr/matrices.hpp"

namespace fastlr {

/// The basis so far, in scaled columns: K = R^-1, both upper triangular over the varying columns.
struct TriangularBasis {
  RowMatrix K;     // (p, p); rows and columns of columns that do not vary are 0
  RowMatrix R;     // (p, p) likewise
  RowMatrix coef;  // (t, p) of the least-squares solution in scaled columns, from the last pass
  bool is_orthonormal = false;
};

/// A + shift I = L L', and the reciprocal condition of it.
struct ShiftedFactor {
  Matrix L;  // lower triangular, zero above
  double reciprocal_condition = 0.0;
};

/// The shift begins at `shift` and grows tenfold (from 16 u trace A) until it is enough, at most 20
/// times. Of what is not finite, or has no positive trace, the factor is I and the condition 0.
ShiftedFactor shifted_factor(const Matrix& A, double shift, int n_threads);

/// R = chol(A + shift I), the shift growing from p u until it succeeds; nothing is known of the
/// solution yet.
TriangularBasis first_basis(const MomentsView& moments, bool fit_intercept, int n_threads);

/// After a pass over W = Z K (moments: those of (W | y)): R := chol(W'W + shift I) R, the shift 0
/// once W is nearly orthonormal (reciprocal condition of W'W above 1e-10): then is_orthonormal is
/// set, and another pass would not help.
TriangularBasis next_basis(Eigen::Map<const RowMatrix> K, Eigen::Map<const RowMatrix> R,
                           const MomentsView& moments, bool fit_intercept, int n_threads);

}  // namespace fastlr
