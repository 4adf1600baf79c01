// C += Z'Z for many variables: the threads share the blocks of C. A block, and what it needs of a
// panel, stay in a second-level cache, so that panels and C are not fetched anew for every tile.
#pragma once

#include <algorithm>
#include <vector>

#include "fastlr/products/cross_products.hpp"
#include "fastlr/threads.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {

constexpr Index block_height = 30;  // strips: 240 rows of C, and 240 KiB of a panel
constexpr Index block_width = 12;   // strips: 96 columns of C
constexpr Index blocks_per_turn = 384;

/// Rows and columns of C, in strips.
struct Block {
  Index first_row;
  Index last_row;
  Index left;
};

/// The blocks on and below the diagonal, the last strip of rows apart.
inline std::vector<Block> blocks_of(Index n_strips) {
  std::vector<Block> blocks;
  const Index n_full = n_strips - 1;
  for (Index row = 0; row < n_full; row += block_height) {
    const Index last_row = std::min(n_full, row + block_height);
    for (Index left = 0; left < last_row; left += block_width)
      blocks.push_back({row, last_row, left});
  }
  return blocks;
}

/// C (+)= the products of panels 0 .. n_panels-1, which lie one behind the other; panel k has
/// rows_in(k) rows. `set` forgets the old C.
template <class Layout, class RowsIn>
void multiply_panels(const Layout& layout, const double* panels, Index n_panels,
                     const RowsIn& rows_in, bool set, double* C, int n_threads) {
  const std::vector<Block> blocks = blocks_of(layout.n_strips());
  const auto n_blocks = static_cast<Index>(blocks.size());
  const auto multiply = [&](Index task) {
    Prefetcher nothing = Prefetcher::idle(panel_rows);
    for (Index k = 0; k < n_panels; ++k) {
      const PanelProduct<Layout> product{
          panels + k * layout.padded() * panel_rows, layout, rows_in(k), set && k == 0, C, nothing};
      if (task == n_blocks) {
        product.last_row();
      } else {
        const Block& block = blocks[static_cast<std::size_t>(task)];
        const Index end = std::min(block.last_row, block.left + block_width);
        for (Index left = block.left; left < end; left += tile_strips)
          product.column_group(left, block.first_row, block.last_row);
      }
    }
  };
  for (Index first = 0; first <= n_blocks; first += blocks_per_turn) {
    give_turn();
    for_each_task(std::min(blocks_per_turn, n_blocks + 1 - first), n_threads,
                  [&](Index task) { multiply(first + task); });
  }
}

}  // namespace fastlr
