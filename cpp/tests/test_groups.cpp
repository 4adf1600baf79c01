// Categories on every CPU level: sums by level, and columns that are made of codes while they are
// read. Values are whole numbers, so that everything is exact.
#include <vector>

#include "check.hpp"
#include "fastlr/sweeps/group_sums.hpp"
#include "levels.hpp"
#include "tables.hpp"

namespace fastlr {
namespace {

constexpr Index n_levels = 7;

std::vector<std::int32_t> codes_of_rows() {
  std::vector<std::int32_t> codes(static_cast<std::size_t>(n_rows));
  for (Index i = 0; i < n_rows; ++i)
    codes[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(i * i % n_levels);
  return codes;
}

Column pointing_at(const CodedColumn& column, DType dtype) {
  return {reinterpret_cast<const std::byte*>(&column), 0, dtype};
}

/// (n_columns + 1, 2, n_levels)
Doubles sums_of_levels(const Rows& rows, const Column* weight,
                       const std::vector<std::int32_t>& codes, Index cut, int threads) {
  Doubles sums = zeros((rows.n_columns() + 1) * 2 * n_levels);
  add_group_sums(rows, weight, codes.data(), n_levels, {0, cut}, threads, sums.data());
  add_group_sums(rows, weight, codes.data(), n_levels, {cut, n_rows}, threads, sums.data());
  return sums;
}

void sums_by_level_are_exact() {
  const Table table = exact_table(n_rows, n_features);
  const std::vector<std::int32_t> codes = codes_of_rows();
  const Doubles w = weights();
  const Column weight = column_of(w);
  const Rows rows = table.rows();
  for (const Column* given : {static_cast<const Column*>(nullptr), &weight}) {
    const Doubles sums = sums_of_levels(rows, given, codes, 1000, n_threads);
    CHECK(sums == sums_of_levels(rows, given, codes, 1, 1));
    for (Index j = 0; j <= n_columns; ++j)
      for (Index level = 0; level < n_levels; ++level) {
        double expected = 0.0;
        for (Index i = 0; i < n_rows; ++i)
          if (codes[static_cast<std::size_t>(i)] == level)
            expected +=
                (given == nullptr ? 1.0 : at(w, i)) * (j < n_columns ? value(table, i, j) : 1.0);
        CHECK(at(sums, 2 * j * n_levels + level) == expected);
        CHECK(at(sums, (2 * j + 1) * n_levels + level) == 0.0);
      }
  }
}

void columns_of_codes_are_made_while_they_are_read() {
  const Table table = exact_table(n_rows, n_features);
  const std::vector<std::int32_t> codes = codes_of_rows();
  const Rows given = table.rows();
  Doubles centre = zeros(2 * n_levels);  // every second one counts
  for (Index level = 0; level < n_levels; ++level)
    at(centre, 2 * level) = 0x1p60 * static_cast<double>(level) + 1.0;
  const CodedColumn indicator{codes.data(), 4};
  CodedColumn within{codes.data()};
  within.x = given.columns.front();
  within.centre = centre.data();
  within.centre_stride = 2;
  CodedColumn of_indicator = within;
  of_indicator.x = pointing_at(indicator, DType::indicator);
  const Rows rows{
      n_rows,
      {pointing_at(indicator, DType::indicator), pointing_at(within, DType::within),
       pointing_at(within, DType::remainder), pointing_at(of_indicator, DType::within)}};
  const Doubles sums = sums_of_levels(rows, nullptr, codes, 700, n_threads);
  for (Index level = 0; level < n_levels; ++level) {
    double counted = 0.0;
    double x = 0.0;
    for (Index i = 0; i < n_rows; ++i) {
      if (codes[static_cast<std::size_t>(i)] != level) continue;
      counted += 1.0;
      x += value(table, i, 0);
    }
    const double is_level = level == 4 ? 1.0 : 0.0;
    CHECK(at(sums, level) == is_level * counted);
    // Column and remainder together lose nothing of x beside a centre of 60 bits.
    const double whole = at(sums, 2 * n_levels + level) + at(centre, 2 * level) * counted;
    CHECK(whole + at(sums, 3 * n_levels + level) + at(sums, 4 * n_levels + level) +
              at(sums, 5 * n_levels + level) ==
          x);
    if (level == 0) CHECK(at(sums, 6 * n_levels) == -counted);
  }
}

}  // namespace
}  // namespace fastlr

int main(int n_arguments, char** arguments) {
  using namespace fastlr;
  return on_every_level(n_arguments, arguments,
                        {sums_by_level_are_exact, columns_of_codes_are_made_while_they_are_read});
}
