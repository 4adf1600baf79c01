// Minibatch and single-row descent on whatever has a gradient: windows of sampled rows, steps,
// rates, averages, the watch over the loss and its divergence. What the rows are and what is lost
// on them is known to two policies, which are template arguments, so that nothing in a loop is
// called through a pointer:
//
//   source    packs the rows of a window, in the order of their use, by a second thread while the
//             first takes its steps, so that steps read nothing but nearby memory (TableSource, or
//             windows of one's own: several targets, single precision).
//   gradient  adds the loss of some rows of a window, and its gradient, to what the batch has so
//             far. It has parameters theta_0 .. theta_(n-1), as many as the state says, which also
//             says how many of them a penalty is on.
//
// LineGradient (minibatches.cpp) is one; tests/test_descent.cpp has a neuron of its own. The
// loss of a batch of m rows is f_m * sum of what add_rows adds, plus the penalty, where f_m is
// scale / (m mean_weight), or scale in the sum convention.
#pragma once

#include <utility>
#include <vector>

#include "fastlr/descent/batch_policies.hpp"
#include "fastlr/descent/descent.hpp"
#include "fastlr/descent/descent_step.hpp"
#include "fastlr/threads.hpp"

namespace fastlr {

/// The batches of one call: what they are made of, and the loops over windows and groups of them.
template <WindowSource Source, BatchGradient<typename Source::Window> Gradient>
class BatchDescent {
 public:
  using Window = typename Source::Window;

  BatchDescent(const Source& source, const Gradient& gradient, const DescentSettings& settings,
               const BatchOrder& order, int n_threads, WorkingState& state)
      : source_(source),
        gradient_(gradient),
        s_(settings),
        rule_(step_rule(settings.rule, settings.constants)),
        order_(order),
        plan_(order.plan),
        n_threads_(n_threads),
        state_(state),
        is_large_(order.given_sizes == nullptr &&
                  order.plan.batch_size >= 4 * order.plan.window_rows) {
    const Index wanted = is_large_       ? windows_per_group
                         : n_threads > 1 ? WorkAhead::buffers_needed
                                         : 1;
    const Index n_buffers = plan_.n_windows == 1 ? 1 : wanted;
    const Index n_rows = std::min(plan_.window_rows, plan_.epoch_rows);
    for (Index k = 0; k < n_buffers; ++k) {
      windows_.push_back(source.window(n_rows));
      lists_.emplace_back(static_cast<std::size_t>(n_rows));
      places_.emplace_back(static_cast<std::size_t>(n_rows));
      if (k == 0 || is_large_) workspaces_.push_back(gradient.workspace(n_rows));
    }
    if (is_large_) {
      sums_.resize(n_buffers * state.padded);
      losses_.resize(n_buffers);
    }
  }

  /// See run_batches.
  EpochsDone run(Index n_epochs, Index row_budget, const double* base_rates,
                 const DescentHistory& history) {
    Index windows_left = std::max<Index>(1, row_budget / plan_.window_rows);
    EpochsDone now;
    while (now.epochs < n_epochs && windows_left > 0 && now.outcome == Outcome::running) {
      base_rate_ = base_rates[now.epochs];
      const double rate =
          rate_at(s_, base_rate_, state_.counters[updates] - state_.counters[epoch_updates] + 1);
      const Index first = state_.counters[windows];
      const Index last = std::min(plan_.n_windows, first + windows_left);
      const EpochLists lists(plan_, order_.seed, state_.counters[epochs], first == 0, order_.given,
                             order_.table);
      if (is_large_) {
        run_groups(lists, last);
      } else {
        run_windows(lists, last);
      }
      windows_left -= last - first;
      const bool exploded = has_exploded();
      if (!exploded && last < plan_.n_windows) break;
      if (!exploded) finish_batch();
      now.outcome = finish_epoch(rate, now.epochs, history);
      if (exploded) now.outcome = Outcome::diverged;
      ++now.epochs;
    }
    return now;
  }

 private:
  static constexpr Index windows_per_group = 8;  // of a batch that spans several windows
  /// By so much a window's loss may exceed the limit: batches scatter.
  static constexpr double window_leeway = 100.0;

  template <class Items>
  static auto& at(Items& items, Index k) {
    return items[static_cast<std::size_t>(k)];
  }

  Index batch_size(Index number) const {
    return order_.given_sizes != nullptr ? order_.given_sizes[number] : plan_.batch_size;
  }

  /// How many rows the batch at work still needs.
  Index rows_wanted() const {
    return batch_size(state_.counters[epoch_updates]) - state_.counters[batch_rows];
  }

  void list(const EpochLists& lists, Index window, Index buffer) {
    at(windows_, buffer).count =
        lists.list(window, at(lists_, buffer).data(), at(places_, buffer).data());
  }

  void pack(Index k) {
    Window& window = at(windows_, k);
    source_.pack(at(lists_, k).data(), at(places_, k).data(), window.count, window);
  }

  /// Windows one after another; a second thread packs what comes next.
  void run_windows(const EpochLists& lists, Index last) {
    const int n_threads =
        lists.is_sequential() || windows_.size() < WorkAhead::buffers_needed ? 1 : n_threads_;
    WorkAhead::run(
        state_.counters[windows], last, n_threads,
        [&](Index window, Index buffer) {
          list(lists, window, buffer);
          pack(buffer);
        },
        [&](Index, Index buffer) {
          const Window& window = at(windows_, buffer);
          if (!use_single_rows(window)) use_window(window);
          ++state_.counters[windows];
          return !has_exploded();
        });
  }

  /// Whether the rows could be used one by one by a way of the gradient's own.
  bool use_single_rows(const Window& window) {
    if constexpr (SingleRowGradient<Gradient, Window>) {
      if (plan_.batch_size != 1 || order_.given_sizes != nullptr || s_.rule != Rule::plain ||
          s_.l1 > 0.0 || s_.average_from > 0)
        return false;
      return gradient_.use_single_rows(s_, base_rate_, window, plan_.n_samples, state_);
    } else {
      return false;
    }
  }

  /// Steps over a packed window, batch after batch; the last one may stay unfinished.
  void use_window(const Window& window) {
    for (Index i = 0; i < window.count;) {
      const Index wanted = rows_wanted();
      const Index n = std::min(wanted, window.count - i);
      gradient_.add_rows(window, i, n, state_.row(theta), workspaces_.front(),
                         state_.numbers[batch_loss], state_.row(batch_gradient));
      weigh(window, i, n);
      state_.counters[batch_rows] += n;
      if (n == wanted) finish_batch();
      i += n;
    }
  }

  /// Batches that span many windows: windows are summed in parallel, and added in order.
  void run_groups(const EpochLists& lists, Index last) {
    for (Index first = state_.counters[windows]; first < last; first += windows_per_group) {
      const Index n = std::min(windows_per_group, last - first);
      std::array<Index, windows_per_group + 1> start{};
      for (Index k = 0; k < n; ++k) {
        list(lists, first + k, k);
        at(start, k + 1) = at(start, k) + at(windows_, k).count;
      }
      const Index total = at(start, n);
      for (Index done = 0; done < total;) {
        const Index wanted = rows_wanted();
        const Index end = std::min(total, done + wanted);
        add_group(n, start.data(), done, end);
        state_.counters[batch_rows] += end - done;
        if (end - done == wanted) finish_batch();
        done = end;
      }
      state_.counters[windows] += n;
      if (has_exploded()) return;
    }
  }

  /// The batch's sums += rows [first, last) of the group, whose window k begins at start[k].
  void add_group(Index n, const Index* start, Index first, Index last) {
    for_each_task(n, n_threads_, [&](Index k) {
      if (first == 0) pack(k);
      const Index from = std::clamp(first, start[k], start[k + 1]) - start[k];
      const Index to = std::clamp(last, start[k], start[k + 1]) - start[k];
      double* sum = sums_.data() + k * state_.padded;
      std::fill_n(sum, state_.padded, 0.0);
      losses_[k] = 0.0;
      gradient_.add_rows(at(windows_, k), from, to - from, state_.row(theta), at(workspaces_, k),
                         losses_[k], sum);
    });
    double* batch = state_.row(batch_gradient);
    for (Index k = 0; k < n; ++k) {
      const Index from = std::clamp(first, start[k], start[k + 1]) - start[k];
      weigh(at(windows_, k), from, std::clamp(last, start[k], start[k + 1]) - start[k] - from);
      state_.numbers[batch_loss] += losses_[k];
      for (Index j = 0; j < state_.n_parameters; ++j) batch[j] += sums_[k * state_.padded + j];
    }
  }

  /// Adds the weight of rows [first, first + n) to that of the batch.
  void weigh(const Window& window, Index first, Index n) {
    if constexpr (WeighingGradient<Gradient, Window>)
      state_.numbers[batch_weight] += gradient_.weight_of(window, first, n);
  }

  /// What multiplies the mean over the batch's m rows where it weighs them.
  double take_share(Index m) {
    if constexpr (WeighingGradient<Gradient, Window>) {
      const double weight = std::exchange(state_.numbers[batch_weight], 0.0);
      return weight > 0.0 ? static_cast<double>(m) / weight : 0.0;
    } else {
      static_cast<void>(m);
      return 1.0;
    }
  }

  /// Threads for a step: those of a gradient that shares its batches out, while the loop has one.
  int step_threads() const {
    if constexpr (SharingGradient<Gradient>) return gradient_.n_threads();
    return 1;
  }

  void finish_batch() {
    const Index m = state_.counters[batch_rows];
    if (m == 0) return;
    const double of_weight = take_share(m);
    if (!s_.penalty_of_batch && (s_.penalty != 0.0 || s_.l1 != 0.0))
      state_.numbers[epoch_penalty] += of_weight * penalty_of(s_, state_);
    const double share = of_weight * gradient_.complete(s_, m, state_.numbers[batch_loss],
                                                        state_.row(batch_gradient));
    const double squares =
        take_step(s_, rule_, of_rows(s_, m) * share, of_weight * of_penalty(s_, m, plan_.n_samples),
                  base_rate_, step_threads(), state_);
    if (s_.penalty_of_batch)
      state_.numbers[epoch_penalty] += of_weight * 0.5 * s_.penalty * squares;
    state_.numbers[epoch_loss] += of_weight * state_.numbers[batch_loss];
    state_.counters[epoch_rows] += m;
    ++state_.counters[epoch_updates];
    state_.numbers[batch_loss] = 0.0;
    state_.counters[batch_rows] = 0;
  }

  /// What multiplies a mean over rows in the loss of all.
  double of_mean() const {
    return s_.mean_weight > 0.0 ? s_.scale / s_.mean_weight
                                : s_.scale * static_cast<double>(plan_.n_samples);
  }

  Outcome finish_epoch(double rate, Index e, const DescentHistory& history) {
    const double rows = static_cast<double>(std::max<std::int64_t>(1, state_.counters[epoch_rows]));
    const double steps =
        static_cast<double>(std::max<std::int64_t>(1, state_.counters[epoch_updates]));
    const double n = static_cast<double>(plan_.n_samples);
    const double loss = state_.numbers[epoch_loss] / rows;
    const double penalty = state_.numbers[epoch_penalty] / (s_.penalty_of_batch ? rows : steps);
    history.squares[e] = 2.0 * loss * n;
    history.loss[e] = of_mean() * loss + penalty;
    const double per_step = s_.mean_weight > 0.0 ? 1.0 / steps : n / rows;
    history.gradient_norm[e] =
        per_step * ConstVectorMap(state_.row(epoch_gradient), state_.n_parameters).norm();
    history.rate[e] = rate;
    if (history.path != nullptr)
      std::copy_n(state_.row(theta), state_.n_parameters, history.path + e * state_.n_parameters);
    std::fill_n(state_.row(epoch_gradient), state_.padded, 0.0);
    state_.numbers[epoch_loss] = 0.0;
    state_.numbers[epoch_penalty] = 0.0;
    state_.counters[epoch_rows] = 0;
    state_.counters[epoch_updates] = 0;
    state_.counters[windows] = 0;
    ++state_.counters[epochs];
    return watch(s_, history.loss[e], theta, true, state_);
  }

  /// Whether the rows used so far in this epoch have a loss far above the limit, or none at all.
  bool has_exploded() const {
    const auto rows =
        static_cast<double>(state_.counters[epoch_rows] + state_.counters[batch_rows]);
    const double loss =
        (state_.numbers[epoch_loss] + state_.numbers[batch_loss]) / std::max(1.0, rows);
    return !(of_mean() * loss <= window_leeway * s_.limit);
  }

  const Source& source_;
  const Gradient& gradient_;
  const DescentSettings& s_;
  StepRule rule_;
  BatchOrder order_;
  const SamplingPlan& plan_;
  int n_threads_;
  WorkingState& state_;
  bool is_large_;
  double base_rate_ = 0.0;  // of this epoch
  std::vector<Window> windows_;
  std::vector<std::vector<Index>> lists_;
  std::vector<std::vector<std::uint32_t>> places_;
  std::vector<typename Gradient::Workspace> workspaces_;
  Buffer sums_;  // of the windows of a group
  Buffer losses_;
};

/// Goes on until `n_epochs` epochs are complete or some `row_budget` rows have been used.
template <WindowSource Source, BatchGradient<typename Source::Window> Gradient>
EpochsDone run_batches(const Source& source, const Gradient& gradient, const DescentSettings& s,
                       const BatchOrder& order, Index n_epochs, Index row_budget,
                       const double* base_rates, int n_threads, DescentState& caller,
                       const DescentHistory& history) {
  WorkingState state(caller, s);
  BatchDescent descent(source, gradient, s, order, n_threads, state);
  const EpochsDone done = descent.run(n_epochs, row_budget, base_rates, history);
  state.store();
  return done;
}

}  // namespace fastlr
