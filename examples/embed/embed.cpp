// Least squares from C++, without Python: the table of Longley (1967).
#include <fastlr/algebra/ladder.hpp>
#include <fastlr/level/level.hpp>
#include <iostream>
#include <vector>

int main() {
  // Prices, national product, unemployment, forces, population, year; then employment.
  const std::vector<double> table{
      83.0,   234289, 2356,   1590,   107608, 1947,   60323,  88.5,   259426, 2325,   1456,
      108632, 1948,   61122,  88.2,   258054, 3682,   1616,   109773, 1949,   60171,  89.5,
      284599, 3351,   1650,   110929, 1950,   61187,  96.2,   328975, 2099,   3099,   112075,
      1951,   63221,  98.1,   346999, 1932,   3594,   113270, 1952,   63639,  99.0,   365385,
      1870,   3547,   115094, 1953,   64989,  100.0,  363112, 3578,   3350,   116219, 1954,
      63761,  101.2,  397469, 2904,   3048,   117388, 1955,   66019,  104.6,  419180, 2822,
      2857,   118734, 1956,   67857,  108.4,  442769, 2936,   2798,   120445, 1957,   68169,
      110.8,  444546, 4681,   2637,   121950, 1958,   66513,  112.6,  482704, 3813,   2552,
      123366, 1959,   68655,  114.2,  502601, 3931,   2514,   125368, 1960,   69564,  115.7,
      518173, 4806,   2572,   127852, 1961,   69331,  116.9,  554894, 4007,   2827,   130081,
      1962,   70551};
  constexpr fastlr::Index n_features = 6;
  constexpr fastlr::Index n_columns = n_features + 1;  // the target is the last one
  fastlr::Rows rows{static_cast<fastlr::Index>(table.size()) / n_columns, {}};
  for (fastlr::Index j = 0; j < n_columns; ++j)
    rows.columns.push_back({reinterpret_cast<const std::byte*>(table.data() + j),
                            n_columns * static_cast<fastlr::Index>(sizeof(double)),
                            fastlr::DType::f64});

  const fastlr::OnLevel use(fastlr::load_level(fastlr::best_library(FASTLR_LEVELS).c_str()));
  const fastlr::Ladder fit =
      fastlr::climb(rows, nullptr, n_features, true, fastlr::Accuracy::automatic, 1);
  if (!fit.is_complete) {
    std::cerr << (fit.is_in_range ? "the columns depend on one another, or nearly do\n"
                                  : "a value is not finite, or a column does not vary\n");
    return 1;
  }
  std::cout << "intercept " << fit.finished.intercept[0] << "\n"
            << "coefficients " << fit.finished.coef << "\n"
            << "standard errors " << fit.finished.bse << "\n"
            << "right digits " << fastlr::digits_of(fit.relative_error.worst) << "\n";
}
