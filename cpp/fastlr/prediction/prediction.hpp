// y = X b + a, and a look for values that are not finite, over rows that stay where they lie.
#pragma once

#include "fastlr/rows.hpp"

namespace fastlr {

/// out (n, t), row-major, is set to X coef' + intercept for rows [first, last); coef: (t, p),
/// intercept: (t).
template <class Scalar>
void predict(const Rows& rows, Index first, Index last, const double* coef, const double* intercept,
             Index n_targets, int n_threads, Scalar* out);

struct Cell {
  Index row = -1;
  Index column = -1;
};

/// The first row with a value that is NaN or infinite, and its first such column; (-1, -1) if all
/// are finite.
Cell first_non_finite(const Rows& rows);

}  // namespace fastlr
