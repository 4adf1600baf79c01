// A window of rows, packed: whatever their layout and type, the rows that descent uses next lie as
// aligned doubles one after another, standardised, zero beyond the last feature.
#pragma once

#include "fastlr/matrices.hpp"
#include "fastlr/reading/layout.hpp"

namespace fastlr {

/// z = (x - centre) * factor, or x itself where both are nullptr.
struct Standardisation {
  const double* centre = nullptr;
  const double* factor = nullptr;
};

using Buffer = Eigen::Matrix<double, Eigen::Dynamic, 1>;

struct RowWindow {
  RowWindow(Index n_rows, Index n_features)
      : stride(round_up(n_features, 8)),
        X(n_rows * stride),
        minus_y(n_rows),
        weight(n_rows),
        count(0) {
    X.setZero();
  }

  Index stride;
  Buffer X;
  Buffer minus_y;
  Buffer weight;
  Index count;
};

/// Row rows[i] of `source` becomes row places[i] of the window, for i < count. The last column of
/// `source` is y; `weight` may be nullptr.
void pack_rows(const Rows& source, const Column* weight, const Standardisation& standardisation,
               const Index* rows, const std::uint32_t* places, Index count, RowWindow& window);

}  // namespace fastlr
