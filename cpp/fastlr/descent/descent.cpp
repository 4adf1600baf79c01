// Full-batch descent: from rows, and from moments.
#include "fastlr/descent/descent.hpp"

#include "fastlr/descent/descent_step.hpp"

namespace fastlr {
namespace {

double gradient_norm_of(WorkingState& state, double of_squares, double of_penalty) {
  const double* gradient = state.row(batch_gradient);
  const ConstVectorMap g(gradient, state.n_penalised);
  const double squares =
      (of_squares * g + of_penalty * state.penalty_weights().cwiseProduct(state.penalised()))
          .squaredNorm();
  double without_penalty = 0.0;
  for (Index j = state.n_penalised; j < state.n_parameters; ++j)
    without_penalty += (of_squares * gradient[j]) * (of_squares * gradient[j]);
  return std::sqrt(squares + without_penalty);
}

/// evaluate(state) sets batch_gradient = (X' (w r), sum w r) and returns sum w r^2 at theta, or what
/// another loss has in their place. Without an intercept, theta_p stays where it is.
template <class Evaluate>
EpochsDone run_epochs(const DescentSettings& s, double weight, Index n_epochs,
                      const double* base_rates, const Evaluate& evaluate, WorkingState& state,
                      const DescentHistory& history) {
  const double of_squares = s.mean_weight > 0.0 ? s.scale / weight : s.scale;
  StepRule rule = step_rule(s.rule, s.constants);
  EpochsDone progress;
  while (progress.epochs < n_epochs && progress.outcome == Outcome::running) {
    const Index e = progress.epochs++;
    const double squares = evaluate(state);
    if (!s.fit_intercept) state.row(batch_gradient)[state.n_parameters - 1] = 0.0;
    history.squares[e] = squares;
    history.loss[e] = 0.5 * of_squares * squares + penalty_of(s, state);
    history.gradient_norm[e] = gradient_norm_of(state, of_squares, s.penalty);
    history.rate[e] = rate_at(s, base_rates[e], state.counters[updates] + 1);
    progress.outcome = watch(s, history.loss[e], theta, false, state);
    const double share = s.loss == Loss::squared ? cut(s, std::sqrt(squares / weight)) : 1.0;
    if (progress.outcome != Outcome::diverged)
      take_step(s, rule, of_squares * share, s.penalty, base_rates[e], 1, state);
    if (history.path != nullptr)
      std::copy_n(state.row(theta), state.n_parameters, history.path + e * (state.n_parameters));
    ++state.counters[epochs];
  }
  return progress;
}

/// Parameters of standardised features -> parameters of the features themselves.
void to_raw(const Standardisation& standard, Index p, const double* parameters, double* raw) {
  double intercept = parameters[p];
  for (Index j = 0; j < p; ++j) {
    raw[j] = parameters[j] * standard.factor[j];
    intercept -= raw[j] * standard.centre[j];
  }
  raw[p] = intercept;
}

/// The gradient with respect to raw parameters -> with respect to those of standardised features.
void to_standardised(const Standardisation& standard, Index p, double* gradient) {
  for (Index j = 0; j < p; ++j)
    gradient[j] = (gradient[j] - standard.centre[j] * gradient[p]) * standard.factor[j];
}

}  // namespace

EpochsDone descend_rows(const Rows& rows, const Column* weight, const Standardisation& standard,
                        const DescentSettings& s, const SlotPlan& plan, Index part, Index n_epochs,
                        const double* base_rates, int n_threads, double* slots,
                        DescentState& caller, const DescentHistory& history) {
  WorkingState state(caller, s);
  const Index p = rows.n_columns() - 1;
  Buffer raw(state.padded);
  const auto accumulate = [&] {
    const double* parameters = state.row(theta);
    if (standard.factor != nullptr) {
      to_raw(standard, p, parameters, raw.data());
      parameters = raw.data();
    }
    accumulate_loss(rows, weight, parameters, plan, part, n_threads, slots, s.of_residual());
  };
  if (part < plan.n_parts - 1) {
    accumulate();
    return {};
  }
  const double total = s.mean_weight * static_cast<double>(rows.n_samples);
  const EpochsDone progress = run_epochs(
      s, total, n_epochs, base_rates,
      [&](WorkingState&) {
        accumulate();
        const double squares = add_slots(plan, p, slots, state.row(batch_gradient));
        if (standard.factor != nullptr) to_standardised(standard, p, state.row(batch_gradient));
        std::fill_n(slots, plan.n_slots * plan.slot_size, 0.0);
        return squares;
      },
      state, history);
  state.store();
  return progress;
}

EpochsDone descend_moments(const DescentMoments& moments, const DescentSettings& s, Index n_epochs,
                           const double* base_rates, DescentState& caller,
                           const DescentHistory& history) {
  WorkingState state(caller, s);
  const Index p = moments.xy.size();
  const EpochsDone progress = run_epochs(
      s, moments.weight, n_epochs, base_rates,
      [&](WorkingState& at) {
        // r = (x - mean_x)' b - (y - mean_y) + e with the constant e = a + mean_x' b - mean_y.
        const ConstVectorMap b(at.row(theta), p);
        VectorMap g(at.row(batch_gradient), p);
        g.noalias() = moments.xx * b;
        g -= moments.xy;
        const double e = at.row(theta)[p] + moments.mean_x.dot(b) - moments.mean_y;
        const double squares = b.dot(g) - moments.xy.dot(b) + moments.yy + moments.weight * e * e;
        g += (moments.weight * e) * moments.mean_x;
        at.row(batch_gradient)[p] = moments.weight * e;
        return std::max(0.0, squares);
      },
      state, history);
  state.store();
  return progress;
}

}  // namespace fastlr
