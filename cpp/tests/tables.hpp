// Tables of whole numbers: their sums and products are exact in any order.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "fastlr/rows.hpp"
#include "fastlr/slots.hpp"

namespace fastlr {

/// Whole numbers between -8 and 8, the same on every machine.
inline std::vector<double> whole_numbers(Index size, std::uint64_t seed) {
  std::vector<double> values(static_cast<std::size_t>(size));
  for (double& value : values) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    value =
        static_cast<double>(seed >> 33) - 8.0 * std::floor(static_cast<double>(seed >> 33) / 8.0);
    value = 2.0 * value - 7.0;
  }
  return values;
}

/// A table in C order, and a target beside it.
struct Table {
  Index n;
  Index p;
  std::vector<double> x;
  std::vector<double> y;

  Rows rows() const {
    Rows rows{n, {}};
    for (Index j = 0; j < p; ++j)
      rows.columns.push_back({reinterpret_cast<const std::byte*>(x.data() + j),
                              p * static_cast<Index>(sizeof(double)), DType::f64});
    rows.columns.push_back(
        {reinterpret_cast<const std::byte*>(y.data()), sizeof(double), DType::f64});
    return rows;
  }
};

/// y = 3 + sum (j + 1) x_j exactly.
inline Table exact_table(Index n, Index p) {
  Table table{n, p, whole_numbers(n * p, 1), std::vector<double>(static_cast<std::size_t>(n), 3.0)};
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < p; ++j)
      table.y[static_cast<std::size_t>(i)] +=
          static_cast<double>(j + 1) * table.x[static_cast<std::size_t>(i * p + j)];
  return table;
}

// What tests of single kernels share.

constexpr int n_threads = 2;
constexpr Index n_rows = 2048;
constexpr Index n_features = 5;
constexpr Index n_columns = n_features + 1;  // the target is the last one

using Doubles = std::vector<double>;

inline Doubles zeros(Index size) { return Doubles(static_cast<std::size_t>(size)); }
inline Doubles ones(Index size) { return Doubles(static_cast<std::size_t>(size), 1.0); }
inline double& at(Doubles& values, Index i) { return values[static_cast<std::size_t>(i)]; }
inline double at(const Doubles& values, Index i) { return values[static_cast<std::size_t>(i)]; }

/// X of row i, and y for j = n_features.
inline double value(const Table& table, Index i, Index j) {
  return j < table.p ? at(table.x, i * table.p + j) : at(table.y, i);
}

/// Weights 1, 2, 3, 2, 1, 2, ...: over 2048 rows they sum to 4096.
inline Doubles weights() {
  Doubles w = zeros(n_rows);
  for (Index i = 0; i < n_rows; ++i) at(w, i) = i % 2 == 1 ? 2.0 : (i % 4 == 0 ? 1.0 : 3.0);
  return w;
}

inline Column column_of(const Doubles& values) {
  return {reinterpret_cast<const std::byte*>(values.data()), sizeof(double), DType::f64};
}

/// Calls pass(part, slots) for all parts of a plan; the slots.
template <class Pass>
Doubles sums_of(const SlotPlan& plan, const Pass& pass) {
  Doubles slots = zeros(plan.n_slots * plan.slot_size);
  for (Index part = 0; part < plan.n_parts; ++part) pass(part, slots.data());
  return slots;
}

/// Coefficients of a fit that is not the table's, and their residuals.
inline const Doubles coef{2.0, -1.0, 0.0, 3.0, 1.0};  // and zeros for their low parts
constexpr double constant = -4.0;

inline double residual(const Table& table, Index i) {
  double r = value(table, i, n_features) - constant;
  for (Index j = 0; j < n_features; ++j) r -= at(coef, j) * value(table, i, j);
  return r;
}

}  // namespace fastlr
