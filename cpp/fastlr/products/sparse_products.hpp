// One pass over rows that are mostly zeros: what their values are worth, and no more. Row i adds
// w x x' for the pairs of its values alone; columns that are not sparse, the targets and the
// constant among them, stand beside them.
//
//   survey_sparse      how many products a pass takes, and whether the parts are what they should be
//   accumulate_sparse  rows -> sums
//   centre_sparse      sums -> weight, mean, cross, as of a dense pass
//
// Sparse columns are summed about zero, since a shift would fill them; where a mean is far from it
// beside the deviations, products/moments.hpp's recentre() says what was lost.
#pragma once

#include <vector>

#include "fastlr/products/moments.hpp"
#include "fastlr/rows.hpp"

namespace fastlr {

/// Rows that have values in a sparse column are so many at most before its sums are folded.
constexpr Index additions_per_fold = 1024;

/// Where the sums of p sparse columns and of the dense ones lie, in doubles. Row i of the triangle
/// has the products of sparse columns i and j <= i, in whole eights; `mixed` those of a sparse
/// column with the dense ones, the constant last; `dense` those of the dense ones. There are three
/// of each: the sums of the moment, and what was folded (hi, lo).
struct SparseLayout {
  Index n_sparse;
  Index n_dense;  // columns, without the constant

  Index width() const { return padded_variables(n_dense); }
  static constexpr Index row_of_triangle(Index i) {
    const Index eights = i / 8;
    return 8 * (eights + 1) * (4 * eights + i % 8);
  }
  Index mixed() const { return row_of_triangle(n_sparse); }
  Index dense() const { return mixed() + n_sparse * width(); }
  Index size() const { return dense() + width() * width(); }
  Index counts() const { return 3 * size(); }
  Index statistics() const { return counts() + n_sparse; }
  Index total() const { return statistics() + statistics_size; }
};

struct SparseSurvey {
  std::vector<Index> column_counts;  // values of each column
  double n_products = 0.0;           // of pairs of values in a row
  bool is_sound = false;      // starts rise and columns exist; the rest is not to be read otherwise
  bool is_canonical = false;  // columns rise in every row
};

SparseSurvey survey_sparse(const CompressedRows& X);

/// sums += rows [first, last). dense: columns that are not sparse, then targets; shift: theirs.
/// column_counts: of the survey, by which the work is dealt out (no bit depends on it). `weight` may
/// be nullptr. sums: SparseLayout::total() doubles, zero at first. Not finite in, not finite out.
void accumulate_sparse(const CompressedRows& X, const Rows& dense, const Column* weight,
                       const double* shift, const Index* column_counts, RowRange range,
                       int n_threads, double* sums);

/// Moments of (sparse columns, dense ones). mean: (2, q), cross: (q, q), both set.
WeightStatistics centre_sparse(const SparseLayout& layout, const double* shift, const double* sums,
                               double* mean, double* cross);

/// out (n, t), row-major, is set to X coef' + intercept for rows [first, last); coef: (t, p).
void predict_sparse(const CompressedRows& X, RowRange range, const double* coef,
                    const double* intercept, Index n_targets, int n_threads, double* out);

}  // namespace fastlr
