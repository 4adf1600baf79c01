// Products of many variables, whose sums do not fit any near cache: block by block, dealt to the
// threads.
#pragma once

#include <algorithm>
#include <vector>

#include "fastlr/caches.hpp"
#include "fastlr/products/cross_products.hpp"
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

/// use(i, j, n) for every row of a block of C: its variable, its first column and how many there
/// are up to the strip of the diagonal.
template <class Layout, class Use>
void for_each_row(const Layout& layout, const Block& block, const Use& use) {
  for (Index strip = block.first_row; strip < block.last_row; ++strip) {
    const Index count = std::min(block.last_left, strip + 1) - block.left;
    for (Index i = 0; i < layout.width(strip); ++i)
      use(strip * strip_width + i, block.left * strip_width, count * strip_width);
  }
}

/// Z'Z for the panels 0 .. n_panels-1 of Z, which lie one behind the other; panel k has rows_in(k)
/// rows. The sums of a block stay in a room of their thread's own while the panels go by; after
/// every `per_fold` panels, and after the last one, take(block, sums) may have them: of one block in
/// that order, blocks in any order and on any thread.
template <class Layout>
class SharedProduct {
 public:
  SharedProduct(const Layout& layout, int n_threads)
      : layout_(layout),
        n_threads_(n_threads),
        side_(block_side(layout.n_strips(), n_threads)),
        blocks_(blocks_of(layout.n_strips(), side_)),
        rooms_(n_threads * room_size()) {}

  template <class RowsIn, class Take>
  void multiply(const double* panels, Index n_panels, Index per_fold, const RowsIn& rows_in,
                const Take& take) {
    const auto n_blocks = static_cast<Index>(blocks_.size());
    const Index width = side_ * strip_width;
    const Index per_turn =
        std::max<Index>(4 * n_threads_, work_per_turn / (width * width * n_panels * panel_rows));
    for (Index first = 0; first < n_blocks; first += per_turn) {
      give_turn();
      for_each_task(std::min(per_turn, n_blocks - first), n_threads_,
                    [&](Index task, Index worker) {
                      const Block& block = blocks_[static_cast<std::size_t>(first + task)];
                      const Sums sums{rooms_.data() + worker * room_size(), stride(),
                                      block.first_row * strip_width, block.left * strip_width};
                      Prefetcher nothing = Prefetcher::idle(panel_rows);
                      for (Index k = 0; k < n_panels; ++k) {
                        PanelProduct<Layout>{panels + k * layout_.panel_size(),
                                             layout_,
                                             rows_in(k),
                                             k % per_fold == 0,
                                             sums,
                                             nothing}
                            .block(block);
                        if (k + 1 == n_panels || (k + 1) % per_fold == 0) take(block, sums);
                      }
                    });
    }
  }

 private:
  static constexpr Index work_per_turn = Index{1} << 30;  // multiply-adds between two turns

  Index stride() const { return side_ * strip_width + 8; }  // a line more: see strip_size
  Index room_size() const { return side_ * strip_width * stride(); }

  const Layout& layout_;
  int n_threads_;
  Index side_;  // of blocks, in strips
  std::vector<Block> blocks_;
  Eigen::Matrix<double, Eigen::Dynamic, 1> rooms_;
};

}  // namespace fastlr
