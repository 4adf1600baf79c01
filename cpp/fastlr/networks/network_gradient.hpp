// The gradient of a network's loss over some rows of a window, as the loop of batches wants it.
//
// With deltas d_L = w (a_L - y) f_L'(z_L) and d_(l-1) = (d_l W_l') f_(l-1)'(z_(l-1)), the gradient of
// W_l is a_(l-1)' d_l and that of b_l the sum of d_l. Rows are taken some at a time; forwards and
// backwards every row is computed for itself, and every weight's gradient is one sum over the rows in
// their order, so that it does not matter which thread does what.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "fastlr/networks/activations.hpp"
#include "fastlr/networks/network_rows.hpp"
#include "fastlr/networks/team_trial.hpp"
#include "fastlr/threads.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {

/// Weights of all layers as products want them.
template <class Scalar>
class PackedLayers {
 public:
  PackedLayers(const Network& network, bool backwards) : network_(network) {
    for (const DenseLayer& layer : network.layers) {
      const bool goes_along_inputs = is_narrow<Scalar>(layer.n_outputs);
      narrow_.push_back(goes_along_inputs);
      along_inputs_.emplace_back(goes_along_inputs ? layer.n_inputs : 0, layer.n_outputs);
      forward_.emplace_back(layer.n_inputs, goes_along_inputs ? 0 : layer.n_outputs);
      bias_.push_back(AlignedVector<Scalar>::Zero(round_up(layer.n_outputs, 64)));
      if (backwards && layer.first > 0 && !goes_along_inputs) {
        backward_.emplace_back(layer.n_outputs, layer.n_inputs);
      } else {
        backward_.emplace_back(0, 0);
      }
    }
  }

  void pack(const double* parameters, int n_threads) {
    for (std::size_t l = 0; l < network_.layers.size(); ++l) {
      const DenseLayer& layer = network_.layers[l];
      const double* const weights = parameters + layer.first;
      const double* const biases = weights + layer.n_weights();
      for (Index j = 0; j < layer.n_outputs; ++j) bias_[l][j] = static_cast<Scalar>(biases[j]);
      if (narrow_[l]) {
        along_inputs_[l].pack(weights);
        continue;
      }
      Panels<Scalar>& forward = forward_[l];
      Panels<Scalar>& backward = backward_[l];
      for_each_task(forward.count() + backward.count(),
                    layer.n_weights() < worth_a_team ? 1 : n_threads, [&](Index k) {
                      if (k < forward.count()) {
                        forward.pack(k, weights, layer.n_outputs, 1);
                      } else {
                        backward.pack(k - forward.count(), weights, 1, layer.n_outputs);
                      }
                    });
    }
  }

  const Network& network() const { return network_; }

  /// Whether the products of layer l rectify what they multiply. Their slopes are then told by the
  /// outputs, and nobody writes them down.
  bool rectifies(std::size_t l) const {
    return network_.layers[l].activation == Activation::relu && !narrow_[l] &&
           l + 1 < network_.layers.size();
  }

  /// out = in W + b of layer l for n rows, rectified if products do so.
  void multiply(std::size_t l, Index n, const Block<const Scalar>& in,
                const Block<Scalar>& out) const {
    if (narrow_[l]) {
      along_inputs_[l].multiply(n, in, bias_[l].data(), out);
    } else {
      const Into into = rectifies(l) ? Into::rectify : Into::set;
      multiply_rows(n, network_.layers[l].n_inputs, in, forward_[l],
                    Ending<Scalar>{into, bias_[l].data()}, out);
    }
  }

  /// Whether what comes back to layer l takes the place of its outputs: they are wanted for the gates
  /// alone, since the gradient of a narrow last layer was taken before.
  bool overwrites(std::size_t l) const {
    return l + 2 == network_.layers.size() && narrow_.back() && rectifies(l);
  }

  /// Whether the last layer is narrow.
  bool ends_narrow() const { return narrow_.back(); }

  /// What comes back through a last layer of one output to outputs that it overwrites, after they have
  /// been added to the layer's gradient.
  void add_and_gate(Index n, const Block<const Scalar>& delta, const Block<Scalar>& outputs,
                    double* gradient) const {
    along_inputs_.back().add_and_gate(n, delta, outputs, gradient);
  }

  /// What comes back through layer l for n rows: out, slopes of the layer before, *= delta W'; or where
  /// that one rectifies, out = delta W' as far as its `outputs` are positive.
  void scale(std::size_t l, Index n, const Block<const Scalar>& delta, const Block<Scalar>& outputs,
             const Block<Scalar>& out) const {
    const bool gates = rectifies(l - 1);
    if (narrow_[l]) {
      // Between other layers, of which one is narrow, slopes are made of outputs.
      if (gates && out.data != outputs.data) std::copy_n(outputs.data, n * out.stride, out.data);
      along_inputs_[l].scale(n, delta, gates, out);
    } else {
      multiply_rows(
          n, network_.layers[l].n_outputs, delta, backward_[l],
          gates ? Ending<Scalar>{Into::pass, nullptr, outputs.data} : Ending<Scalar>{Into::scale},
          out);
    }
  }

 private:
  static constexpr Index worth_a_team = Index{1} << 15;

  const Network& network_;
  std::vector<bool> narrow_;
  std::vector<NarrowWeights<Scalar>> along_inputs_;
  std::vector<Panels<Scalar>> forward_;
  std::vector<Panels<Scalar>> backward_;
  std::vector<AlignedVector<Scalar>> bias_;
};

/// Outputs of all layers for some rows, and their slopes, which become deltas.
template <class Scalar>
class LayerOutputs {
 public:
  LayerOutputs(const PackedLayers<Scalar>& layers, Index n_rows, bool with_deltas) {
    for (std::size_t l = 0; l < layers.network().layers.size(); ++l) {
      const Index stride = stride_of<Scalar>(layers.network().layers[l].n_outputs);
      const Index size = stride * round_up(n_rows, rows_beyond);
      strides_.push_back(stride);
      overwritten_.push_back(layers.overwrites(l));
      outputs_.push_back(AlignedVector<Scalar>::Zero(size));
      deltas_.push_back(AlignedVector<Scalar>::Zero(with_deltas && !overwritten_[l] ? size : 0));
    }
  }

  /// From row `first` on.
  Block<Scalar> outputs(std::size_t l, Index first = 0) { return at(outputs_, l, first); }
  Block<Scalar> deltas(std::size_t l, Index first = 0) {
    return at(overwritten_[l] ? outputs_ : deltas_, l, first);
  }

 private:
  Block<Scalar> at(std::vector<AlignedVector<Scalar>>& blocks, std::size_t l, Index first) {
    return {blocks[l].data() + first * strides_[l], strides_[l]};
  }

  std::vector<Index> strides_;
  std::vector<bool> overwritten_;
  std::vector<AlignedVector<Scalar>> outputs_;
  std::vector<AlignedVector<Scalar>> deltas_;
};

template <class Scalar>
Block<const Scalar> constant(const Block<Scalar>& block) {
  return {block.data, block.stride};
}

/// Outputs of all layers for n rows, from row `first` of `room` on, and slopes if they are wanted (but
/// those of a last layer that is linear, and of layers that rectify in their products).
template <class Scalar>
void run_forwards(const PackedLayers<Scalar>& layers, Block<const Scalar> in, Index first, Index n,
                  bool with_slopes, LayerOutputs<Scalar>& room) {
  const auto& of = layers.network().layers;
  for (std::size_t l = 0; l < of.size(); ++l) {
    const Block<Scalar> out = room.outputs(l, first);
    layers.multiply(l, n, in, out);
    const bool is_linear = l + 1 == of.size() && of[l].activation == Activation::identity;
    if (!layers.rectifies(l))
      activate(of[l].activation, n * out.stride, out.data,
               with_slopes && !is_linear ? room.deltas(l, first).data : nullptr);
    in = constant(out);
  }
}

/// Forwards and backwards in one precision.
template <class Scalar>
class NetworkPass {
 public:
  /// Rows that are taken together: their outputs and deltas stay near.
  static constexpr Index rows_together = 256;
  /// Rows of one task.
  static constexpr Index rows_per_task = 32;
  /// Parameters that leave room for outputs in the first cache.
  static constexpr Index few_parameters = 3072;
  /// Inputs of a layer whose weights' gradient is one task.
  static constexpr Index inputs_per_task = 64;

  NetworkPass(const Network& network, bool weighted, Index n_rows)
      : weighted_(weighted),
        rows_per_pass_(network.n_parameters() > few_parameters ? rows_per_task : rows_beyond),
        layers_(network, true),
        room_(layers_, std::min(n_rows, rows_together), true),
        losses_(static_cast<std::size_t>(rows_together / rows_per_task)),
        of_last_(rows_together / rows_per_task,
                 layers_.ends_narrow() ? network.layers.back().n_parameters() : 0) {
    const std::size_t n_wide = network.layers.size() - (layers_.ends_narrow() ? 1 : 0);
    for (std::size_t l = 0; l < n_wide; ++l)
      for (Index k = 0; k < network.layers[l].n_inputs; k += inputs_per_task)
        strips_.push_back({l, k, std::min(k + inputs_per_task, network.layers[l].n_inputs)});
  }

  void add_rows(const NetworkWindow& window, Index first, Index n, const double* parameters,
                int n_threads, double& loss, double* sum) {
    layers_.pack(parameters, n_threads);
    for (Index r = 0; r < n; r += rows_together) {
      add_some(window, first + r, std::min(rows_together, n - r), n_threads, loss, sum);
      give_turn();
    }
  }

 private:
  struct Strip {
    std::size_t layer;
    Index first;
    Index last;
  };

  const Network& network() const { return layers_.network(); }

  void add_some(const NetworkWindow& window, Index first, Index n, int n_threads, double& loss,
                double* sum) {
    const Index n_tasks = (n + rows_per_task - 1) / rows_per_task;
    for_each_task(n_tasks, n_threads, [&](Index k) {
      const Index end = std::min(n, (k + 1) * rows_per_task);
      double& sum_of_task = losses_[static_cast<std::size_t>(k)];
      sum_of_task = 0.0;
      of_last_.row(k).setZero();
      for (Index at = k * rows_per_task; at < end; at += rows_per_pass_)
        sum_of_task += pass(window, first + at, at, std::min(rows_per_pass_, end - at),
                            of_last_.row(k).data());
    });
    const DenseLayer& last = network().layers.back();
    for (Index k = 0; k < n_tasks; ++k) {
      loss += losses_[static_cast<std::size_t>(k)];
      VectorMap(sum + last.first, of_last_.cols()) += of_last_.row(k);
    }
    for_each_task(static_cast<Index>(strips_.size()), n_threads, [&](Index k) {
      const auto& [l, from, to] = strips_[static_cast<std::size_t>(k)];
      const DenseLayer& layer = network().layers[l];
      double* const of_layer = sum + layer.first;
      add_weight_gradient(n, inputs(window, first, l, 0), constant(room_.deltas(l)),
                          layer.n_outputs, from, to, of_layer,
                          from == 0 ? of_layer + layer.n_weights() : nullptr);
    });
  }

  /// What layer l is given: rows from `first` on of the window, or from `at` on of the room.
  Block<const Scalar> inputs(const NetworkWindow& window, Index first, std::size_t l, Index at) {
    return l == 0 ? window.features<Scalar>(first) : constant(room_.outputs(l - 1, at));
  }

  /// Forwards and backwards with n rows, which are those from `at` on of the room; returns their loss,
  /// and adds the gradient of a narrow last layer to `of_last`.
  double pass(const NetworkWindow& window, Index first, Index at, Index n, double* of_last) {
    run_forwards(layers_, window.features<Scalar>(first), at, n, true, room_);
    const double loss = start_backwards(window, first, at, n);
    std::size_t l = network().layers.size() - 1;
    if (layers_.ends_narrow()) {
      const DenseLayer& last = network().layers.back();
      const Block<const Scalar> delta = constant(room_.deltas(l, at));
      for (Index i = 0; i < n; ++i)
        for (Index j = 0; j < last.n_outputs; ++j)
          of_last[last.n_weights() + j] += static_cast<double>(delta.row(i)[j]);
      if (last.n_outputs == 1 && l > 0 && layers_.overwrites(l - 1)) {
        layers_.add_and_gate(n, delta, room_.outputs(l - 1, at), of_last);
        --l;
      } else {
        add_narrow_gradient(n, last.n_inputs, inputs(window, first, l, at), delta, last.n_outputs,
                            of_last);
      }
    }
    for (; l > 0; --l)
      layers_.scale(l, n, constant(room_.deltas(l, at)), room_.outputs(l - 1, at),
                    room_.deltas(l - 1, at));
    return loss;
  }

  /// The deltas of the last layer, and the loss.
  double start_backwards(const NetworkWindow& window, Index first, Index at, Index n) {
    const std::size_t last = network().layers.size() - 1;
    const Index t = network().n_targets();
    const bool is_linear = network().layers[last].activation == Activation::identity;
    const Block<Scalar> out = room_.outputs(last, at);
    const Block<Scalar> delta = room_.deltas(last, at);
    const Scalar* minus_y = window.targets<Scalar>(first, t);
    double loss = 0.0;
    for (Index i = 0; i < n; ++i, minus_y += t) {
      const double weight = weighted_ ? window.packed.weight[first + i] : 1.0;
      double squares = 0.0;
      for (Index j = 0; j < t; ++j) {
        const Scalar r = out.row(i)[j] + minus_y[j];
        squares += static_cast<double>(r) * static_cast<double>(r);
        const Scalar wr = static_cast<Scalar>(weight) * r;
        delta.row(i)[j] = is_linear ? wr : wr * delta.row(i)[j];
      }
      loss += 0.5 * weight * squares;
    }
    return loss;
  }

  bool weighted_;
  Index rows_per_pass_;  // where weights are near, outputs shall be as well
  PackedLayers<Scalar> layers_;
  LayerOutputs<Scalar> room_;
  std::vector<double> losses_;  // of tasks
  RowMatrix of_last_;           // gradient of a narrow last layer, a row for each task
  std::vector<Strip> strips_;
};

/// The gradient in whatever precision: which one is asked once for the rows of a batch, so that the
/// loop of batches is compiled once.
class NetworkGradient {
 public:
  struct Workspace {
    std::optional<NetworkPass<double>> in_double;
    std::optional<NetworkPass<float>> in_single;
  };

  NetworkGradient(const Network& network, bool weighted, bool is_single, int n_threads)
      : network_(network), weighted_(weighted), is_single_(is_single), trial_(n_threads) {}

  Workspace workspace(Index n_rows) const {
    Workspace w;
    if (is_single_) {
      w.in_single.emplace(network_, weighted_, n_rows);
    } else {
      w.in_double.emplace(network_, weighted_, n_rows);
    }
    return w;
  }

  void add_rows(const NetworkWindow& window, Index first, Index n, const double* parameters,
                Workspace& w, double& loss, double* sum) const {
    trial_.run(n, [&](int n_threads) {
      if (is_single_) {
        w.in_single->add_rows(window, first, n, parameters, n_threads, loss, sum);
      } else {
        w.in_double->add_rows(window, first, n, parameters, n_threads, loss, sum);
      }
    });
  }

  double weight_of(const NetworkWindow& window, Index first, Index n) const {
    return weighted_ ? window.packed.weight.segment(first, n).sum() : static_cast<double>(n);
  }

  double complete(const DescentSettings&, Index, double, double*) const { return 1.0; }

  int n_threads() const { return trial_.threads(); }

 private:
  const Network& network_;
  bool weighted_;
  bool is_single_;
  mutable TeamTrial trial_;  // of one thread, where windows are summed in parallel
};

}  // namespace fastlr
