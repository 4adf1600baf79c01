// Normal equations in double-double, see sweeps/double_double_moments.hpp.
#pragma once

#include "fastlr/algebra/normal_equations.hpp"
#include "fastlr/algebra/scaled_equations.hpp"

namespace fastlr {

/// As solve_normal_equations, from cross: (2, q, q); columns whose distance from others is below
/// the rounding of the data depend on them. Cholesky's factor in double-double (p^3 / 3 operations
/// of some 20 flops), then refinement. relative_error: of the worst coefficient.
ScaledSolution solve_double_double(const MomentsView& moments, bool fit_intercept,
                                   const double* penalty, bool truncate, double& relative_error);

}  // namespace fastlr
