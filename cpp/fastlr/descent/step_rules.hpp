// How a gradient becomes a step: tiny policies. theta, m and v are eights of the parameters and of
// what the rule remembers; g is the gradient, eta the learning rate. begin(t) comes before the
// update number t = 1, 2, ... A descent asks once for each step which rule it has (StepRule).
#pragma once

#include <cmath>
#include <variant>

#include "fastlr/matrices.hpp"

namespace fastlr {

enum class Rule : std::uint8_t { plain, momentum, nesterov, accelerated, adagrad, rmsprop, adam };

/// What rules are unless they say otherwise: their memory is never begun anew.
struct Continuous {
  static constexpr bool restarts = false;
};

/// The constants of all rules; each reads its own.
struct RuleConstants {
  double momentum = 0.9;
  double beta_1 = 0.9;
  double beta_2 = 0.999;  // RMSprop calls it rho
  double epsilon = 1e-8;
  bool epsilon_of_biased =
      false;  // Adam's epsilon is added to sqrt(v) before v is freed of its bias
};

/// theta -= eta g
struct PlainRule : Continuous {
  explicit PlainRule(const RuleConstants&) {}
  void begin(Index) {}
  void update(const Eight& g, double eta, Eight& theta, Eight&, Eight&) const { theta -= eta * g; }
};

/// m = momentum m - eta g;  theta += m   (Polyak 1964)
struct MomentumRule : Continuous {
  double momentum;
  explicit MomentumRule(const RuleConstants& c) : momentum(c.momentum) {}
  void begin(Index) {}
  void update(const Eight& g, double eta, Eight& theta, Eight& m, Eight&) const {
    m = momentum * m - eta * g;
    theta += m;
  }
};

/// m = momentum m - eta g;  theta += momentum m - eta g   (Nesterov 1983, as Sutskever et al. 2013
/// write it)
struct NesterovRule : Continuous {
  double momentum;
  explicit NesterovRule(const RuleConstants& c) : momentum(c.momentum) {}
  void begin(Index) {}
  void update(const Eight& g, double eta, Eight& theta, Eight& m, Eight&) const {
    m = momentum * m - eta * g;
    theta += momentum * m - eta * g;
  }
};

/// Nesterov's rule with momentum k / (k + 3) after k steps; where the gradient points along the
/// last move, uphill, m = 0 and k = 0 (O'Donoghue and Candes 2015). No constant needs to be known.
struct AcceleratedRule {
  static constexpr bool restarts = true;
  double before = 0.0;  // the momentum of the step before
  double now = 0.0;
  explicit AcceleratedRule(const RuleConstants&) {}
  void begin(Index) {}
  void set_steps(Index k) {
    const auto time = static_cast<double>(k);
    before = k > 0 ? (time - 1.0) / (time + 2.0) : 0.0;
    now = time / (time + 3.0);
  }
  void update(const Eight& g, double eta, Eight& theta, Eight& m, Eight&) const {
    m = before * m - eta * g;
    theta += now * m - eta * g;
  }
};

/// v += g^2;  theta -= eta g / (sqrt(v) + epsilon)   (Duchi, Hazan, Singer 2011)
struct AdaGradRule : Continuous {
  double epsilon;
  explicit AdaGradRule(const RuleConstants& c) : epsilon(c.epsilon) {}
  void begin(Index) {}
  void update(const Eight& g, double eta, Eight& theta, Eight&, Eight& v) const {
    v += g * g;
    theta -= eta * g / (v.sqrt() + epsilon);
  }
};

/// v = rho v + (1 - rho) g^2;  theta -= eta g / (sqrt(v) + epsilon)   (Tieleman and Hinton 2012)
struct RMSpropRule : Continuous {
  double rho;
  double epsilon;
  explicit RMSpropRule(const RuleConstants& c) : rho(c.beta_2), epsilon(c.epsilon) {}
  void begin(Index) {}
  void update(const Eight& g, double eta, Eight& theta, Eight&, Eight& v) const {
    v = rho * v + (1.0 - rho) * g * g;
    theta -= eta * g / (v.sqrt() + epsilon);
  }
};

/// m, v = running means of g and g^2, freed of their bias;  theta -= eta m / (sqrt(v) + epsilon)
/// (Kingma, Ba 2015)
struct AdamRule : Continuous {
  RuleConstants c;
  double unbias_m = 1.0;
  double unbias_v = 1.0;
  explicit AdamRule(const RuleConstants& constants) : c(constants) {}
  void begin(Index t) {
    unbias_m = 1.0 / (1.0 - std::pow(c.beta_1, static_cast<double>(t)));
    unbias_v = 1.0 / (1.0 - std::pow(c.beta_2, static_cast<double>(t)));
    if (c.epsilon_of_biased) {
      unbias_m /= std::sqrt(unbias_v);
      unbias_v = 1.0;
    }
  }
  void update(const Eight& g, double eta, Eight& theta, Eight& m, Eight& v) const {
    m = c.beta_1 * m + (1.0 - c.beta_1) * g;
    v = c.beta_2 * v + (1.0 - c.beta_2) * g * g;
    theta -= eta * (m * unbias_m) / ((v * unbias_v).sqrt() + c.epsilon);
  }
};

using StepRule = std::variant<PlainRule, MomentumRule, NesterovRule, AcceleratedRule, AdaGradRule,
                              RMSpropRule, AdamRule>;

inline StepRule step_rule(Rule rule, const RuleConstants& constants) {
  switch (rule) {
    case Rule::momentum:
      return MomentumRule(constants);
    case Rule::nesterov:
      return NesterovRule(constants);
    case Rule::accelerated:
      return AcceleratedRule(constants);
    case Rule::adagrad:
      return AdaGradRule(constants);
    case Rule::rmsprop:
      return RMSpropRule(constants);
    case Rule::adam:
      return AdamRule(constants);
    case Rule::plain:
      break;
  }
  return PlainRule(constants);
}

}  // namespace fastlr
