// Minibatch and single-row descent of a line on the squared loss, or another one of the residuals.
#include "fastlr/descent/batch_descent.hpp"
#include "fastlr/descent/fused_rows.hpp"

namespace fastlr {
namespace {

/// Batches of one row, the plain rule and few features: all that changes stays in registers.
template <Index V, class Loss>
void use_single_rows(const Loss& loss, const DescentSettings& s, double base_rate,
                     const RowWindow& window, bool weighted, Index n_samples, WorkingState& state) {
  const Index p = state.n_parameters - 1;
  std::array<Eight, V> t;
  std::array<Eight, V> mask;
  std::array<Eight, V> gradient;
  std::array<Eight, V> shrunk;
  std::array<Eight, V> norms;
  gradient.fill(Eight::Zero());
  shrunk.fill(Eight::Zero());
  norms.fill(Eight::Zero());
  const double a_at_start = state.row(theta)[p];
  state.row(theta)[p] = 0.0;
  for (std::size_t v = 0; v < V; ++v) {
    t[v] = state.at(theta, 8 * static_cast<Index>(v));
    mask[v] = state.mask(8 * static_cast<Index>(v));
  }
  const double squares_scale = of_rows(s, 1);
  const double penalty = of_penalty(s, 1, n_samples);
  const double intercept_scale = s.fit_intercept ? squares_scale * s.intercept_rate : 0.0;
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
    double wr;
    if constexpr (std::is_same_v<Loss, SquaredLoss>) {
      wr = weighted ? window.weight[i] * r : r;
      squares += wr * r;
      if (std::abs(r) > s.max_residual) [[unlikely]]
        wr *= cut(s, std::abs(r));
    } else {
      const double twice = loss.evaluate(r, wr);
      if (weighted) wr *= window.weight[i];
      squares += weighted ? window.weight[i] * twice : twice;
    }
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
  state.row(theta)[p] = a;
  state.row(epoch_gradient)[p] += intercept_scale * residuals;
  state.numbers[epoch_loss] += 0.5 * squares;
  state.numbers[epoch_penalty] += 0.5 * s.penalty * norm;
  state.counters[updates] = update;
  state.counters[epoch_updates] += window.count;
  state.counters[epoch_rows] += window.count;
}

/// Doubles or floats, which only the gradient tells apart: the loops over batches are one code.
struct WindowInPlace : RowsInPlace {
  WindowInPlace(Index n_rows, Index n_ahead, bool are_floats)
      : RowsInPlace(n_rows, n_ahead), is_single(are_floats) {}

  bool is_single;
};

/// Rows of a row-major table where they lie.
class SourceInPlace {
 public:
  using Window = WindowInPlace;

  SourceInPlace(const Rows& rows, const Column* weight)
      : rows_(rows, weight, lanes), is_single_(rows.columns.front().dtype == DType::f32) {}

  Window window(Index n_rows) const {
    return {n_rows, RowsByAddress<double>::rows_ahead, is_single_};
  }
  void pack(const Index* rows, const std::uint32_t* places, Index count, Window& window) const {
    rows_.pack(rows, places, count, window);
  }

 private:
  PlacedRows rows_;
  bool is_single_;
};

/// w l(r) with r = x' b + a - y and theta = (b, a): its gradient is (w l'(r) x, w l'(r)). The squared
/// loss, l(r) = r^2 / 2, goes its own way.
class LineGradient {
 public:
  using Workspace = Buffer;  // a - y of the rows at work

  LineGradient(Index n_features, bool weighted, const ResidualLoss& loss)
      : p_(n_features), weighted_(weighted), width_(n_features), loss_(loss) {}

  Workspace workspace(Index n_rows) const { return Buffer(n_rows); }

  // Called for every batch: a call of its own would cost batches of one row some percent.
  [[gnu::always_inline]] void add_rows(const RowWindow& window, Index first, Index n,
                                       const double* parameters, Workspace& offset, double& loss,
                                       double* sum) const {
    const RowsInOrder<double> rows{
        reinterpret_cast<const std::byte*>(window.X.data() + first * window.stride),
        window.stride * Index{sizeof(double)}};
    add(rows, window, first, n, parameters, offset, loss, sum);
  }

  void add_rows(const WindowInPlace& window, Index first, Index n, const double* parameters,
                Workspace& offset, double& loss, double* sum) const {
    const std::byte* const* address = window.address.data() + first;
    if (window.is_single) {
      add(RowsByAddress<float>{address}, window, first, n, parameters, offset, loss, sum);
    } else {
      add(RowsByAddress<double>{address}, window, first, n, parameters, offset, loss, sum);
    }
  }

  /// Residuals are cut at s.max_residual: of a batch, by their root mean square. The slopes of other
  /// losses are cut already.
  double complete(const DescentSettings& s, Index m, double loss, double* sum) const {
    const double residuals = sum[p_];
    sum[p_] = s.fit_intercept ? s.intercept_rate * residuals : 0.0;
    if (std::isinf(s.max_residual) || !loss_.is_squared()) return 1.0;
    const double squares = 2.0 * loss;
    return cut(
        s, m == 1 ? std::abs(squares / residuals) : std::sqrt(squares * of_rows(s, m) / s.scale));
  }

  bool use_single_rows(const DescentSettings&, double, const WindowInPlace&, Index,
                       WorkingState&) const {
    return false;
  }

  bool use_single_rows(const DescentSettings& s, double base_rate, const RowWindow& window,
                       Index n_samples, WorkingState& state) const {
    const auto with = [&](const auto& loss) {
      return use_rows_of(loss, s, base_rate, window, n_samples, state);
    };
    return loss_.is_squared() ? with(SquaredLoss{}) : with(loss_);
  }

 private:
  template <class Loss>
  bool use_rows_of(const Loss& loss, const DescentSettings& s, double base_rate,
                   const RowWindow& window, Index n_samples, WorkingState& state) const {
    switch (window.stride / 8) {
      case 1:
        fastlr::use_single_rows<1>(loss, s, base_rate, window, weighted_, n_samples, state);
        return true;
      case 2:
        fastlr::use_single_rows<2>(loss, s, base_rate, window, weighted_, n_samples, state);
        return true;
      case 3:
        fastlr::use_single_rows<3>(loss, s, base_rate, window, weighted_, n_samples, state);
        return true;
      case 4:
        fastlr::use_single_rows<4>(loss, s, base_rate, window, weighted_, n_samples, state);
        return true;
      default:
        return false;
    }
  }

  template <class Source, class Window>
  void add(const Source& rows, const Window& window, Index first, Index n, const double* parameters,
           Workspace& offset, double& loss, double* sum) const {
    const double a = parameters[p_];
    for (Index i = 0; i < n; ++i) offset[i] = a + window.minus_y[first + i];
    const double residuals = sum[p_];  // the last register of features may reach as far
    LossSums sums;
    const double* weight = weighted_ ? window.weight.data() + first : nullptr;
    if (loss_.is_squared()) [[likely]] {
      fused_rows(rows, n, width_, offset.data(), weight, parameters, sum, sums);
    } else {
      fused_rows(rows, n, width_, offset.data(), weight, parameters, sum, sums, loss_);
    }
    loss += 0.5 * sums.squares();
    sum[p_] = residuals + sums.residuals();
  }

  Index p_;
  bool weighted_;
  RowWidth width_;
  ResidualLoss loss_;
};

}  // namespace

EpochsDone descend_batches(const Rows& rows, const Column* weight, const Standardisation& standard,
                           const DescentSettings& s, const SamplingPlan& plan, Bits seed,
                           const std::int64_t* given, const std::int64_t* given_sizes,
                           Index n_epochs, Index row_budget, const double* base_rates,
                           int n_threads, std::uint32_t* table, DescentState& state,
                           const DescentHistory& history) {
  const LineGradient gradient(rows.n_columns() - 1, weight != nullptr, s.of_residual());
  const BatchOrder order{plan, seed, given, given_sizes, table};
  const auto run = [&](const auto& source) {
    return run_batches(source, gradient, s, order, n_epochs, row_budget, base_rates, n_threads,
                       state, history);
  };
  // Small batches from all over the data gain more by a second thread that packs them beforehand.
  constexpr Index few_rows = 128;
  const bool packs_ahead =
      n_threads > 1 && plan.sampling != Sampling::sequential && plan.batch_size < few_rows;
  const bool in_place = standard.factor == nullptr && PlacedRows::are_possible(rows) &&
                        !packs_ahead && (plan.batch_size > 1 || given_sizes != nullptr);
  if (!in_place) return run(TableSource(rows, weight, standard));
  return run(SourceInPlace(rows, weight));
}

}  // namespace fastlr
