// Rows of a matrix -> strips, as the register tiles of the cross-products read them.
#pragma once

#include <array>

#include "fastlr/products/dense_products.hpp"
#include "fastlr/products/packing.hpp"
#include "fastlr/registers/lanes.hpp"

namespace fastlr {

/// A range of rows, columns or depths.
struct Range {
  Index first;
  Index last;
  Index size() const { return last - first; }
};

constexpr Index depths_ahead = 16;  // every one may be a page of its own

inline bool is_read(Part part, Index i, Index k) {
  return part == Part::all || (part == Part::upper ? i <= k : i >= k);
}

/// One strip: rows first .. first + 7 of A at depths [depth.first, depth.last), zeros outside of
/// `rows`.
inline void pack_strip(const Operand& A, Index first, Range rows, Range depth, double factor,
                       double* strip) {
  const Index end = first + strip_width;
  const bool is_whole =
      end <= rows.last &&
      (A.part == Part::all || (A.part == Part::upper ? end <= depth.first : first >= depth.last));
  const Index n = depth.size();
  Index r = 0;
  if (is_whole && A.down == 1) {
    const double* from = A.data + first + depth.first * A.across;
    for (; r < n; ++r, from += A.across) {
      __builtin_prefetch(from + depths_ahead * A.across);
      Eigen::Map<Eight>(strip + r * strip_width) = factor * Eigen::Map<const Eight>(from);
    }
    return;
  }
  if (is_whole && A.across == 1) {
    std::array<const double*, strip_width> from;
    for (Index i = 0; i < strip_width; ++i)
      from[static_cast<std::size_t>(i)] = A.data + (first + i) * A.down + depth.first;
    for (; r + 8 <= n; r += 8) {
      transpose_eight(from.data(), r, strip + r * strip_width, strip_width);
      Eigen::Map<Eigen::Array<double, 64, 1>>(strip + r * strip_width) *= factor;
    }
  }
  for (; r < n; ++r)
    for (Index i = 0; i < strip_width; ++i) {
      const bool is_in = first + i < rows.last && is_read(A.part, first + i, depth.first + r);
      strip[r * strip_width + i] =
          is_in ? factor * A.data[(first + i) * A.down + (depth.first + r) * A.across] : 0.0;
    }
}

}  // namespace fastlr
