// C += factor A B for matrices that lie in memory: the threads share the blocks of C, which go
// through the register tiles of the cross-products.
#pragma once

#include "fastlr/matrices.hpp"

namespace fastlr {

/// Of an operand: what is read of it, the rest counting as zero. Of C: what is changed.
enum class Part { all, lower, upper };

/// Element (i, j) is data[i * down + j * across]; one of the steps is 1.
struct Operand {
  const double* data;
  Index n_rows;
  Index n_columns;
  Index down;
  Index across;
  Part part = Part::all;

  Operand transposed() const {
    const Part flipped = part == Part::lower   ? Part::upper
                         : part == Part::upper ? Part::lower
                                               : Part::all;
    return {data, n_columns, n_rows, across, down, flipped};
  }
};

/// A matrix that lies column by column.
Operand operand(const Eigen::Ref<const Eigen::MatrixXd>& A, Part part = Part::all);

/// C += factor A B, of C everything or, if it is square, what lies on and below the diagonal. A
/// triangular operand saves the products with its zeros. Every element is summed in an order that
/// depends on nothing but the sizes. Gives turns.
void add_product(Eigen::Ref<Eigen::MatrixXd> C, Part of_C, const Operand& A, const Operand& B,
                 double factor, int n_threads);

}  // namespace fastlr
