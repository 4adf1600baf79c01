// What a dense layer multiplies: outputs of rows, what comes back to its inputs, and the gradient of
// its weights. Weights are packed into panels of a few registers' width once for each batch.
#pragma once

#include <vector>

#include "fastlr/matrices.hpp"
#include "fastlr/networks/layers.hpp"
#include "fastlr/networks/tile.hpp"

namespace fastlr {

template <class Scalar>
using AlignedVector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

/// Rows of n_columns values, whole registers apart. The room of a row's last register belongs to it.
template <class Scalar>
struct Block {
  Scalar* data = nullptr;
  Index stride = 0;

  Scalar* row(Index i) const { return data + i * stride; }
};

/// Values from one row to the next of a block of so many columns: whole registers, and no multiple of
/// what the first cache repeats itself with.
template <class Scalar>
Index stride_of(Index n_columns);

/// Rows that tiles may touch behind the last one: they hold anything.
constexpr Index rows_beyond = 8;

/// A matrix (n_rows, n_columns) as panels of columns, one behind the other; each holds all rows of its
/// columns, zero beyond the last one.
template <class Scalar>
class Panels {
 public:
  Panels(Index n_rows, Index n_columns);

  Index count() const { return count_; }
  Index first_column(Index panel) const { return first_[static_cast<std::size_t>(panel)]; }
  /// Values of a row.
  Index width(Index panel) const { return first_column(panel + 1) - first_column(panel); }
  const Scalar* panel(Index k) const { return values_.data() + first_column(k) * n_rows_; }

  /// Sets the panel to columns of the matrix whose element (i, j) is from[i * row + j * column].
  void pack(Index panel, const double* from, Index row, Index column);

 private:
  Index n_rows_;
  Index n_columns_;
  Index vectors_;  // of all
  Index count_;
  std::vector<Index> first_;  // columns, and the one behind the last
  AlignedVector<Scalar> values_;
};

/// out = in M for n rows, ended as it says: `start` has whole panels, and the gate is a block of its
/// own with the stride of `out`.
template <class Scalar>
void multiply_rows(Index n, Index n_inputs, const Block<const Scalar>& in, const Panels<Scalar>& M,
                   const Ending<Scalar>& ending, const Block<Scalar>& out);

/// Layers of so few outputs go other ways, along their inputs: registers of outputs would be empty.
template <class Scalar>
bool is_narrow(Index n_outputs);

/// The weights of a narrow layer, output by output, zero beyond the last input.
template <class Scalar>
class NarrowWeights {
 public:
  NarrowWeights(Index n_inputs, Index n_outputs);

  /// From weights (n_inputs, n_outputs), row by row.
  void pack(const double* weights);

  /// out[i, j] = bias[j] + sum_k in[i, k] w[k, j] for n rows.
  void multiply(Index n, const Block<const Scalar>& in, const Scalar* bias,
                const Block<Scalar>& out) const;

  /// out[i, k] *= sum_j delta[i, j] w[k, j] for n rows; or, as a gate, the sum itself where out is
  /// positive, 0 elsewhere.
  void scale(Index n, const Block<const Scalar>& delta, bool gates, const Block<Scalar>& out) const;

  /// Of one output: gradient[k] += sum_i out[i, k] delta[i] for n rows, and then scale() as a gate.
  void add_and_gate(Index n, const Block<const Scalar>& delta, const Block<Scalar>& out,
                    double* gradient) const;

 private:
  Index n_inputs_;
  Index n_outputs_;
  Index stride_;
  AlignedVector<Scalar> values_;
};

/// gradient[k, j] += sum_i in[i, k] delta[i, j] of a narrow layer.
template <class Scalar>
void add_narrow_gradient(Index n, Index n_inputs, const Block<const Scalar>& in,
                         const Block<const Scalar>& delta, Index n_outputs, double* gradient);

/// gradient[k, j] += sum_i in[i, k] delta[i, j] for k in [first, last), rows i in order, some at a time;
/// and bias[j] += sum_i delta[i, j] unless `bias` is nullptr.
template <class Scalar>
void add_weight_gradient(Index n, const Block<const Scalar>& in, const Block<const Scalar>& delta,
                         Index n_outputs, Index first, Index last, double* gradient, double* bias);

}  // namespace fastlr
