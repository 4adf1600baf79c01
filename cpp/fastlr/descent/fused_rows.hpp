// Residuals and gradient of some rows while they are in the nearest cache: eight rows at a time,
// whose dot products are added up in registers and whose residuals lie in one vector, then their
// share of the gradient, which is loaded and stored once for all eight.
//
// Rows are read in whole registers. Beyond the last feature there may be anything (the next row, or
// what a view leaves out): it is masked away. A row's residual does not depend on the rows beside
// it, and a gradient is added up in row order, so that bits depend on which rows make one call, and
// never on where they lie.
#pragma once

#include <algorithm>

#include "fastlr/descent/residual_loss.hpp"
#include "fastlr/matrices.hpp"
#include "fastlr/reading/prefetching.hpp"
#include "fastlr/registers/lane_sums.hpp"

namespace fastlr {

/// What the rows of one slot or batch add up to, in eight sums each: those of rows 0, 8, 16, ...,
/// of rows 1, 9, 17, ..., and so on. Of another loss l than r^2 / 2 they are 2 l(r) and l'(r) in
/// place of r^2 and r.
struct LossSums {
  double squares() const { return of_squares.sum(); }      // sum w r^2
  double residuals() const { return of_residuals.sum(); }  // sum w r

  Eight of_squares = Eight::Zero();
  Eight of_residuals = Eight::Zero();
};

constexpr Index most_rows_at_once = 8;

/// Rows one after the other in memory, asked for 2 KiB before they are read, or with the eight rows
/// before them where that is further.
template <class T>
struct RowsInOrder {
  using Scalar = T;
  static constexpr Index least_ahead = 2048;

  RowsInOrder(const std::byte* first_row, Index row_stride)
      : first(first_row),
        stride(row_stride),
        bytes_ahead(std::max(least_ahead, most_rows_at_once * row_stride)) {}

  const std::byte* at(Index i) const { return first + i * stride; }
  [[gnu::always_inline]] void ask(Index, const std::byte* row, Index offset) const {
    prefetch<first_level>(row + bytes_ahead + offset);
  }

  const std::byte* first;
  Index stride;  // in bytes
  Index bytes_ahead;
};

/// Rows from anywhere, by their addresses, asked for (if only their beginning) `rows_ahead` before
/// they are read: the list goes on for so many entries beyond its end.
template <class T>
struct RowsByAddress {
  using Scalar = T;
  static constexpr Index rows_ahead = 16;
  static constexpr Index bytes_asked_for = 512;

  const std::byte* at(Index i) const { return row[i]; }
  [[gnu::always_inline]] void ask(Index i, const std::byte*, Index offset) const {
    if (offset < bytes_asked_for) prefetch<first_level>(row[i + rows_ahead] + offset);
  }

  const std::byte* const* row;
};

/// The features of a row in registers. Parameters and gradients have whole eights.
struct RowWidth {
  explicit RowWidth(Index n_features) : n_registers((n_features + lanes - 1) / lanes) {
    tail.setZero();
    tail.head(n_features - (n_registers - 1) * lanes).setConstant(keep_all);
  }
  Lanes mask() const { return load(tail.data()); }  // of the features in the last register

  Index n_registers;
  Eigen::Array<double, lanes, 1> tail;
};

namespace fused {

constexpr Index most_rows = most_rows_at_once;
/// What is read twice must stay in the second-level cache.
constexpr Index most_registers_in_eights = 2048 / lanes;

/// Some of a column's values in a register, zero behind them.
template <Index n>
[[gnu::always_inline]] inline Lanes load_some(const double* from) {
  if constexpr (n >= lanes) return load(from);
  alignas(64) double some[lanes] = {};
  for (Index k = 0; k < std::min(n, lanes); ++k) some[k] = from[k];
  return load(some);
}

/// N registers of numbers that stay in registers while many rows are used.
template <Index N>
struct Kept {
  explicit Kept(double* numbers) : home(numbers) {
#pragma GCC unroll 4
    for (Index v = 0; v < N; ++v) value[v] = fastlr::load(numbers + v * lanes);
  }
  Lanes load(Index v) const { return value[v]; }
  void store(Index v, const Lanes& now) { value[v] = now; }
  void bring_home() const {
#pragma GCC unroll 4
    for (Index v = 0; v < N; ++v) fastlr::store(home + v * lanes, value[v]);
  }

  Lanes value[N];
  double* home;
};

/// Any number, which stay in memory.
template <>
struct Kept<0> {
  explicit Kept(double* numbers) : home(numbers) {}
  Lanes load(Index v) const { return fastlr::load(home + v * lanes); }
  void store(Index v, const Lanes& now) const { fastlr::store(home + v * lanes, now); }
  void bring_home() const {}

  double* home;
};

/// r_i = x_i' theta + offset_i; g += w_i l'(r_i) x_i for R <= 8 rows of N registers (0: any
/// number); weight may be nullptr (all ones). The loss is a SquaredLoss or a ResidualLoss.
template <Index R, Index N, class Source, class Loss>
[[gnu::always_inline]] inline void add_rows(const Source& rows, Index i, const RowWidth& width,
                                            const double* offset, const double* weight,
                                            const double* theta, const Loss& loss, Kept<N>& g,
                                            Kept<8 / lanes>& squares, Kept<8 / lanes>& residuals) {
  using Scalar = typename Source::Scalar;
  constexpr Index register_bytes = lanes * Index{sizeof(Scalar)};
  constexpr Index registers_per_line = std::max<Index>(1, cache_line / register_bytes);
  const Index last = (N > 0 ? N : width.n_registers) - 1;
  const Lanes mask = width.mask();
  const std::byte* x[R];
  Lanes sum[most_rows];
#pragma GCC unroll 8
  for (Index k = 0; k < most_rows; ++k) sum[k] = broadcast(0.0);
#pragma GCC unroll 8
  for (Index k = 0; k < R; ++k) x[k] = rows.at(i + k);
#pragma GCC unroll 4
  for (Index v = 0; v < last; ++v) {
    const Lanes t = load(theta + v * lanes);
    if (v % registers_per_line == 0) {
#pragma GCC unroll 8
      for (Index k = 0; k < R; ++k) rows.ask(i + k, x[k], v * register_bytes);
    }
#pragma GCC unroll 8
    for (Index k = 0; k < R; ++k)
      sum[k] = multiply_add(load_as_doubles<Scalar>(x[k] + v * register_bytes), t, sum[k]);
  }
  const auto last_of = [&](Index k) {
    return keep(load_as_doubles<Scalar>(x[k] + last * register_bytes), mask);
  };
  const Lanes t = load(theta + last * lanes);
#pragma GCC unroll 8
  for (Index k = 0; k < R; ++k) {
    rows.ask(i + k, x[k], last * register_bytes);
    sum[k] = multiply_add(last_of(k), t, sum[k]);
  }
  alignas(64) double weighted[most_rows];
#pragma GCC unroll 8
  for (Index k = 0; k < R; k += lanes) {
    const Lanes r = add(sums_of(sum + k), load_some<R>(offset + i + k));
    Lanes wr;
    if constexpr (std::is_same_v<Loss, SquaredLoss>) {
      wr = weight != nullptr ? multiply(load_some<R>(weight + i + k), r) : r;
      squares.store(k / lanes, multiply_add(wr, r, squares.load(k / lanes)));
    } else {
      Lanes twice = loss.evaluate(r, wr);
      if (weight != nullptr) {
        const Lanes w = load_some<R>(weight + i + k);
        wr = multiply(w, wr);
        twice = multiply(w, twice);
      }
      squares.store(k / lanes, add(squares.load(k / lanes), twice));
    }
    store(weighted + k, wr);
    residuals.store(k / lanes, add(residuals.load(k / lanes), wr));
  }
  asm volatile("" : "+m"(weighted));
  Lanes wr[R];
#pragma GCC unroll 8
  for (Index k = 0; k < R; ++k) wr[k] = broadcast_from(weighted + k);
#pragma GCC unroll 4
  for (Index v = 0; v < last; ++v) {
    Lanes total = g.load(v);
#pragma GCC unroll 8
    for (Index k = 0; k < R; ++k)
      total = multiply_add(wr[k], load_as_doubles<Scalar>(x[k] + v * register_bytes), total);
    g.store(v, total);
  }
  Lanes total = g.load(last);
#pragma GCC unroll 8
  for (Index k = 0; k < R; ++k) total = multiply_add(wr[k], last_of(k), total);
  g.store(last, total);
}

/// The same for n rows.
template <Index N, class Source, class Loss>
void add_all_rows(const Source& rows, Index n, const RowWidth& width, const double* offset,
                  const double* weight, const double* theta, const Loss& loss, double* gradient,
                  LossSums& sums) {
  Kept<N> g(gradient);
  Kept<8 / lanes> squares(sums.of_squares.data());
  Kept<8 / lanes> residuals(sums.of_residuals.data());
  const auto add = [&]<Index R>(std::integral_constant<Index, R>, Index i) {
    add_rows<R, N>(rows, i, width, offset, weight, theta, loss, g, squares, residuals);
  };
  Index i = 0;
  if (width.n_registers <= most_registers_in_eights) {
    for (; i + 8 <= n; i += 8) add(std::integral_constant<Index, 8>{}, i);
    if (i + 4 <= n) {
      add(std::integral_constant<Index, 4>{}, i);
      i += 4;
    }
  }
  for (; i < n; ++i) add(std::integral_constant<Index, 1>{}, i);
  g.bring_home();
  squares.bring_home();
  residuals.bring_home();
}

}  // namespace fused

/// r_i = x_i' theta + offset_i; g += w_i l'(r_i) x_i for n rows; weight may be nullptr (all ones).
template <class Source, class Loss = SquaredLoss>
void fused_rows(const Source& rows, Index n, const RowWidth& width, const double* offset,
                const double* weight, const double* theta, double* g, LossSums& sums,
                const Loss& loss = {}) {
  const auto with = [&]<Index N>(std::integral_constant<Index, N>) {
    fused::add_all_rows<N>(rows, n, width, offset, weight, theta, loss, g, sums);
  };
  if (width.n_registers == 1) return with(std::integral_constant<Index, 1>{});
  // Another loss costs more than its gradient's way to the nearest cache and back.
  if constexpr (!std::is_same_v<Loss, SquaredLoss>) return with(std::integral_constant<Index, 0>{});
  switch (width.n_registers) {
    case 2:
      return with(std::integral_constant<Index, 2>{});
    case 3:
      return with(std::integral_constant<Index, 3>{});
    case 4:
      return with(std::integral_constant<Index, 4>{});
    default:
      return with(std::integral_constant<Index, 0>{});
  }
}

// Of rows of doubles, compiled once, in squared_loss.cpp.
extern template void fused_rows(const RowsInOrder<double>&, Index, const RowWidth&, const double*,
                                const double*, const double*, double*, LossSums&,
                                const SquaredLoss&);
extern template void fused_rows(const RowsInOrder<double>&, Index, const RowWidth&, const double*,
                                const double*, const double*, double*, LossSums&,
                                const ResidualLoss&);

}  // namespace fastlr
