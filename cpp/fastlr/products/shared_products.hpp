// Products of many variables, whose sums do not fit any near cache: block by block, dealt to the
// threads.
#pragma once

#include <vector>

#include "fastlr/matrices.hpp"
#include "fastlr/products/cross_products.hpp"

namespace fastlr {

/// Panels of a whole fold. Wide registers leave tiles the time to fetch their strips from the
/// second-level cache and beyond, if these are asked for ahead, so that a tile takes all rows at once and
/// its sums stay in registers; narrow ones take as many rows as the nearest cache holds. Lines of other
/// things are asked for from time to time. No bit depends on any of it.
struct DeepPanel {
  static constexpr Index depth = rows_per_fold;
  static constexpr Index row_stride = strip_width;
  static constexpr Index strip_stride = strip_size_of(depth);
  static constexpr bool has_zeros_behind =
      true;  // the last variable, multiplied for the sake of fewer tiles
  static constexpr bool is_taken_whole = tile_strips == 3;
  static constexpr Index rows_at_once = is_taken_whole ? depth : panel_rows;
  static constexpr Index rows_per_asking = is_taken_whole ? 32 : 1;
  static constexpr Index lines_per_asking = is_taken_whole ? 5 : 1;
  static constexpr Index scalars_ahead = is_taken_whole ? 32 : 12;
  static constexpr Index vectors_ahead = is_taken_whole ? 16 : 0;
  static constexpr Index lines_at_once = rows_at_once / rows_per_asking * lines_per_asking;
};

/// Where complete sums of a tile go, and what is worth asking for before.
class ProductTarget {
 public:
  virtual ~ProductTarget() = default;
  /// Puts lines into [line, end), as many as there is room for, and returns where they end.
  virtual const std::byte** ask(const TileAt& tile, const std::byte** line,
                                const std::byte** end) const = 0;
  /// sums.at(i, j): the sums of the tile, and zeros for variables behind the last one.
  virtual void take(const TileAt& tile, const Sums& sums) const = 0;
};

/// Z'Z for deep panels of Z, which lie one behind the other and are zero behind the last variable. The
/// products of every panel go to a target, tile by tile: of one tile in the order of panels, of tiles in
/// any order and on any thread.
class SharedProduct {
 public:
  SharedProduct(VariableStrips strips, int n_threads);

  /// n_rows rows in all; every panel but the last one is full.
  void multiply(const double* panels, Index n_rows, const ProductTarget& target);

 private:
  void multiply_block(const double* panel, Index n_rows, const Block& block, const Sums& sums,
                      const ProductTarget& target) const;

  Index stride() const { return side_ * strip_width + 8; }  // a line more: see strip_size
  Index room_size() const { return side_ * strip_width * stride(); }

  VariableStrips strips_;
  int n_threads_;
  Index side_;  // of blocks, in strips
  std::vector<Block> blocks_;
  Eigen::Matrix<double, Eigen::Dynamic, 1> rooms_;
};

/// Accumulators (hi, lo) of `padded` columns as the target of products: complete sums are folded at
/// once.
class FoldedSums final : public ProductTarget {
 public:
  FoldedSums(Index padded, double* hi, double* lo) : padded_(padded), hi_(hi), lo_(lo) {}

  const std::byte** ask(const TileAt& tile, const std::byte** line,
                        const std::byte** end) const override;
  void take(const TileAt& tile, const Sums& sums) const override;

 private:
  Index padded_;
  double* hi_;
  double* lo_;
};

}  // namespace fastlr
