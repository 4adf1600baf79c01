#include "fastlr/sweeps/group_sums.hpp"

#include <algorithm>
#include <array>

#include "fastlr/reading/loading.hpp"
#include "fastlr/registers/double_double.hpp"
#include "fastlr/threads.hpp"

namespace fastlr {
namespace {

constexpr Index rows_of_values = 256;
using Values = std::array<double, static_cast<std::size_t>(rows_of_values)>;

inline void add_to(double& high, double& low, double value, double excess) {
  const DoubleDouble sum = two_sum(high, value);
  high = sum.hi;
  low += sum.lo - excess;
}

}  // namespace

void add_group_sums(const Rows& rows, const Column* weight, const std::int32_t* codes,
                    Index n_levels, RowRange range, int n_threads, double* sums) {
  for_each_task(rows.n_columns() + 1, n_threads, [&](Index j) {
    double* const high = sums + j * 2 * n_levels;
    double* const low = high + n_levels;
    Values values;
    Values weights;
    values.fill(1.0);
    for (Index first = range.first; first < range.last; first += rows_of_values) {
      const Index n = std::min(rows_of_values, range.last - first);
      if (j < rows.n_columns())
        load_column(rows.columns[static_cast<std::size_t>(j)], first, n, values.data());
      if (weight != nullptr) load_column(*weight, first, n, weights.data());
      for (Index i = 0; i < n; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const std::int32_t level = codes[first + i];
        if (weight == nullptr) {
          add_to(high[level], low[level], values[at], 0.0);
        } else {
          const double product = weights[at] * values[at];
          add_to(high[level], low[level], product, excess_of(weights[at], values[at], product));
        }
      }
    }
  });
}

}  // namespace fastlr
