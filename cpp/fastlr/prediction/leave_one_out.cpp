#include "fastlr/prediction/leave_one_out.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "fastlr/products/cross_products.hpp"
#include "fastlr/products/panel_times.hpp"
#include "fastlr/reading/loading.hpp"
#include "fastlr/reading/prefetching.hpp"
#include "fastlr/threads.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr Index rows_per_sum = 1024;  // that are summed before they are folded
/// Multiply-adds in one call: long, since threads wait for one another at its end and turns are given
/// on the way.
constexpr Index work_per_part = Index{1} << 33;
constexpr Index serial_below = Index{1} << 19;
constexpr double nothing_left = 1e-14;  // of a leverage below 1: rounding

static_assert(panel_rows % rows_times_at_once == 0);

using AlignedVector = Eigen::Matrix<double, Eigen::Dynamic, 1>;

constexpr Index strips_of(Index n) { return (n + strip_width - 1) / strip_width; }

/// A matrix by strips of eight columns, each of them row after row, zeros beyond the last column.
class StripMatrix {
 public:
  StripMatrix(const double* values, Index n_rows, Index n_columns)
      : n_rows_(n_rows),
        n_columns_(n_columns),
        data_(AlignedVector::Zero(strips_of(n_columns) * n_rows * strip_width)) {
    for (Index k = 0; k < n_rows; ++k)
      for (Index j = 0; j < n_columns; ++j)
        data_[(j / strip_width * n_rows + k) * strip_width + j % strip_width] =
            values[k * n_columns + j];
  }

  Index n_rows() const { return n_rows_; }
  Index n_strips() const { return strips_of(n_columns_); }
  const double* strip(Index s) const { return data_.data() + s * n_rows_ * strip_width; }

  /// Room for what multiply() gives.
  Index panel_size() const { return n_strips() * strip_size; }

  /// out = panel M for all rows of a panel; neither aliases the other. `n_lines` of what `ahead` deals
  /// out are asked for meanwhile, now and then.
  void multiply(const double* panel, double* out, Prefetcher* ahead = nullptr,
                Index n_lines = 0) const {
    for (Index s = 0; s < n_strips(); ++s)
      for (Index r = 0; r < panel_rows; r += rows_times_at_once) {
        if (ahead != nullptr) {
          const std::byte* const* const lines = ahead->next(n_lines);
          for (Index k = 0; k < n_lines; ++k) prefetch(lines[k]);
        }
        store_rows_times(panel, strip_size, r, n_rows_, strip(s), strip_width,
                         out + s * strip_size + r * strip_width);
      }
  }

  Index n_tiles() const { return n_strips() * (panel_rows / rows_times_at_once); }

 private:
  Index n_rows_;
  Index n_columns_;
  AlignedVector data_;
};

/// A penalty matrix: what a panel is multiplied by beforehand, if anything, and what makes values for
/// strips of penalties of that.
class ForPenalties {
 public:
  ForPenalties(const PenaltyMatrix& matrix, Index p, Index n_alphas)
      : is_factored_(matrix.right != nullptr),
        left_(matrix.left, p, is_factored_ ? matrix.rank : n_alphas),
        right_(matrix.right, is_factored_ ? matrix.rank : 0, is_factored_ ? n_alphas : 0) {}

  Index room() const { return is_factored_ ? left_.panel_size() : 0; }

  /// The panel that rows_times() wants: this one, or its product, which goes to `room`.
  const double* prepare(const double* panel, double* room) const {
    if (!is_factored_) return panel;
    left_.multiply(panel, room);
    return room;
  }

  void rows_times(const double* prepared, Index row, Index strip, RowsTimes& sum) const {
    const StripMatrix& last = is_factored_ ? right_ : left_;
    fastlr::rows_times(prepared, strip_size, row, last.n_rows(), last.strip(strip), strip_width,
                       sum);
  }

 private:
  bool is_factored_;
  StripMatrix left_;
  StripMatrix right_;
};

/// All matrices of a fit as panels are multiplied by them, shared by all threads.
struct Fit {
  Fit(const LeaveOneOut& of)
      : vectors(of.vectors, of.n_features, of.n_features),
        inverse(of.inverse, of.n_features, of.n_alphas),
        n_features(of.n_features),
        n_alphas(of.n_alphas),
        of_mean(of.of_mean) {
    for (Index t = 0; t < of.n_targets; ++t)
      along.emplace_back(of.along[t], of.n_features, of.n_alphas);
  }

  Index n_targets() const { return static_cast<Index>(along.size()); }
  Index n_strips() const { return strips_of(n_alphas); }

  StripMatrix vectors;
  ForPenalties inverse;
  std::vector<ForPenalties> along;
  Index n_features;
  Index n_alphas;
  double of_mean;
};

/// One thread's panels, and the sums of the rows since the last fold.
class Errors {
 public:
  Errors(const Fit& fit, const PanelLayout& layout, const Rows& rows, const Column* weight)
      : fit_(fit),
        layout_(layout),
        weight_(weight),
        ahead_(rows, panel_rows),
        lines_per_tile_(
            std::min(panel_rows,
                     panel_rows * ahead_.row_bytes() / (cache_line * fit.vectors.n_tiles()) + 1)),
        panel_(AlignedVector::Zero(layout.panel_size())),
        basis_(AlignedVector::Zero(fit.vectors.panel_size())),
        square_(AlignedVector::Zero(fit.vectors.panel_size())),
        for_leverages_(fit.inverse.room()),
        sums_(AlignedVector::Zero(fit.n_targets() * fit.n_strips() * strip_width)) {
    for (const ForPenalties& along : fit.along) for_residuals_.emplace_back(along.room());
    prepared_.resize(for_residuals_.size());
  }

  /// Rows [first, first + n), n <= panel_rows: to the sums, and to `errors` if it is not nullptr. Those
  /// up to `end` come next.
  void take(Index first, Index n, Index end, double* errors) {
    if (n < panel_rows) panel_.setZero();
    layout_.pack(first, n, nullptr, panel_.data());
    if (weight_ != nullptr) {
      load_column(*weight_, first, n, weights_.data());
    } else {
      std::fill_n(weights_.data(), n, 1.0);
    }
    std::fill(weights_.begin() + n, weights_.end(), 0.0);
    ahead_.aim(first + n, std::min(end, first + n + panel_rows));
    fit_.vectors.multiply(panel_.data(), basis_.data(), &ahead_, lines_per_tile_);
    square_ = basis_.cwiseAbs2();
    const double* const leverages = fit_.inverse.prepare(square_.data(), for_leverages_.data());
    for (std::size_t t = 0; t < fit_.along.size(); ++t)
      prepared_[t] = fit_.along[t].prepare(basis_.data(), for_residuals_[t].data());
    for (Index s = 0; s < fit_.n_strips(); ++s)
      for (Index r = 0; r < n; r += rows_times_at_once)
        add_rows(leverages, s, r, std::min(rows_times_at_once, n - r),
                 errors != nullptr ? errors + first * fit_.n_targets() * fit_.n_alphas : nullptr);
  }

  /// (hi, lo) += the sums, which begin anew.
  void fold_to(double* hi, double* lo) {
    fold(sums_.data(), sums_.size(), hi, lo);
    sums_.setZero();
  }

 private:
  void add_rows(const double* leverages, Index strip, Index row, Index n, double* errors) {
    RowsTimes left;
    fit_.inverse.rows_times(leverages, row, strip, left);
    const bool is_alone = invert_remaining(left, row);
    for (Index t = 0; t < fit_.n_targets(); ++t) {
      const auto target = static_cast<std::size_t>(t);
      fit_.along[target].rows_times(prepared_[target], row, strip, left);
      const Index variable = fit_.n_features + t;
      const double* const y = panel_.data() + variable / strip_width * strip_size +
                              row * strip_width + variable % strip_width;
#pragma GCC unroll 16
      for (Index i = 0; i < rows_times_at_once; ++i)
#pragma GCC unroll 16
        for (Index v = 0; v < registers_per_strip; ++v)
          left[i][v] =
              multiply(subtract(broadcast_from(y + i * strip_width), left[i][v]), inverse_[i][v]);
      if (is_alone) {
        const Lanes infinite = broadcast(std::numeric_limits<double>::infinity());
        for (Index i = 0; i < rows_times_at_once; ++i)
          for (Index v = 0; v < registers_per_strip; ++v)
            left[i][v] = choose(is_positive(inverse_[i][v]), left[i][v], infinite);
      }
      add_squares(left, row, sums_.data() + (t * fit_.n_strips() + strip) * strip_width);
      if (errors != nullptr) keep(left, strip, row, n, t, errors);
    }
  }

  /// 1 / (1 - leverage) of these rows, zero where nothing is left; whether that is so anywhere.
  bool invert_remaining(const RowsTimes& leverage, Index row) {
    const Lanes one = broadcast(1.0);
    const Lanes nothing = broadcast(nothing_left);
    const Lanes of_mean = broadcast(fit_.of_mean);
    Lanes least = one;
#pragma GCC unroll 16
    for (Index i = 0; i < rows_times_at_once; ++i)
#pragma GCC unroll 16
      for (Index v = 0; v < registers_per_strip; ++v) {
        const Lanes weight = broadcast(weights_[static_cast<std::size_t>(row + i)]);
        inverse_[i][v] = subtract(one, multiply(weight, add(leverage[i][v], of_mean)));
        least = smaller(least, inverse_[i][v]);
      }
    if (smallest_of(least) > nothing_left) {
      invert(inverse_);
      return false;
    }
    const Lanes zero = broadcast(0.0);
    for (Index i = 0; i < rows_times_at_once; ++i)
      for (Index v = 0; v < registers_per_strip; ++v)
        inverse_[i][v] =
            choose(is_larger(inverse_[i][v], nothing), divide(one, inverse_[i][v]), zero);
    return true;
  }

  /// x -> 1 / x for numbers between 1e-14 and 1: one division for four of them, since it takes as long
  /// as many products.
  static void invert(RowsTimes& x) {
    const Lanes one = broadcast(1.0);
#pragma GCC unroll 16
    for (Index v = 0; v < registers_per_strip; ++v) {
      if constexpr (rows_times_at_once % 4 == 0) {
#pragma GCC unroll 4
        for (Index i = 0; i < rows_times_at_once; i += 4) {
          const Lanes first = multiply(x[i][v], x[i + 1][v]);
          const Lanes second = multiply(x[i + 2][v], x[i + 3][v]);
          const Lanes inverse = divide(one, multiply(first, second));
          swap_for_inverses(multiply(inverse, second), x[i][v], x[i + 1][v]);
          swap_for_inverses(multiply(inverse, first), x[i + 2][v], x[i + 3][v]);
        }
      } else {
        for (Index i = 0; i < rows_times_at_once; ++i) x[i][v] = divide(one, x[i][v]);
      }
    }
  }

  /// (a, b) = (1 / a, 1 / b), given 1 / (a b).
  static void swap_for_inverses(const Lanes& of_product, Lanes& a, Lanes& b) {
    const Lanes of_a = multiply(of_product, b);
    b = multiply(of_product, a);
    a = of_a;
  }

  /// sums (8) += w e^2, of rows that have a weight.
  void add_squares(const RowsTimes& error, Index row, double* sums) const {
    Lanes total[registers_per_strip];
#pragma GCC unroll 16
    for (Index v = 0; v < registers_per_strip; ++v) total[v] = load(sums + v * lanes);
#pragma GCC unroll 16
    for (Index i = 0; i < rows_times_at_once; ++i) {
      const double w = weights_[static_cast<std::size_t>(row + i)];
      if (!(w > 0.0)) continue;
#pragma GCC unroll 16
      for (Index v = 0; v < registers_per_strip; ++v)
        total[v] = multiply_add(multiply(broadcast(w), error[i][v]), error[i][v], total[v]);
    }
#pragma GCC unroll 16
    for (Index v = 0; v < registers_per_strip; ++v) store(sums + v * lanes, total[v]);
  }

  void keep(const RowsTimes& found, Index strip, Index row, Index n, Index t,
            double* errors) const {
    alignas(64) std::array<double, strip_width> values;
    const Index first = strip * strip_width;
    const Index count = std::min(strip_width, fit_.n_alphas - first);
    for (Index i = 0; i < n; ++i) {
      for (Index v = 0; v < registers_per_strip; ++v) store(values.data() + v * lanes, found[i][v]);
      std::copy_n(values.data(), count,
                  errors + ((row + i) * fit_.n_targets() + t) * fit_.n_alphas + first);
    }
  }

  const Fit& fit_;
  const PanelLayout& layout_;
  const Column* weight_;
  Prefetcher ahead_;
  Index lines_per_tile_;
  AlignedVector panel_, basis_, square_, for_leverages_;
  std::vector<AlignedVector> for_residuals_;
  std::vector<const double*> prepared_;
  AlignedVector sums_;
  alignas(64) std::array<double, panel_rows> weights_;
  RowsTimes inverse_;
};

Index work_per_row(Index p, Index n_targets, Index n_alphas) {
  return p * (p + (n_targets + 1) * n_alphas);
}

}  // namespace

SlotPlan plan_leave_one_out(Index n_samples, Index n_features, Index n_targets, Index n_alphas) {
  return plan_slots({.n_samples = n_samples,
                     .fold_rows = rows_per_sum,
                     .n_slots = most_slots,
                     .work_per_row = work_per_row(n_features, n_targets, n_alphas),
                     .work_per_part = work_per_part,
                     .slot_size = 2 * n_targets * round_up(n_alphas, strip_width)});
}

void leave_one_out(const Rows& rows, const Column* weight, const LeaveOneOut& fit,
                   const SlotPlan& plan, Index part, int n_threads, double* slots, double* errors) {
  const Eigen::ArrayXd scale = Eigen::ArrayXd::Ones(rows.n_columns());
  const PanelLayout layout(rows, fit.mean, scale.data());
  const Fit prepared(fit);
  if (rows.n_samples * work_per_row(fit.n_features, fit.n_targets, fit.n_alphas) < serial_below)
    n_threads = 1;
  const Index half = plan.slot_size / 2;
  for_each_task(plan.n_slots, n_threads, [&](Index k) {
    const RowRange range = part_of_slot(plan, rows.n_samples, k, part);
    if (range.first >= range.last) return;
    Errors found(prepared, layout, rows, weight);
    for (Index start = range.first; start < range.last; start += rows_per_sum) {
      give_turn();
      const Index end = std::min(range.last, start + rows_per_sum);
      for (Index first = start; first < end; first += panel_rows)
        found.take(first, std::min(panel_rows, end - first), range.last, errors);
      double* const hi = slots + k * plan.slot_size;
      found.fold_to(hi, hi + half);
    }
  });
}

}  // namespace fastlr
