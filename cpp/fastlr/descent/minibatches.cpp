// Minibatch and single-row descent: windows of rows are packed in the order of their use, by a
// second thread while the first takes its steps, so that steps read nothing but nearby memory.
#include <vector>

#include "fastlr/descent/descent.hpp"
#include "fastlr/descent/descent_step.hpp"
#include "fastlr/descent/fused_rows.hpp"
#include "fastlr/threads.hpp"

namespace fastlr {
namespace {

constexpr Index windows_per_group = 8;  // of a batch that spans several windows
/// By so much a window's loss may exceed the limit: batches scatter.
constexpr double window_leeway = 100.0;

struct Epoch {
  const SamplingPlan& plan;
  const std::int64_t* given_sizes;
  double base_rate;

  Index batch_size(Index number) const {
    return given_sizes != nullptr ? given_sizes[number] : plan.batch_size;
  }
};

/// What multiplies sum w r x, and what multiplies b, in the gradient of a batch of m rows.
double of_squares(const DescentSettings& s, Index m) {
  return s.mean_weight > 0.0 ? s.scale / (static_cast<double>(m) * s.mean_weight) : s.scale;
}
double of_penalty(const DescentSettings& s, Index m, Index n) {
  return s.mean_weight > 0.0 ? s.penalty
                             : s.penalty * static_cast<double>(m) / static_cast<double>(n);
}

/// batch_gradient and batch sums += rows [first, first + n) of the window.
void add_rows(const RowWindow& window, bool weighted, Index first, Index n, WorkingState& state,
              double* offset, double* gradient, LossSums& sums) {
  const double a = state.row(theta)[state.p];
  for (Index i = 0; i < n; ++i) offset[i] = a + window.minus_y[first + i];
  fused_rows(window.X.data() + first * window.stride, window.stride, n, window.stride / 8, offset,
             weighted ? window.weight.data() + first : nullptr, state.row(theta), gradient, sums);
}

template <class StepRule>
void finish_batch(const DescentSettings& s, StepRule& rule, const Epoch& epoch,
                  WorkingState& state) {
  const Index m = state.counters[batch_rows];
  if (m == 0) return;
  state.row(batch_gradient)[state.p] = state.numbers[batch_residuals];
  if (s.penalty != 0.0 || s.l1 != 0.0) state.numbers[epoch_penalty] += penalty_of(s, state);
  const double size = m == 1
                          ? std::abs(state.numbers[batch_squares] / state.numbers[batch_residuals])
                          : std::sqrt(state.numbers[batch_squares] * of_squares(s, m) / s.scale);
  take_step(s, rule, of_squares(s, m) * cut(s, size), of_penalty(s, m, epoch.plan.n_samples),
            epoch.base_rate, state);
  state.numbers[epoch_squares] += state.numbers[batch_squares];
  state.counters[epoch_rows] += m;
  ++state.counters[epoch_updates];
  state.numbers[batch_squares] = 0.0;
  state.numbers[batch_residuals] = 0.0;
  state.counters[batch_rows] = 0;
  std::fill_n(state.row(batch_gradient), state.padded, 0.0);
}

/// Steps over a packed window, batch after batch; the last one may stay unfinished.
template <class StepRule>
void use_window(const DescentSettings& s, StepRule& rule, const Epoch& epoch,
                const RowWindow& window, bool weighted, double* offset, WorkingState& state) {
  for (Index i = 0; i < window.count;) {
    const Index wanted =
        epoch.batch_size(state.counters[epoch_updates]) - state.counters[batch_rows];
    const Index n = std::min(wanted, window.count - i);
    LossSums sums{state.numbers[batch_squares], state.numbers[batch_residuals]};
    add_rows(window, weighted, i, n, state, offset, state.row(batch_gradient), sums);
    state.numbers[batch_squares] = sums.squares;
    state.numbers[batch_residuals] = sums.residuals;
    state.counters[batch_rows] += n;
    if (n == wanted) finish_batch(s, rule, epoch, state);
    i += n;
  }
}

/// The same for batches of one row, the plain rule and few features: all that changes stays in
/// registers.
template <Index V>
void use_single_rows(const DescentSettings& s, double base_rate, const RowWindow& window,
                     bool weighted, Index n_samples, WorkingState& state) {
  std::array<Eight, V> t;
  std::array<Eight, V> mask;
  std::array<Eight, V> gradient;
  std::array<Eight, V> shrunk;
  std::array<Eight, V> norms;
  gradient.fill(Eight::Zero());
  shrunk.fill(Eight::Zero());
  norms.fill(Eight::Zero());
  const double a_at_start = state.row(theta)[state.p];
  state.row(theta)[state.p] = 0.0;
  for (std::size_t v = 0; v < V; ++v) {
    t[v] = state.at(theta, 8 * static_cast<Index>(v));
    mask[v] = state.mask(8 * static_cast<Index>(v));
  }
  const double squares_scale = of_squares(s, 1);
  const double penalty = of_penalty(s, 1, n_samples);
  const double intercept_scale = s.fit_intercept ? squares_scale : 0.0;
  double a = a_at_start;
  double squares = 0.0;
  double residuals = 0.0;
  Index update = state.counters[updates];
  const double* row = window.X.data();
  for (Index i = 0; i < window.count; ++i, row += window.stride) {
    std::array<Eight, V> x;
    for (std::size_t v = 0; v < V; ++v)
      x[v] = Eigen::Map<const Eight, Eigen::AlignedMax>(row + 8 * v);
    Eight product = x[0] * t[0];
    for (std::size_t v = 1; v < V; ++v) product += x[v] * t[v];
    const double rate = rate_at(s, base_rate, ++update);
    const double r = product.sum() + (a + window.minus_y[i]);
    double wr = weighted ? window.weight[i] * r : r;
    squares += wr * r;
    if (std::abs(r) > s.max_residual) [[unlikely]]
      wr *= cut(s, std::abs(r));
    residuals += wr;
    const double step = rate * squares_scale * wr;
    if (penalty != 0.0 && s.penalty_weights == nullptr) {
      const double share = 1.0 - rate * penalty;
      const double keep = s.stops_at_zero ? std::max(0.0, share) : share;
      for (std::size_t v = 0; v < V; ++v) {
        norms[v] += t[v] * t[v];
        shrunk[v] += t[v];
        t[v] *= keep;
      }
    } else if (penalty != 0.0) {
      for (std::size_t v = 0; v < V; ++v) {
        const Eight share = 1.0 - (rate * penalty) * mask[v];
        norms[v] += mask[v] * (t[v] * t[v]);
        shrunk[v] += mask[v] * t[v];
        t[v] *= s.stops_at_zero ? share.max(0.0).eval() : share;
      }
    }
    a -= rate * intercept_scale * wr;
    for (std::size_t v = 0; v < V; ++v) {
      t[v] -= step * x[v];
      gradient[v] += wr * x[v];
    }
  }
  double norm = 0.0;
  for (std::size_t v = 0; v < V; ++v) {
    const Index j = 8 * static_cast<Index>(v);
    state.at(theta, j) = t[v];
    state.at(epoch_gradient, j) += squares_scale * gradient[v] + penalty * shrunk[v];
    norm += norms[v].sum();
  }
  state.row(theta)[state.p] = a;
  state.row(epoch_gradient)[state.p] += intercept_scale * residuals;
  state.numbers[epoch_squares] += squares;
  state.numbers[epoch_penalty] += 0.5 * s.penalty * norm;
  state.counters[updates] = update;
  state.counters[epoch_updates] += window.count;
  state.counters[epoch_rows] += window.count;
}

/// Whether the rows could be used one by one in registers.
bool use_single_rows(const DescentSettings& s, const Epoch& epoch, const RowWindow& window,
                     bool weighted, WorkingState& state) {
  if (epoch.plan.batch_size != 1 || epoch.given_sizes != nullptr || s.rule != Rule::plain ||
      s.l1 > 0.0 || s.average_from > 0)
    return false;
  switch (window.stride / 8) {
    case 1:
      use_single_rows<1>(s, epoch.base_rate, window, weighted, epoch.plan.n_samples, state);
      return true;
    case 2:
      use_single_rows<2>(s, epoch.base_rate, window, weighted, epoch.plan.n_samples, state);
      return true;
    case 3:
      use_single_rows<3>(s, epoch.base_rate, window, weighted, epoch.plan.n_samples, state);
      return true;
    case 4:
      use_single_rows<4>(s, epoch.base_rate, window, weighted, epoch.plan.n_samples, state);
      return true;
    default:
      return false;
  }
}

Outcome finish_epoch(const DescentSettings& s, const SamplingPlan& plan, double rate, Index e,
                     WorkingState& state, const DescentHistory& history) {
  const double rows = static_cast<double>(std::max<std::int64_t>(1, state.counters[epoch_rows]));
  const double steps =
      static_cast<double>(std::max<std::int64_t>(1, state.counters[epoch_updates]));
  const double n = static_cast<double>(plan.n_samples);
  const double squares = state.numbers[epoch_squares] / rows;
  const double of_mean = s.mean_weight > 0.0 ? s.scale / s.mean_weight : s.scale * n;
  history.squares[e] = squares * n;
  history.loss[e] = 0.5 * of_mean * squares + state.numbers[epoch_penalty] / steps;
  const double per_step = s.mean_weight > 0.0 ? 1.0 / steps : n / rows;
  history.gradient_norm[e] =
      per_step * ConstVectorMap(state.row(epoch_gradient), state.p + 1).norm();
  history.rate[e] = rate;
  if (history.path != nullptr)
    std::copy_n(state.row(theta), state.p + 1, history.path + e * (state.p + 1));
  std::fill_n(state.row(epoch_gradient), state.padded, 0.0);
  state.numbers[epoch_squares] = 0.0;
  state.numbers[epoch_penalty] = 0.0;
  state.counters[epoch_rows] = 0;
  state.counters[epoch_updates] = 0;
  state.counters[windows] = 0;
  ++state.counters[epochs];
  return watch(s, history.loss[e], theta, true, state);
}

/// Whether the rows used so far in this epoch have a loss far above the limit, or none at all.
bool has_exploded(const DescentSettings& s, const SamplingPlan& plan, WorkingState& state) {
  const double rows = static_cast<double>(state.counters[epoch_rows] + state.counters[batch_rows]);
  const double squares =
      (state.numbers[epoch_squares] + state.numbers[batch_squares]) / std::max(1.0, rows);
  const double of_mean =
      s.mean_weight > 0.0 ? s.scale / s.mean_weight : s.scale * static_cast<double>(plan.n_samples);
  return !(0.5 * of_mean * squares <= window_leeway * s.limit);
}

class BatchDescent {
 public:
  BatchDescent(const Rows& rows, const Column* weight, const Standardisation& standard,
               const SamplingPlan& plan, int n_threads, Index n_buffers)
      : rows_(rows),
        weight_(weight),
        standard_(standard),
        plan_(plan),
        n_threads_(n_threads),
        offset_(plan.window_rows) {
    const Index size = std::min(plan.window_rows, plan.epoch_rows);
    for (Index k = 0; k < n_buffers; ++k) {
      windows_.emplace_back(size, rows.n_columns() - 1);
      lists_.emplace_back(static_cast<std::size_t>(size));
      places_.emplace_back(static_cast<std::size_t>(size));
    }
  }

  /// Windows one after another; a second thread packs what comes next.
  template <class StepRule>
  void run_windows(const DescentSettings& s, StepRule& rule, const Epoch& epoch,
                   const EpochLists& lists, Index last, WorkingState& state) {
    const int n_threads =
        lists.is_sequential() || windows_.size() < WorkAhead::buffers_needed ? 1 : n_threads_;
    WorkAhead::run(
        state.counters[windows], last, n_threads,
        [&](Index window, Index buffer) {
          list(lists, window, buffer);
          pack(buffer);
        },
        [&](Index, Index buffer) {
          const RowWindow& window = at(windows_, buffer);
          if (!use_single_rows(s, epoch, window, weight_ != nullptr, state))
            use_window(s, rule, epoch, window, weight_ != nullptr, offset_.data(), state);
          ++state.counters[windows];
          return !has_exploded(s, plan_, state);
        });
  }

  /// Batches that span many windows: windows are summed in parallel, and added in order.
  template <class StepRule>
  void run_groups(const DescentSettings& s, StepRule& rule, const Epoch& epoch,
                  const EpochLists& lists, Index last, WorkingState& state) {
    for (Index first = state.counters[windows]; first < last; first += windows_per_group) {
      const Index n = std::min(windows_per_group, last - first);
      std::array<Index, windows_per_group + 1> start{};
      for (Index k = 0; k < n; ++k) {
        list(lists, first + k, k);
        start[static_cast<std::size_t>(k + 1)] =
            start[static_cast<std::size_t>(k)] + at(windows_, k).count;
      }
      const Index total = start[static_cast<std::size_t>(n)];
      for (Index done = 0; done < total;) {
        const Index wanted =
            epoch.batch_size(state.counters[epoch_updates]) - state.counters[batch_rows];
        const Index end = std::min(total, done + wanted);
        add_group(n, start.data(), done, end, state);
        state.counters[batch_rows] += end - done;
        if (end - done == wanted) finish_batch(s, rule, epoch, state);
        done = end;
      }
      state.counters[windows] += n;
      if (has_exploded(s, plan_, state)) return;
    }
  }

 private:
  template <class Items>
  static auto& at(Items& items, Index k) {
    return items[static_cast<std::size_t>(k)];
  }

  void list(const EpochLists& lists, Index window, Index buffer) {
    at(windows_, buffer).count =
        lists.list(window, at(lists_, buffer).data(), at(places_, buffer).data());
  }

  void pack(Index k) {
    RowWindow& window = at(windows_, k);
    pack_rows(rows_, weight_, standard_, at(lists_, k).data(), at(places_, k).data(), window.count,
              window);
  }

  /// batch_gradient and batch sums += rows [first, last) of the group, whose window k begins at
  /// start[k].
  void add_group(Index n, const Index* start, Index first, Index last, WorkingState& state) {
    const Index size = state.padded + 2;
    Buffer sums = Buffer::Zero(n * size);
    for_each_task(n, n_threads_, [&](Index k) {
      RowWindow& window = at(windows_, k);
      if (first == 0) pack(k);
      const Index from = std::clamp(first, start[k], start[k + 1]) - start[k];
      const Index to = std::clamp(last, start[k], start[k + 1]) - start[k];
      Buffer offset(window.count);
      LossSums of_window;
      double* slot = sums.data() + k * size;
      add_rows(window, weight_ != nullptr, from, to - from, state, offset.data(), slot + 2,
               of_window);
      slot[0] = of_window.squares;
      slot[1] = of_window.residuals;
    });
    for (Index k = 0; k < n; ++k) {
      state.numbers[batch_squares] += sums[k * size];
      state.numbers[batch_residuals] += sums[k * size + 1];
      for (Index j = 0; j < state.p; ++j) state.row(batch_gradient)[j] += sums[k * size + 2 + j];
    }
  }

  const Rows& rows_;
  const Column* weight_;
  const Standardisation& standard_;
  const SamplingPlan& plan_;
  int n_threads_;
  Buffer offset_;
  std::vector<RowWindow> windows_;
  std::vector<std::vector<Index>> lists_;
  std::vector<std::vector<std::uint32_t>> places_;
};

}  // namespace

EpochsDone descend_batches(const Rows& rows, const Column* weight, const Standardisation& standard,
                           const DescentSettings& s, const SamplingPlan& plan, Bits seed,
                           const std::int64_t* given, const std::int64_t* given_sizes,
                           Index n_epochs, Index row_budget, const double* base_rates,
                           int n_threads, std::uint32_t* table, DescentState& caller,
                           const DescentHistory& history) {
  WorkingState state(caller, s);
  const bool large = given_sizes == nullptr && plan.batch_size >= 4 * plan.window_rows;
  const Index wanted = large ? windows_per_group : n_threads > 1 ? WorkAhead::buffers_needed : 1;
  BatchDescent descent(rows, weight, standard, plan, n_threads, plan.n_windows == 1 ? 1 : wanted);
  Index windows_left = std::max<Index>(1, row_budget / plan.window_rows);
  const EpochsDone progress = with_rule(s.rule, s.constants, [&](auto rule) {
    EpochsDone now;
    while (now.epochs < n_epochs && windows_left > 0 && now.outcome == Outcome::running) {
      const Epoch epoch{plan, given_sizes, base_rates[now.epochs]};
      const double rate =
          rate_at(s, epoch.base_rate, state.counters[updates] - state.counters[epoch_updates] + 1);
      const Index first = state.counters[windows];
      const Index last = std::min(plan.n_windows, first + windows_left);
      const EpochLists lists(plan, seed, state.counters[epochs], first == 0, given, table);
      if (large) {
        descent.run_groups(s, rule, epoch, lists, last, state);
      } else {
        descent.run_windows(s, rule, epoch, lists, last, state);
      }
      windows_left -= last - first;
      const bool exploded = has_exploded(s, plan, state);
      if (!exploded && last < plan.n_windows) break;
      if (!exploded) finish_batch(s, rule, epoch, state);
      now.outcome = finish_epoch(s, plan, rate, now.epochs, state, history);
      if (exploded) now.outcome = Outcome::diverged;
      ++now.epochs;
    }
    return now;
  });
  state.store();
  return progress;
}

}  // namespace fastlr
