// Networks on every CPU level: whole numbers go through linear and rectified layers exactly.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "check.hpp"
#include "fastlr/networks/networks.hpp"
#include "levels.hpp"
#include "tables.hpp"

namespace fastlr {
namespace {

Network three_layers(Index p) {
  Network network;
  network.add(p, 11, Activation::relu);
  network.add(11, 3, Activation::identity);
  network.add(3, 1, Activation::identity);
  return network;
}

/// The output of a row, by the textbook.
double output(const Network& network, const Doubles& theta, const Table& table, Index row) {
  Doubles in(static_cast<std::size_t>(network.n_features()));
  for (Index j = 0; j < network.n_features(); ++j) at(in, j) = value(table, row, j);
  for (const DenseLayer& layer : network.layers) {
    Doubles out(static_cast<std::size_t>(layer.n_outputs));
    for (Index j = 0; j < layer.n_outputs; ++j) {
      double z = at(theta, layer.first + layer.n_weights() + j);
      for (Index k = 0; k < layer.n_inputs; ++k)
        z += at(in, k) * at(theta, layer.first + k * layer.n_outputs + j);
      at(out, j) = layer.activation == Activation::relu ? std::max(0.0, z) : z;
    }
    in = out;
  }
  return at(in, 0);
}

void outputs_are_exact() {
  const Table table = exact_table(n_rows, n_features);
  Rows features = table.rows();
  features.columns.pop_back();
  const Network network = three_layers(n_features);
  const Doubles theta = whole_numbers(network.n_parameters(), 7);
  for (const bool is_single : {false, true}) {
    Doubles out = zeros(n_rows);
    CHECK(predict_network(features, 0, n_rows, network, is_single, {}, theta.data(), n_threads,
                          out.data()));
    for (Index i = 0; i < n_rows; ++i) CHECK(at(out, i) == output(network, theta, table, i));
  }
}

/// The change of a small step is the gradient, which is that of differences of the loss.
void a_step_follows_the_slope() {
  const Table table = exact_table(n_rows, n_features);
  const Network network = three_layers(n_features);
  const Index n = network.n_parameters();
  Doubles theta = whole_numbers(n, 7);
  for (double& x : theta) x *= 0.125;
  const DenseLayer& first_layer = network.layers.front();
  for (Index j = 0; j < first_layer.n_outputs; ++j)  // so that no sum is at the corner of relu
    at(theta, first_layer.n_weights() + j) += 0.03125;
  const auto loss_at = [&](const Doubles& parameters) {
    double loss = 0.0;
    for (Index i = 0; i < n_rows; ++i) {
      const double r = output(network, parameters, table, i) - value(table, i, n_features);
      loss += 0.5 * r * r;
    }
    return loss / static_cast<double>(n_rows);
  };
  const SamplingPlan plan = plan_sampling(Sampling::sequential, n_rows, n_features, n_rows);
  DescentSettings settings;
  settings.limit = std::numeric_limits<double>::infinity();
  Doubles vectors = zeros(n_vector_rows * round_up(n, 8));
  std::copy(theta.begin(), theta.end(), vectors.begin());
  Doubles numbers = zeros(n_numbers);
  numbers[best_loss] = std::numeric_limits<double>::infinity();
  std::vector<std::int64_t> counters(n_counters);
  DescentState state{n, n, vectors.data(), numbers.data(), counters.data()};
  double loss = 0.0;
  double other[3];
  const double rate = 0x1p-20;
  const EpochsDone done = descend_network(table.rows(), nullptr, network, false, {}, settings, plan,
                                          0, nullptr, nullptr, 1, n_rows, &rate, n_threads, nullptr,
                                          state, {&loss, other, other + 1, other + 2, nullptr});
  CHECK(done.epochs == 1);
  CHECK(are_near(loss, loss_at(theta), 1e-13));
  for (Index j = 0; j < n; j += 5) {
    const double gradient = (at(theta, j) - at(vectors, j)) / rate;
    const double h = 1e-6;
    Doubles above = theta;
    Doubles below = theta;
    at(above, j) += h;
    at(below, j) -= h;
    const double slope = (loss_at(above) - loss_at(below)) / (2.0 * h);
    CHECK(std::abs(gradient - slope) <= 1e-4 * (1.0 + std::abs(slope)));
  }
}

void activations_have_their_slopes() {
  const Doubles z = {-2.0, -0.5, 0.0, 0.25, 3.0};
  const auto n = static_cast<Index>(z.size());
  for (const Activation activation :
       {Activation::identity, Activation::logistic, Activation::tanh, Activation::relu,
        Activation::leaky_relu, Activation::elu, Activation::softplus, Activation::gelu}) {
    Doubles value = zeros(n);
    Doubles slope = zeros(n);
    Doubles above = zeros(n);
    Doubles below = zeros(n);
    Doubles ignored = zeros(n);
    Doubles up = z;
    Doubles down = z;
    const double h = 1e-6;
    for (Index i = 0; i < n; ++i) {
      at(up, i) += h;
      at(down, i) -= h;
    }
    evaluate_activation(activation, false, n, z.data(), value.data(), slope.data());
    evaluate_activation(activation, false, n, up.data(), above.data(), ignored.data());
    evaluate_activation(activation, false, n, down.data(), below.data(), ignored.data());
    for (Index i = 0; i < n; ++i) {
      if (at(z, i) == 0.0) continue;  // a corner of some
      CHECK(std::abs((at(above, i) - at(below, i)) / (2.0 * h) - at(slope, i)) < 1e-8);
    }
  }
}

}  // namespace
}  // namespace fastlr

int main(int n_arguments, char** arguments) {
  return fastlr::on_every_level(n_arguments, arguments,
                                {fastlr::outputs_are_exact, fastlr::a_step_follows_the_slope,
                                 fastlr::activations_have_their_slopes});
}
