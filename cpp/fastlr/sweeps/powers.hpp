// Powers of a variable as unevaluated sums of two doubles: rounding them to one would move a
// polynomial fit by the condition number of its monomials.
#pragma once

#include "fastlr/rows.hpp"

namespace fastlr {

/// high + low (each (degree, n), set) = x^1 .. x^degree to about 31 digits, for x of n finite
/// values; not finite where a power overflows.
void powers(const Column& x, Index n, Index degree, double* high, double* low);

}  // namespace fastlr
