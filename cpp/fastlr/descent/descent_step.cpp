#include "fastlr/descent/descent_step.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "fastlr/threads.hpp"

namespace fastlr {
namespace {

/// Parameters of one task of a step.
constexpr Index parameters_per_task = Index{1} << 13;

/// |b|_1 over the parameters whose penalty has a weight.
double weighted_l1_norm(WorkingState& state) {
  double norm = 0.0;
  for (Index j = 0; j < state.n_penalised; ++j)
    if (state.penalty_weights()[j] > 0.0) norm += std::abs(state.penalised()[j]);
  return norm;
}

/// Tsuruoka's cumulative L1 penalty: every penalised parameter pays what is due, but never across
/// zero.
void pay_l1(const DescentSettings& s, double due, WorkingState& state) {
  double* b = state.row(theta);
  double* paid = state.row(l1_paid);
  const auto pay = [&](Index j) {
    const double before = b[j];
    if (before > 0.0) b[j] = std::max(0.0, before - (due + paid[j]));
    if (before < 0.0) b[j] = std::min(0.0, before + (due - paid[j]));
    paid[j] += b[j] - before;
  };
  for (Index j = 0; j < state.n_penalised; ++j)
    if (s.penalty_weights == nullptr || s.penalty_weights[j] > 0.0) pay(j);
}

/// Whether the gradient points along the last move, uphill: then what the rule remembers misleads.
bool goes_uphill(double of_rows, double of_penalty, WorkingState& state) {
  double slope = 0.0;
  for (Index j = 0; j < state.padded; j += 8) {
    const Eight g =
        of_rows * state.at(batch_gradient, j) + of_penalty * (state.mask(j) * state.at(theta, j));
    slope += (g * state.at(first_moment, j)).sum();
  }
  return slope > 0.0;
}

/// Makes the rule ready for update t.
template <class Rule>
void begin(Rule& rule, Index t, double of_rows, double shrinkage, WorkingState& state) {
  rule.begin(t);
  if constexpr (Rule::restarts) {
    std::int64_t& k = state.counters[steps_since_restart];
    if (goes_uphill(of_rows, shrinkage, state)) {
      k = 0;
      std::fill_n(state.row(first_moment), state.padded, 0.0);
    }
    rule.set_steps(k++);
  }
}

/// Parameters [from, to) and what the rule remembers of them; the batch's gradient becomes zero.
template <class Rule>
void update(const Rule& rule, double rate, double of_rows, double shrinkage, Index from, Index to,
            bool sums_gradient, WorkingState& state) {
  for (Index j = from; j < to; j += 8) {
    Eight parameters = state.at(theta, j);
    Eight m = state.at(first_moment, j);
    Eight v = state.at(second_moment, j);
    const Eight g =
        of_rows * state.at(batch_gradient, j) + shrinkage * (state.mask(j) * parameters);
    rule.update(g, rate, parameters, m, v);
    state.at(theta, j) = parameters;
    state.at(first_moment, j) = m;
    state.at(second_moment, j) = v;
    if (sums_gradient) state.at(epoch_gradient, j) += g;
    state.at(batch_gradient, j) = Eight::Zero();
  }
}

/// sum_j weight_j theta_j^2 over parameters [from, to).
double weighted_squares(Index from, Index to, WorkingState& state) {
  Eight sum = Eight::Zero();
  for (Index j = from; j < to; j += 8) {
    const Eight parameters = state.at(theta, j);
    sum += state.mask(j) * (parameters * parameters);
  }
  return sum.sum();
}

}  // namespace

WorkingState::WorkingState(DescentState& state, const DescentSettings& s)
    : n_parameters(state.n_parameters),
      n_penalised(state.n_penalised),
      padded(state.padded()),
      state_(state),
      vectors_(n_vector_rows * padded),
      mask_(padded) {
  std::copy_n(state.vectors, vectors_.size(), vectors_.data());
  std::copy_n(state.numbers, n_numbers, numbers.begin());
  std::copy_n(state.counters, n_counters, counters.begin());
  mask_.setZero();
  mask_.head(n_penalised).setOnes();
  if (s.penalty_weights != nullptr) std::copy_n(s.penalty_weights, n_penalised, mask_.data());
}

void WorkingState::store() const {
  std::copy_n(vectors_.data(), vectors_.size(), state_.vectors);
  std::copy_n(numbers.begin(), n_numbers, state_.numbers);
  std::copy_n(counters.begin(), n_counters, state_.counters);
}

double penalty_of(const DescentSettings& s, WorkingState& state) {
  double value = 0.0;
  if (s.penalty != 0.0) {
    const ConstVectorMap b = state.penalised();
    value += 0.5 * s.penalty *
             (s.penalty_weights == nullptr ? b.squaredNorm()
                                           : b.cwiseAbs2().dot(state.penalty_weights()));
  }
  if (s.l1 != 0.0)
    value += s.l1 * (s.penalty_weights == nullptr ? state.penalised().lpNorm<1>()
                                                  : weighted_l1_norm(state));
  return value;
}

double take_step(const DescentSettings& s, StepRule& rule, double of_rows, double of_penalty,
                 double base_rate, int n_threads, WorkingState& state) {
  const Index t = ++state.counters[updates];
  const double rate = rate_at(s, base_rate, t);
  const double shrinkage = s.stops_at_zero && rate * of_penalty > 1.0 ? 1.0 / rate : of_penalty;
  std::visit([&](auto& kind) { begin(kind, t, of_rows, shrinkage, state); }, rule);
  const bool adds_squares = s.penalty_of_batch && s.penalty != 0.0;
  double squares = 0.0;
  const auto update_some = [&](Index from, Index to) {
    const double some = adds_squares ? weighted_squares(from, to, state) : 0.0;
    std::visit(
        [&](const auto& kind) {
          update(kind, rate, of_rows, shrinkage, from, to, s.sums_gradient, state);
        },
        rule);
    return some;
  };
  if (state.padded <= parameters_per_task) {
    squares = update_some(0, state.padded);
  } else {
    const Index n_tasks = (state.padded + parameters_per_task - 1) / parameters_per_task;
    std::vector<double> parts(static_cast<std::size_t>(n_tasks));
    for_each_task(n_tasks, n_threads, [&](Index k) {
      const Index from = k * parameters_per_task;
      parts[static_cast<std::size_t>(k)] =
          update_some(from, std::min(state.padded, from + parameters_per_task));
    });
    for (const double part : parts) squares += part;
  }
  if (s.l1 > 0.0) {
    state.numbers[l1_total] += rate * s.l1;
    pay_l1(s, state.numbers[l1_total], state);
  }
  if (s.average_from > 0 && t >= s.average_from) {
    const double share = 1.0 / static_cast<double>(t - s.average_from + 1);
    for (Index j = 0; j < state.padded; j += 8)
      state.at(average, j) += share * (state.at(theta, j) - state.at(average, j));
  }
  return squares;
}

Outcome watch(const DescentSettings& s, double loss, VectorRow candidate, bool scatters,
              WorkingState& state) {
  if (!(loss <= s.limit)) return Outcome::diverged;
  double& lowest = state.numbers[best_loss];
  const double wanted = s.relative ? lowest * (1.0 - s.tolerance) : lowest - s.tolerance;
  const bool improved = std::isinf(lowest) || loss < wanted;
  const bool rises = !scatters && loss > lowest * (1.0 + 1e-9) + 1e-24 * s.limit;
  state.counters[stale] = improved ? 0 : state.counters[stale] + 1;
  if (loss < lowest) {
    lowest = loss;
    std::copy_n(state.row(candidate), state.padded, state.row(best));
  }
  if (s.tolerance < 0.0 || rises) return Outcome::running;
  return state.counters[stale] >= s.patience || loss == 0.0 ? Outcome::stalled : Outcome::running;
}

}  // namespace fastlr
