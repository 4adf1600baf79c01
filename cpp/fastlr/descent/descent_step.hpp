// What full-batch and minibatch descent share: the state in aligned memory, one update, the watch
// over the loss.
#pragma once

#include <cmath>

#include "fastlr/descent/descent.hpp"

namespace fastlr {

/// The rate of update t = 1, 2, ...: base * (t + shift)^-power.
inline double rate_at(const DescentSettings& s, double base, Index t) {
  if (s.rate_power == 0.0) return base;
  const double time = static_cast<double>(t) + s.rate_shift;
  if (s.rate_power == 0.25) return base / std::sqrt(std::sqrt(time));
  if (s.rate_power == 0.5) return base / std::sqrt(time);
  if (s.rate_power == 1.0) return base / time;
  return base * std::pow(time, -s.rate_power);
}

/// The caller's state, copied into aligned memory for the length of a call and stored at its end.
class WorkingState {
 public:
  WorkingState(DescentState& state, const DescentSettings& s);

  void store() const;

  double* row(VectorRow r) { return vectors_.data() + r * padded; }
  Eigen::Map<Eight, Eigen::AlignedMax> at(VectorRow r, Index j) {
    return Eigen::Map<Eight, Eigen::AlignedMax>(row(r) + j);
  }
  /// The weights of parameters in the penalty (ones); zero for those without one and the padding.
  Eigen::Map<const Eight, Eigen::AlignedMax> mask(Index j) const {
    return Eigen::Map<const Eight, Eigen::AlignedMax>(mask_.data() + j);
  }
  ConstVectorMap penalised() { return ConstVectorMap(row(theta), n_penalised); }
  ConstVectorMap penalty_weights() const { return ConstVectorMap(mask_.data(), n_penalised); }

  Index n_parameters;
  Index n_penalised;
  Index padded;
  std::array<double, n_numbers> numbers{};
  std::array<std::int64_t, n_counters> counters{};

 private:
  DescentState& state_;
  Buffer vectors_;
  Buffer mask_;
};

/// penalty / 2 sum_j weight_j b_j^2 + l1 |b|_1 over the penalised parameters b.
double penalty_of(const DescentSettings& s, WorkingState& state);

/// What multiplies a gradient whose residuals have a (root mean square) size beyond the limit, so
/// that they are cut there, as in scikit-learn.
inline double cut(const DescentSettings& s, double size) {
  return size > s.max_residual ? s.max_residual / size : 1.0;
}

/// One update with gradient = of_rows * batch_gradient + of_penalty * b, which is added to
/// epoch_gradient (if the settings want it); batch_gradient becomes zero. Threads share what has many
/// parameters, and change no bit. Where the penalty belongs to the batch, returns the squares that it
/// is on, before the step; else 0.
double take_step(const DescentSettings& s, StepRule& rule, double of_rows, double of_penalty,
                 double base_rate, int n_threads, WorkingState& state);

/// Compares the loss of the epoch with the best so far; `candidate` is the point that it belongs
/// to. Losses of batches scatter. A loss that is exact and above the best is on its way up, or
/// swings: it has not settled, however long ago the best one was.
Outcome watch(const DescentSettings& s, double loss, VectorRow candidate, bool scatters,
              WorkingState& state);

}  // namespace fastlr
