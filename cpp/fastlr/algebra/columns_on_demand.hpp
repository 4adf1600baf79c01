// Columns of X'X, taken from the rows when somebody asks for them.
#pragma once

#include <vector>

#include "fastlr/algebra/coordinate_descent.hpp"
#include "fastlr/rows.hpp"

namespace fastlr {

/// Rows of features, and what is known of them: sums are about `shift`, and centred by `mean`, the
/// weighted mean of x - shift (zeros where nothing is to be centred). `weight` may be nullptr.
struct MeasuredFeatures {
  const Rows& rows;
  const Column* weight;
  double total_weight;
  const double* shift;
  const double* mean;
};

class ColumnsOnDemand final : public GramColumns {
 public:
  /// `most` columns and no more, but for the last block's.
  ColumnsOnDemand(const MeasuredFeatures& features, Index most, int n_threads)
      : GramColumns(features.rows.n_columns()),
        features_(features),
        most_(most),
        n_threads_(n_threads) {}

  /// Whole blocks of columns, since the rows are read once for each: those that are needed, then
  /// the most promising ones.
  bool learn(const std::vector<Index>& needed, const double* promise) override;

  Index n_known() const { return n_known_; }

 private:
  MeasuredFeatures features_;
  Index most_;
  int n_threads_;
  Index n_known_ = 0;
  std::vector<std::vector<double>> blocks_;
};

}  // namespace fastlr
