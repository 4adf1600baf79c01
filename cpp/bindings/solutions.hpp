// Results of the ladder's steps as tuples of arrays.
#pragma once

#include <array>
#include <string>
#include <utility>

#include "bindings/arguments.hpp"
#include "bindings/results.hpp"
#include "fastlr/algebra/ladder.hpp"
#include "fastlr/algebra/normal_equations.hpp"
#include "fastlr/algebra/refinement.hpp"

namespace fastlr {

/// Names of fields, for Python to compare its own with.
template <std::size_t n>
py::tuple names_of(const std::array<const char*, n>& fields) {
  py::tuple names(n);
  for (std::size_t i = 0; i < n; ++i) names[i] = fields[i];
  return names;
}

inline Eigen::Map<const RowMatrix> matrix_of(const DoubleArray& array) {
  if (array.ndim() != 2) throw py::value_error("expected a 2-D array");
  return {array.data(), array.shape(0), array.shape(1)};
}

inline ConstVectorMap vector_of(const DoubleArray& array) { return {array.data(), array.size()}; }

/// Moments in double, in one array each.
inline MomentsView view_of(Index n_features, double weight, const DoubleArray& mean,
                           const DoubleArray& cross, const double* summed_squares = nullptr) {
  const Index q = mean.size() / 2;
  check_size(mean, 2 * q, "mean");
  check_size(cross, q * q, "cross");
  if (n_features < 0 || n_features > q) throw py::value_error("n_features is out of range");
  return {n_features, q - n_features, weight, mean.data(), cross.data(), summed_squares};
}

inline constexpr std::array scaled_solution_fields{"code",
                                                   "rank",
                                                   "condition_number",
                                                   "scale",
                                                   "mean",
                                                   "root",
                                                   "coef",
                                                   "intercept",
                                                   "rss",
                                                   "tss",
                                                   "length",
                                                   "null_space",
                                                   "contraction",
                                                   "squared_condition"};

/// In the order of these fields, which Python's ScaledSolution has too; uses the solution up.
inline py::tuple tuple_of(ScaledSolution& s) {
  return results(name(s.status), s.rank, s.condition_number, std::move(s.scale), std::move(s.mean),
                 std::move(s.root), std::move(s.coef), std::move(s.intercept), std::move(s.rss),
                 std::move(s.tss), std::move(s.length), std::move(s.null_space), contraction_of(s),
                 s.squared_condition);
}

inline constexpr std::array solution_fields{"coef", "intercept",     "rss",        "tss",
                                            "bse",  "bse_intercept", "residual_sd"};

/// In the order of these fields, with which Python's Solution begins; uses the solution up.
inline py::tuple tuple_of(Solution& f) {
  return results(array_of(f.coef), array_of(f.intercept), array_of(f.rss), array_of(f.tss),
                 array_of(f.bse), array_of(f.bse_intercept), array_of(f.residual_sd));
}

}  // namespace fastlr
