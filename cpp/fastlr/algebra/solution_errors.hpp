// How far rounding errors may have moved the solution of scaled equations: by the sizes of what was
// added up, or, of many columns, by errors that are independent of one another.
#pragma once

#include "fastlr/algebra/normal_equations.hpp"
#include "fastlr/algebra/scaled_equations.hpp"

namespace fastlr {

/// Columns whose explicit inverse costs next to nothing.
constexpr Index few_columns = 256;

/// Sets out.error and out.typical_error, of the coefficients that it has. root: (l, r) K of the
/// varying columns, with K K' the inverse of A.
void estimate_errors(const ScaledEquations& equations, const RowMatrix& root, int n_threads,
                     ScaledSolution& out);

}  // namespace fastlr
