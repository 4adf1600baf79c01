// A network of dense layers, as plain data. With a_0 the features of a row and l = 1 .. L
//
//   z_l = a_(l-1) W_l + b_l,   a_l = f_l(z_l),   W_l (n_inputs, n_outputs) row by row,
//
// and all parameters in one vector: W_1, b_1, W_2, b_2, ...
#pragma once

#include <cstdint>
#include <vector>

#include "fastlr/rows.hpp"

namespace fastlr {

/// identity   z                      tanh        tanh z
/// logistic   1 / (1 + e^-z)         relu        max(0, z)
/// softplus   log(1 + e^z)           leaky_relu  z, or 0.01 z below zero
/// gelu       z Phi(z), by erf       elu         z, or e^z - 1 below zero
enum class Activation : std::uint8_t {
  identity,
  logistic,
  tanh,
  relu,
  leaky_relu,
  elu,
  softplus,
  gelu,
};

struct DenseLayer {
  Index n_inputs;
  Index n_outputs;
  Activation activation;
  Index first;  // of its parameters: weights, then biases

  Index n_weights() const { return n_inputs * n_outputs; }
  Index n_parameters() const { return n_weights() + n_outputs; }
};

struct Network {
  std::vector<DenseLayer> layers;

  void add(Index n_inputs, Index n_outputs, Activation activation) {
    layers.push_back({n_inputs, n_outputs, activation, n_parameters()});
  }

  Index n_parameters() const {
    return layers.empty() ? 0 : layers.back().first + layers.back().n_parameters();
  }
  Index n_features() const { return layers.front().n_inputs; }
  Index n_targets() const { return layers.back().n_outputs; }
  /// A linear regression of one target.
  bool is_line() const {
    return layers.size() == 1 && n_targets() == 1 &&
           layers.front().activation == Activation::identity;
  }
};

}  // namespace fastlr
