// Products of many variables, whose sums do not fit any near cache: block by block, dealt to the
// threads.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "fastlr/caches.hpp"
#include "fastlr/products/cross_products.hpp"
#include "fastlr/products/moments.hpp"
#include "fastlr/threads.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {

/// The blocks on and below the diagonal, of at most `side` strips a side; whole ones first, so that
/// what is dealt last is small.
inline std::vector<Block> blocks_of(Index n_strips, Index side) {
  std::vector<Block> blocks;
  const auto add = [&](Index row, Index left) {
    blocks.push_back({row, std::min(n_strips, row + side), left, std::min(n_strips, left + side)});
  };
  for (Index row = 0; row < n_strips; row += side)
    for (Index left = 0; left < row; left += side) add(row, left);
  for (Index row = 0; row < n_strips; row += side) add(row, row);
  return blocks;
}

/// Strips of a block's side: its sums take a third of the second-level cache, beside the panels
/// that pass by, and every thread gets several blocks. No bit depends on it.
inline Index block_side(Index n_strips, int n_threads) {
  constexpr Index step = 6;  // whole tiles, low ones as well
  constexpr Index most_steps = 6;
  const auto fits = [&](Index side) {
    const Index width = side * strip_width;
    return 3 * width * width * Index{sizeof(double)} <= second_level_cache();
  };
  const auto is_shared = [&](Index side) {
    const Index rows = (n_strips + side - 1) / side;
    return n_threads == 1 || rows * (rows + 1) / 2 >= 4 * n_threads;
  };
  Index side = most_steps * step;
  while (side > step && !(fits(side) && is_shared(side))) side -= step;
  return side;
}

/// Z'Z for the deep panels 0 .. n_panels-1 of Z, which lie one behind the other; panel k has rows_in(k) rows. The products of every panel go to `target`, tile by tile:
/// of one tile in the order of panels, of tiles in any order and on any thread. target.for_each_line(tile,
/// use) tells what is worth asking for before; target.add(i, j, n, sums) takes n sums of row i from
/// column j on.
template <class Layout>
class SharedProduct {
 public:
  SharedProduct(const Layout& layout, int n_threads)
      : layout_(layout),
        n_threads_(n_threads),
        side_(block_side(layout.n_strips(), n_threads)),
        blocks_(blocks_of(layout.n_strips(), side_)),
        rooms_(n_threads * room_size()) {}

  template <class RowsIn, class Target>
  void multiply(const double* panels, Index n_panels, const RowsIn& rows_in, const Target& target) {
    const auto n_blocks = static_cast<Index>(blocks_.size());
    const Index width = side_ * strip_width;
    const Index per_turn =
        std::max<Index>(4 * n_threads_, work_per_turn / (width * width * n_panels * rows_per_fold));
    for (Index first = 0; first < n_blocks; first += per_turn) {
      give_turn();
      for_each_task(std::min(per_turn, n_blocks - first), n_threads_,
                    [&](Index task, Index worker) {
                      const Block& block = blocks_[static_cast<std::size_t>(first + task)];
                      const Sums sums{rooms_.data() + worker * room_size(), stride(),
                                      block.first_row * strip_width, block.left * strip_width};
                      Lines lines;
                      for (Index k = 0; k < n_panels; ++k)
                        multiply_block(panels + k * layout_.panel_size(), rows_in(k), block, sums,
                                       target, lines);
                    });
    }
  }

 private:
  static constexpr Index work_per_turn = Index{1} << 30;  // multiply-adds between two turns

  /// What a tile asks for; something cached where nothing is wanted.
  using Lines = std::array<const std::byte*, static_cast<std::size_t>(DeepPanel::lines_at_once)>;

  /// The last rows of a panel, after which a tile's sums are complete.
  template <class Target>
  struct TakeSums {
    using Panel = DeepPanel;
    const Target& target;
    const Sums& sums;
    Lines& lines;

    const std::byte* const* before(const TileAt& tile, Index n_rows) const {
      const Index most = n_rows / Panel::rows_per_asking * Panel::lines_per_asking;
      auto line = lines.begin();
      const auto end = line + std::min(most, Panel::lines_at_once);
      target.for_each_line(tile, [&](const double* wanted) {
        if (line != end) *line++ = reinterpret_cast<const std::byte*>(wanted);
      });
      return lines.data();
    }
    void after(const TileAt& tile) const {
      for (Index i = tile.i; i < tile.i + tile.height; ++i)
        target.add(i, tile.j, tile.width, sums.at(i, tile.j));
    }
  };

  /// The rows before them.
  struct KeepSums {
    using Panel = DeepPanel;
    const Lines& lines;

    const std::byte* const* before(const TileAt& /*tile*/, Index /*n_rows*/) const {
      return lines.data();
    }
    void after(const TileAt& /*tile*/) const {}
  };

  template <class Target>
  void multiply_block(const double* panel, Index n_rows, const Block& block, const Sums& sums,
                      const Target& target, Lines& lines) const;

  Index stride() const { return side_ * strip_width + 8; }  // a line more: see strip_size
  Index room_size() const { return side_ * strip_width * stride(); }

  const Layout& layout_;
  int n_threads_;
  Index side_;  // of blocks, in strips
  std::vector<Block> blocks_;
  Eigen::Matrix<double, Eigen::Dynamic, 1> rooms_;
};

template <class Layout>
template <class Target>
void SharedProduct<Layout>::multiply_block(const double* panel, Index n_rows, const Block& block,
                                           const Sums& sums, const Target& target,
                                           Lines& lines) const {
  lines.fill(reinterpret_cast<const std::byte*>(&lines));
  Index r = 0;
  if constexpr (!DeepPanel::is_taken_whole) {
    for (; r + DeepPanel::rows_at_once < n_rows; r += DeepPanel::rows_at_once)
      PanelProduct<Layout, KeepSums>{
          panel + r * strip_width, layout_, DeepPanel::rows_at_once, r == 0, sums, {lines}}
          .block(block);
  }
  PanelProduct<Layout, TakeSums<Target>>{panel + r * strip_width, layout_, n_rows - r, r == 0, sums,
                                         {target, sums, lines}}
      .block(block);
}

}  // namespace fastlr
