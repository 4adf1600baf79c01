// Cholesky's factor and triangular inverses in the register tiles of the cross-products: rows that are
// known already lie packed in deep panels, of which a tile takes all products at once, so that nothing
// is added to in memory.
#pragma once

#include <optional>

#include "fastlr/large_zeros.hpp"
#include "fastlr/matrices.hpp"

namespace fastlr {

/// A factor as tiles read it, for whoever wants its inverse as well.
struct PackedTriangle {
  std::optional<LargeZeros> rows;
  Eigen::VectorXd reciprocal;  // of the diagonal
};

/// A = L L': the lower triangle of A is read and becomes L, what is above it is left alone. False if A
/// is not positive definite; A is spoilt then. Threads share the work and change no bit. Gives turns.
bool factor_in_tiles(Eigen::Ref<Eigen::MatrixXd> A, int n_threads, PackedTriangle& packed);

/// L := L^-1 for a lower triangular L, in place; what is above the diagonal is left alone. `packed` may
/// hold L already. Threads share the work and change no bit. Gives turns.
void invert_in_tiles(Eigen::Ref<Eigen::MatrixXd> L, int n_threads, PackedTriangle& packed);

}  // namespace fastlr
