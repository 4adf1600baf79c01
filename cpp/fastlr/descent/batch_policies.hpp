// What batches are made of: where their rows come from, what is lost on them, and in which order they
// come. batch_descent.hpp says how they are put together.
#pragma once

#include <concepts>

#include "fastlr/descent/descent.hpp"
#include "fastlr/descent/descent_step.hpp"
#include "fastlr/reading/row_window.hpp"

namespace fastlr {

/// Where rows come from. Two threads may pack different windows at the same time; window.count is
/// the number of rows that a window holds, and set before pack().
template <class Source>
concept WindowSource = requires(const Source& source, typename Source::Window& window,
                                const Index* rows, const std::uint32_t* places, Index count) {
  { source.window(count) } -> std::same_as<typename Source::Window>;  // room for `count` rows
  { window.count } -> std::convertible_to<Index>;
  source.pack(rows, places, count, window);  // row rows[i] of the data -> place places[i]
};

/// What descent goes down. A gradient keeps no state of a descent: what it needs room for while it
/// adds up rows is a Workspace, one for each thread and allocated once for a call.
template <class Gradient, class Window>
concept BatchGradient = requires(
    const Gradient& gradient, const DescentSettings& settings, const Window& window, Index n,
    const double* parameters, typename Gradient::Workspace& workspace, double& loss, double* sum) {
  { gradient.workspace(n) } -> std::same_as<typename Gradient::Workspace>;  // windows of n rows
  // loss and sum[0 .. n_parameters) += over rows [first, first + n) of the window, in row
  // order. `parameters` and `sum` have whole eights, beyond n_parameters zeros and anything.
  gradient.add_rows(window, n, n, parameters, workspace, loss, sum);
  // Once for a batch of n rows, before its step: may change its sum (parameters whose entry is
  // zero stay where they are), and returns what the step's gradient is multiplied by, mostly 1.
  { gradient.complete(settings, n, loss, sum) } -> std::same_as<double>;
};

/// A gradient may have a faster way for batches of a single row under the plain rule, without
/// averages or an L1 penalty: it uses the whole window, with all that is counted, or returns false.
template <class Gradient, class Window>
concept SingleRowGradient =
    requires(const Gradient& gradient, const DescentSettings& settings, double base_rate,
             const Window& window, Index n_samples, WorkingState& state) {
      {
        gradient.use_single_rows(settings, base_rate, window, n_samples, state)
      } -> std::same_as<bool>;
    };

/// A gradient may weigh its batches: their loss, gradient and penalty are then divided by the weight of
/// their own rows.
template <class Gradient, class Window>
concept WeighingGradient = requires(const Gradient& gradient, const Window& window, Index n) {
  { gradient.weight_of(window, n, n) } -> std::same_as<double>;  // of rows [n, n + n)
};

/// A gradient may share the rows of a batch out to threads, which then share steps as well.
template <class Gradient>
concept SharingGradient = requires(const Gradient& gradient) {
  { gradient.n_threads() } -> std::same_as<int>;
};

/// Rows of a table in windows of aligned doubles, standardised.
class TableSource {
 public:
  using Window = RowWindow;

  TableSource(const Rows& rows, const Column* weight, const Standardisation& standard)
      : rows_(rows), weight_(weight), standard_(standard) {}

  Window window(Index n_rows) const { return {n_rows, rows_.n_columns() - 1}; }
  void pack(const Index* rows, const std::uint32_t* places, Index count, Window& window) const {
    pack_rows(rows_, weight_, standard_, rows, places, count, window);
  }

 private:
  const Rows& rows_;
  const Column* weight_;
  const Standardisation& standard_;
};

/// What multiplies the sums of a batch of m rows, and what multiplies the penalised parameters, in
/// its loss and gradient.
inline double of_rows(const DescentSettings& s, Index m) {
  return s.mean_weight > 0.0 ? s.scale / (static_cast<double>(m) * s.mean_weight) : s.scale;
}
inline double of_penalty(const DescentSettings& s, Index m, Index n) {
  if (s.penalty_of_batch) return s.penalty / static_cast<double>(m);
  return s.mean_weight > 0.0 ? s.penalty
                             : s.penalty * static_cast<double>(m) / static_cast<double>(n);
}

/// Which rows an epoch takes, in which batches.
struct BatchOrder {
  const SamplingPlan& plan;
  Bits seed;
  const std::int64_t* given;        // with Sampling::given the rows of the epoch ...
  const std::int64_t* given_sizes;  // ... and the sizes of its batches; or nullptr
  std::uint32_t* table;             // plan.table_size entries
};

}  // namespace fastlr
