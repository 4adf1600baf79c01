#include "fastlr/networks/layer_products.hpp"

#include <algorithm>

#include "fastlr/networks/tile.hpp"

namespace fastlr {
namespace {

/// Rows that a gradient sums up in registers before it is added to what was there.
constexpr Index rows_of_gradient = 256;

Index registers_for(Index n, Index width) { return (n + width - 1) / width; }

}  // namespace

template <class Scalar>
Index stride_of(Index n_columns) {
  constexpr Index line = 64 / Index{sizeof(Scalar)};
  const Index stride = round_up(n_columns, line);
  return stride % (8 * line) == 0 ? stride + line : stride;
}

template <class Scalar>
Panels<Scalar>::Panels(Index n_rows, Index n_columns)
    : n_rows_(n_rows),
      n_columns_(n_columns),
      vectors_(registers_for(n_columns, lanes_of<Scalar>)),
      width_(0),
      count_((vectors_ + tile_vectors - 1) / tile_vectors) {
  if (count_ == 0) return;
  // Of four registers two and two rather than three and one.
  width_ = (vectors_ + count_ - 1) / count_ * lanes_of<Scalar>;
  count_ = registers_for(vectors_ * lanes_of<Scalar>, width_);
  values_.setZero(count_ * width_ * (n_rows + 16));
}

template <class Scalar>
Index Panels<Scalar>::vectors(Index panel) const {
  return std::min(width_ / lanes_of<Scalar>, vectors_ - panel * width_ / lanes_of<Scalar>);
}

template <class Scalar>
void Panels<Scalar>::pack(Index panel, const double* from, Index row, Index column) {
  const Index first = first_column(panel);
  const Index n = std::min(width_, n_columns_ - first);
  Scalar* out = values_.data() + panel * width_ * n_rows_;
  from += first * column;
  for (Index i = 0; i < n_rows_; ++i, out += width_, from += row) {
    if (column == 1) {
      for (Index j = 0; j < n; ++j) out[j] = static_cast<Scalar>(from[j]);
    } else {
      for (Index j = 0; j < n; ++j) out[j] = static_cast<Scalar>(from[j * column]);
    }
  }
}

template <class Scalar>
void multiply_rows(Index n, Index n_inputs, const Block<const Scalar>& in, const Panels<Scalar>& M,
                   const Scalar* start, bool scales, const Block<Scalar>& out) {
  const Into into = scales ? Into::scale : Into::set;
  const Index width = M.count() > 1 ? M.first_column(1) : M.vectors(0) * lanes_of<Scalar>;
  for (Index p = 0; p < M.count(); ++p) {
    const Index j = M.first_column(p);
    const Scalar* const first = start != nullptr ? start + j : nullptr;
    Index i = 0;
    // Up to two rows are taken one by one; more are worth a tile, whatever comes behind them.
    for (; i + 2 < n; i += tile_rows)
      multiply_tile<Scalar, tile_rows, false>(M.vectors(p), n_inputs, in.row(i), in.stride,
                                              M.panel(p), width, first, into, out.row(i) + j,
                                              out.stride);
    for (; i < n; ++i)
      multiply_tile<Scalar, 1, false>(M.vectors(p), n_inputs, in.row(i), in.stride, M.panel(p),
                                      width, first, into, out.row(i) + j, out.stride);
  }
}

template <class Scalar>
void add_weight_gradient(Index n, const Block<const Scalar>& in, const Block<const Scalar>& delta,
                         Index n_outputs, Index first, Index last, double* gradient) {
  constexpr Index width = lanes_of<Scalar>;
  alignas(64) Scalar tile[tile_rows * tile_vectors * width];
  const Index n_vectors = registers_for(n_outputs, width);
  for (Index r = 0; r < n; r += rows_of_gradient) {
    const Index m = std::min(rows_of_gradient, n - r);
    for (Index v = 0; v < n_vectors;) {
      const Index left = n_vectors - v;
      const Index vectors = left == 4 ? 2 : std::min(tile_vectors, left);
      const Index j = v * width;
      const Index columns = std::min(vectors * width, n_outputs - j);
      for (Index k = first; k < last; k += tile_rows) {
        multiply_tile<Scalar, tile_rows, true>(vectors, m, in.row(r) + k, in.stride,
                                               delta.row(r) + j, delta.stride, nullptr, Into::set,
                                               tile, vectors * width);
        const Index rows = std::min(tile_rows, last - k);
        for (Index i = 0; i < rows; ++i) {
          double* const out = gradient + (k + i) * n_outputs + j;
          const Scalar* const sums = tile + i * vectors * width;
          for (Index c = 0; c < columns; ++c) out[c] += static_cast<double>(sums[c]);
        }
      }
      v += vectors;
    }
  }
}

template <class Scalar>
void add_bias_gradient(Index n, const Block<const Scalar>& delta, Index n_outputs,
                       double* gradient) {
  for (Index i = 0; i < n; ++i) {
    const Scalar* const row = delta.row(i);
    for (Index j = 0; j < n_outputs; ++j) gradient[j] += static_cast<double>(row[j]);
  }
}

template <class Scalar>
bool is_narrow(Index n_outputs) {
  return n_outputs <= std::max<Index>(1, lanes_of<Scalar> / 4);
}

template <class Scalar>
NarrowWeights<Scalar>::NarrowWeights(Index n_inputs, Index n_outputs)
    : n_inputs_(n_inputs),
      n_outputs_(n_outputs),
      stride_(round_up(n_inputs, 64)),
      values_(AlignedVector<Scalar>::Zero(stride_ * n_outputs)) {}

template <class Scalar>
void NarrowWeights<Scalar>::pack(const double* weights) {
  for (Index j = 0; j < n_outputs_; ++j)
    for (Index k = 0; k < n_inputs_; ++k)
      values_[j * stride_ + k] = static_cast<Scalar>(weights[k * n_outputs_ + j]);
}

template <class Scalar>
void NarrowWeights<Scalar>::multiply(Index n, const Block<const Scalar>& in, const Scalar* bias,
                                     const Block<Scalar>& out) const {
  using Packet = PacketOf<Scalar>;
  constexpr Index width = lanes_of<Scalar>;
  constexpr Index rows = 4;  // behind the last row there are some that hold anything
  for (Index j = 0; j < n_outputs_; ++j) {
    const Scalar* const w = values_.data() + j * stride_;
    for (Index i = 0; i < n; i += rows) {
      Packet sum[rows];
#pragma GCC unroll 4
      for (Index r = 0; r < rows; ++r) sum[r] = Eigen::internal::pset1<Packet>(Scalar(0));
      for (Index k = 0; k < n_inputs_; k += width) {
        const Packet right = Eigen::internal::pload<Packet>(w + k);
#pragma GCC unroll 4
        for (Index r = 0; r < rows; ++r)
          sum[r] = Eigen::internal::pmadd(Eigen::internal::ploadu<Packet>(in.row(i + r) + k), right,
                                          sum[r]);
      }
#pragma GCC unroll 4
      for (Index r = 0; r < rows; ++r)
        out.row(i + r)[j] = bias[j] + Eigen::internal::predux(sum[r]);
    }
  }
}

template <class Scalar>
void NarrowWeights<Scalar>::scale(Index n, const Block<const Scalar>& delta,
                                  const Block<Scalar>& out) const {
  for (Index i = 0; i < n; ++i) {
    Scalar* __restrict const row = out.row(i);
    const Scalar* __restrict const d = delta.row(i);
    const Scalar* __restrict const w = values_.data();
    if (n_outputs_ == 1) {
      const Scalar first = d[0];
      for (Index k = 0; k < n_inputs_; ++k) row[k] *= first * w[k];
    } else {
      for (Index k = 0; k < n_inputs_; ++k) {
        Scalar sum = 0;
        for (Index j = 0; j < n_outputs_; ++j) sum += d[j] * w[j * stride_ + k];
        row[k] *= sum;
      }
    }
  }
}

template <class Scalar>
void add_narrow_gradient(Index n, const Block<const Scalar>& in, const Block<const Scalar>& delta,
                         Index n_outputs, Index first, Index last, double* gradient) {
  using Packet = PacketOf<Scalar>;
  constexpr Index width = lanes_of<Scalar>;
  constexpr Index together = 4;  // registers of inputs
  alignas(64) Scalar sums[together * width];
  for (Index j = 0; j < n_outputs; ++j) {
    for (Index k = first; k < last; k += together * width) {
      const Index m = std::min(together * width, last - k);
      const Index vectors = (m + width - 1) / width;
      Packet sum[together];
#pragma GCC unroll 4
      for (Index v = 0; v < together; ++v) sum[v] = Eigen::internal::pset1<Packet>(Scalar(0));
      if (vectors == together) {
        for (Index i = 0; i < n; ++i) {
          const Packet d = Eigen::internal::pload1<Packet>(delta.row(i) + j);
#pragma GCC unroll 4
          for (Index v = 0; v < together; ++v)
            sum[v] = Eigen::internal::pmadd(
                d, Eigen::internal::ploadu<Packet>(in.row(i) + k + v * width), sum[v]);
        }
#pragma GCC unroll 4
        for (Index v = 0; v < together; ++v) Eigen::internal::pstoreu(sums + v * width, sum[v]);
      } else {
        for (Index v = 0; v < vectors; ++v) {
          for (Index i = 0; i < n; ++i)
            sum[0] = Eigen::internal::pmadd(
                Eigen::internal::pload1<Packet>(delta.row(i) + j),
                Eigen::internal::ploadu<Packet>(in.row(i) + k + v * width), sum[0]);
          Eigen::internal::pstoreu(sums + v * width, sum[0]);
          sum[0] = Eigen::internal::pset1<Packet>(Scalar(0));
        }
      }
      for (Index c = 0; c < m; ++c)
        gradient[(k + c) * n_outputs + j] += static_cast<double>(sums[c]);
    }
  }
}

template bool is_narrow<double>(Index);
template bool is_narrow<float>(Index);
template class NarrowWeights<double>;
template class NarrowWeights<float>;
template void add_narrow_gradient(Index, const Block<const double>&, const Block<const double>&,
                                  Index, Index, Index, double*);
template void add_narrow_gradient(Index, const Block<const float>&, const Block<const float>&,
                                  Index, Index, Index, double*);
template Index stride_of<double>(Index);
template Index stride_of<float>(Index);
template class Panels<double>;
template class Panels<float>;
template void multiply_rows(Index, Index, const Block<const double>&, const Panels<double>&,
                            const double*, bool, const Block<double>&);
template void multiply_rows(Index, Index, const Block<const float>&, const Panels<float>&,
                            const float*, bool, const Block<float>&);
template void add_weight_gradient(Index, const Block<const double>&, const Block<const double>&,
                                  Index, Index, Index, double*);
template void add_weight_gradient(Index, const Block<const float>&, const Block<const float>&,
                                  Index, Index, Index, double*);
template void add_bias_gradient(Index, const Block<const double>&, Index, double*);
template void add_bias_gradient(Index, const Block<const float>&, Index, double*);

}  // namespace fastlr
