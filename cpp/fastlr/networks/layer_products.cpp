#include "fastlr/networks/layer_products.hpp"

#include <algorithm>

namespace fastlr {
namespace {

/// Rows that a gradient sums up before it is added to what was there.
constexpr Index rows_of_gradient = 256;
/// Rows that it takes while they are in the first cache, and inputs whose sums wait there meanwhile.
constexpr Index rows_at_once = 64;
constexpr Index inputs_at_once = 64;

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
      count_(registers_for(vectors_, tile_vectors)) {
  for (Index k = 0; k <= count_; ++k)
    first_.push_back(first_of_part(k, count_, vectors_) * lanes_of<Scalar>);
  values_.setZero(vectors_ * lanes_of<Scalar> * (n_rows + 16));
}

template <class Scalar>
void Panels<Scalar>::pack(Index panel, const double* from, Index row, Index column) {
  const Index first = first_column(panel);
  const Index width = this->width(panel);
  const Index n = std::min(width, n_columns_ - first);
  Scalar* out = values_.data() + first * n_rows_;
  from += first * column;
  for (Index i = 0; i < n_rows_; ++i, out += width, from += row) {
    if (column == 1) {
      for (Index j = 0; j < n; ++j) out[j] = static_cast<Scalar>(from[j]);
    } else {
      for (Index j = 0; j < n; ++j) out[j] = static_cast<Scalar>(from[j * column]);
    }
  }
}

template <class Scalar>
void multiply_rows(Index n, Index n_inputs, const Block<const Scalar>& in, const Panels<Scalar>& M,
                   const Ending<Scalar>& ending, const Block<Scalar>& out) {
  for (Index p = 0; p < M.count(); ++p) {
    const Index width = M.width(p);
    const Index vectors = width / lanes_of<Scalar>;
    const Index j = M.first_column(p);
    const Ending<Scalar> of_panel = ending.at_column(j);
    Index i = 0;
    // Up to two rows are taken one by one; more are worth a tile, whatever comes behind them.
    for (; i + 2 < n; i += tile_rows)
      multiply_tile<Scalar, tile_rows, false>(vectors, n_inputs, in.row(i), in.stride, M.panel(p),
                                              width, of_panel.at_gate(i * out.stride),
                                              out.row(i) + j, out.stride);
    for (; i < n; ++i)
      multiply_tile<Scalar, 1, false>(vectors, n_inputs, in.row(i), in.stride, M.panel(p), width,
                                      of_panel.at_gate(i * out.stride), out.row(i) + j, out.stride);
  }
}

template <class Scalar>
void add_weight_gradient(Index n, const Block<const Scalar>& in, const Block<const Scalar>& delta,
                         Index n_outputs, Index first, Index last, double* gradient, double* bias) {
  constexpr Index width = lanes_of<Scalar>;
  constexpr Index tile_size = tile_rows * tile_vectors * width;
  alignas(64) Scalar sums[inputs_at_once / tile_rows * tile_size];
  alignas(64) Scalar of_bias[tile_vectors * width];
  alignas(64) Scalar ones[rows_at_once];
  std::fill_n(ones, rows_at_once, Scalar(1));
  const Index n_vectors = registers_for(n_outputs, width);
  const Index n_groups = registers_for(n_vectors, tile_vectors);
  const auto add = [&](Index r, Index m, Index v, Index vectors, Index from, Index to) {
    const Index j = v * width;
    const Index columns = std::min(vectors * width, n_outputs - j);
    const bool with_bias = bias != nullptr && from == first;
    for (Index i = 0; i < m; i += rows_at_once) {
      const Index n_some = std::min(rows_at_once, m - i);
      const Ending<Scalar> ending{i == 0 ? Into::set : Into::add};
      const Scalar* const some = delta.row(r + i) + j;
      Scalar* tile = sums;
      for (Index k = from; k < to; k += tile_rows, tile += tile_size) {
        const Scalar* const inputs = in.row(r + i) + k;
        if (to - k <= 4) {
          multiply_tile<Scalar, 4, true>(vectors, n_some, inputs, in.stride, some, delta.stride,
                                         ending, tile, vectors * width);
        } else {
          multiply_tile<Scalar, tile_rows, true>(vectors, n_some, inputs, in.stride, some,
                                                 delta.stride, ending, tile, vectors * width);
        }
      }
      if (with_bias)
        multiply_tile<Scalar, 1, false>(vectors, n_some, ones, 0, some, delta.stride, ending,
                                        of_bias, 0);
    }
    for (Index k = from; k < to; ++k) {
      double* const out = gradient + k * n_outputs + j;
      const Scalar* const row =
          sums + (k - from) / tile_rows * tile_size + (k - from) % tile_rows * vectors * width;
      for (Index c = 0; c < columns; ++c) out[c] += static_cast<double>(row[c]);
    }
    for (Index c = 0; with_bias && c < columns; ++c) bias[j + c] += static_cast<double>(of_bias[c]);
  };
  for (Index r = 0; r < n; r += rows_of_gradient) {
    for (Index group = 0; group < n_groups; ++group) {
      const Index v = first_of_part(group, n_groups, n_vectors);
      const Index end = first_of_part(group + 1, n_groups, n_vectors);
      for (Index k = first; k < last; k += inputs_at_once)
        add(r, std::min(rows_of_gradient, n - r), v, end - v, k,
            std::min(k + inputs_at_once, last));
    }
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
void NarrowWeights<Scalar>::scale(Index n, const Block<const Scalar>& delta, bool gates,
                                  const Block<Scalar>& out) const {
  using Packet = PacketOf<Scalar>;
  constexpr Index width = lanes_of<Scalar>;
  const Packet zero = Eigen::internal::pset1<Packet>(Scalar(0));
  // Whole registers: weights are zero beyond the last input.
  const auto scale_row = [&](const Scalar* d, Scalar* to, const auto& end) {
    const Scalar* w = values_.data();
    const Index n_inputs = n_inputs_;
    const Packet first = Eigen::internal::pload1<Packet>(d);
    for (Index k = 0; k < n_inputs; k += width) {
      Packet sum = Eigen::internal::pmul(first, Eigen::internal::pload<Packet>(w + k));
      for (Index j = 1; j < n_outputs_; ++j)
        sum = Eigen::internal::pmadd(Eigen::internal::pload1<Packet>(d + j),
                                     Eigen::internal::pload<Packet>(w + j * stride_ + k), sum);
      Eigen::internal::pstoreu(to + k, end(sum, Eigen::internal::ploadu<Packet>(to + k)));
    }
  };
  for (Index i = 0; i < n; ++i) {
    if (gates) {
      scale_row(delta.row(i), out.row(i), [&](const Packet& sum, const Packet& gate) {
        return Eigen::internal::pand(sum, Eigen::internal::pcmp_lt(zero, gate));
      });
    } else {
      scale_row(delta.row(i), out.row(i), [](const Packet& sum, const Packet& slope) {
        return Eigen::internal::pmul(sum, slope);
      });
    }
  }
}

template <class Scalar>
void NarrowWeights<Scalar>::add_and_gate(Index n, const Block<const Scalar>& delta,
                                         const Block<Scalar>& out, double* gradient) const {
  using Packet = PacketOf<Scalar>;
  constexpr Index width = lanes_of<Scalar>;
  constexpr Index together = 4;  // registers of inputs
  alignas(64) Scalar sums[together * width];
  const Packet zero = Eigen::internal::pset1<Packet>(Scalar(0));
  const auto use = [&]<Index vectors>(Index first) {
    Packet sum[vectors];
    Packet w[vectors];
#pragma GCC unroll 4
    for (Index v = 0; v < vectors; ++v) {
      sum[v] = zero;
      w[v] = Eigen::internal::pload<Packet>(values_.data() + first + v * width);
    }
    const Scalar* d = delta.data;
    Scalar* row = out.data + first;
    for (Index i = 0; i < n; ++i, d += delta.stride, row += out.stride) {
      const Packet of_row = Eigen::internal::pload1<Packet>(d);
#pragma GCC unroll 4
      for (Index v = 0; v < vectors; ++v) {
        const Packet a = Eigen::internal::ploadu<Packet>(row + v * width);
        sum[v] = Eigen::internal::pmadd(of_row, a, sum[v]);
        Eigen::internal::pstoreu(row + v * width,
                                 Eigen::internal::pand(Eigen::internal::pmul(of_row, w[v]),
                                                       Eigen::internal::pcmp_lt(zero, a)));
      }
    }
#pragma GCC unroll 4
    for (Index v = 0; v < vectors; ++v) Eigen::internal::pstoreu(sums + v * width, sum[v]);
    const Index m = std::min(vectors * width, n_inputs_ - first);
    for (Index c = 0; c < m; ++c) gradient[first + c] += static_cast<double>(sums[c]);
  };
  Index k = 0;
  for (; k + (together - 1) * width < n_inputs_; k += together * width)
    use.template operator()<together>(k);
  for (; k < n_inputs_; k += width) use.template operator()<1>(k);
}

template <class Scalar>
void add_narrow_gradient(Index n, Index n_inputs, const Block<const Scalar>& in,
                         const Block<const Scalar>& delta, Index n_outputs, double* gradient) {
  using Packet = PacketOf<Scalar>;
  constexpr Index width = lanes_of<Scalar>;
  constexpr Index together = 4;  // registers of inputs
  alignas(64) Scalar sums[together * width];
  const auto add = [&]<Index vectors>(Index k, Index j) {
    Packet sum[vectors];
#pragma GCC unroll 4
    for (Index v = 0; v < vectors; ++v) sum[v] = Eigen::internal::pset1<Packet>(Scalar(0));
    for (Index i = 0; i < n; ++i) {
      const Packet d = Eigen::internal::pload1<Packet>(delta.row(i) + j);
#pragma GCC unroll 4
      for (Index v = 0; v < vectors; ++v)
        sum[v] = Eigen::internal::pmadd(
            d, Eigen::internal::ploadu<Packet>(in.row(i) + k + v * width), sum[v]);
    }
#pragma GCC unroll 4
    for (Index v = 0; v < vectors; ++v) Eigen::internal::pstoreu(sums + v * width, sum[v]);
    const Index m = std::min(vectors * width, n_inputs - k);
    double* const out = gradient + k * n_outputs + j;
    if (n_outputs == 1) {
      for (Index c = 0; c < m; ++c) out[c] += static_cast<double>(sums[c]);
    } else {
      for (Index c = 0; c < m; ++c) out[c * n_outputs] += static_cast<double>(sums[c]);
    }
  };
  for (Index j = 0; j < n_outputs; ++j) {
    Index k = 0;
    for (; k + (together - 1) * width < n_inputs; k += together * width)
      add.template operator()<together>(k, j);
    for (; k < n_inputs; k += width) add.template operator()<1>(k, j);
  }
}

template bool is_narrow<double>(Index);
template bool is_narrow<float>(Index);
template class NarrowWeights<double>;
template class NarrowWeights<float>;
template void add_narrow_gradient(Index, Index, const Block<const double>&,
                                  const Block<const double>&, Index, double*);
template void add_narrow_gradient(Index, Index, const Block<const float>&,
                                  const Block<const float>&, Index, double*);
template Index stride_of<double>(Index);
template Index stride_of<float>(Index);
template class Panels<double>;
template class Panels<float>;
template void multiply_rows(Index, Index, const Block<const double>&, const Panels<double>&,
                            const Ending<double>&, const Block<double>&);
template void multiply_rows(Index, Index, const Block<const float>&, const Panels<float>&,
                            const Ending<float>&, const Block<float>&);
template void add_weight_gradient(Index, const Block<const double>&, const Block<const double>&,
                                  Index, Index, Index, double*, double*);
template void add_weight_gradient(Index, const Block<const float>&, const Block<const float>&,
                                  Index, Index, Index, double*, double*);

}  // namespace fastlr
