// Rows as a network sees them: windows of features and targets, standardised, in the network's own
// precision.
#pragma once

#include "fastlr/networks/layer_products.hpp"
#include "fastlr/networks/networks.hpp"
#include "fastlr/reading/prefetching.hpp"
#include "fastlr/reading/row_window.hpp"

namespace fastlr {

/// A window holds what its network's precision needs, and nothing of the other one.
struct NetworkWindow {
  NetworkWindow(Index n_rows, Index n_features, Index n_targets, bool is_single)
      : packed(n_rows + rows_beyond, n_features) {
    if (is_single) {
      single_X.setZero(packed.X.size());
      single_minus_y.setZero(n_rows * n_targets);
    } else {
      minus_y.setZero(n_rows * n_targets);
    }
  }

  /// The features of rows from `first` on.
  template <class Scalar>
  Block<const Scalar> features(Index first) const {
    if constexpr (std::is_same_v<Scalar, double>) {
      return {packed.X.data() + first * packed.stride, packed.stride};
    } else {
      return {single_X.data() + first * packed.stride, packed.stride};
    }
  }

  /// Whether all features of the first n rows are finite.
  bool are_finite(Index n) const {
    const Index size = n * packed.stride;
    return are_singles ? (0.0F * single_X.head(size)).sum() == 0.0F
                       : (0.0 * packed.X.head(size)).sum() == 0.0;
  }

  /// -y of row `first`, and of those behind it.
  template <class Scalar>
  const Scalar* targets(Index first, Index n_targets) const {
    if constexpr (std::is_same_v<Scalar, double>) {
      return minus_y.data() + first * n_targets;
    } else {
      return single_minus_y.data() + first * n_targets;
    }
  }

  RowWindow packed;
  AlignedVector<float> single_X;  // a copy of packed.X
  AlignedVector<double> minus_y;  // (n_rows, n_targets), row by row
  AlignedVector<float> single_minus_y;
  Index count = 0;
  bool are_singles = false;  // the rows went to single_X as they were, not through packed.X
};

/// Features and targets of a table; there may be no targets.
class NetworkSource {
 public:
  using Window = NetworkWindow;

  NetworkSource(const Rows& rows, Index n_targets, const Column* weight,
                const NetworkScales& scales, bool is_single);

  Window window(Index n_rows) const { return {n_rows, n_features_, n_targets_, is_single_}; }
  void pack(const Index* rows, const std::uint32_t* places, Index count, Window& window) const;

 private:
  /// Whether rows are float32 as the network wants them, and have been copied.
  bool pack_singles(const Index* rows, const std::uint32_t* places, Index count,
                    Window& window) const;

  Rows features_;  // and a column in the place of one target
  std::vector<Column> targets_;
  Index n_features_ = 0;
  Index n_targets_;
  const Column* weight_;
  const NetworkScales& scales_;
  bool is_single_;
};

}  // namespace fastlr
