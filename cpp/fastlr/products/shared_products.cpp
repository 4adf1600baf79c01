// Built with FMA contraction, as all products of panels are; the compensated sum here (fold) has no
// products.
#include "fastlr/products/shared_products.hpp"

#include <algorithm>
#include <array>

#include "fastlr/caches.hpp"
#include "fastlr/products/tiles.hpp"
#include "fastlr/threads.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

/// The blocks on and below the diagonal, of at most `side` strips a side; whole ones first, so that
/// what is dealt last is small.
std::vector<Block> blocks_of(Index n_strips, Index side) {
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
Index block_side(Index n_strips, int n_threads) {
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

/// What a tile asks for; something cached where nothing is wanted.
using Lines = std::array<const std::byte*, static_cast<std::size_t>(DeepPanel::lines_at_once)>;

/// Around the tiles of a deep panel's rows; a target for the last ones, after which sums are complete.
struct TowardsTarget {
  using Panel = DeepPanel;
  const ProductTarget* target;
  const Sums& sums;
  Lines& lines;

  const std::byte* const* before(const TileAt& tile, Index n_rows) const {
    if (target != nullptr) {
      const Index most = n_rows / Panel::rows_per_asking * Panel::lines_per_asking;
      target->ask(tile, lines.data(), lines.data() + std::min(most, Panel::lines_at_once));
    }
    return lines.data();
  }
  void after(const TileAt& tile) const {
    if (target != nullptr) target->take(tile, sums);
  }
};

}  // namespace

SharedProduct::SharedProduct(VariableStrips strips, int n_threads)
    : strips_(strips),
      n_threads_(n_threads),
      side_(block_side(strips.n_strips(), n_threads)),
      blocks_(blocks_of(strips.n_strips(), side_)),
      rooms_(n_threads * room_size()) {}

void SharedProduct::multiply(const double* panels, Index n_rows, const ProductTarget& target) {
  constexpr Index work_per_turn = Index{1} << 30;  // multiply-adds between two turns
  constexpr Index depth = DeepPanel::depth;
  const Index panel_size = strips_.n_strips() * DeepPanel::strip_stride;
  const auto n_blocks = static_cast<Index>(blocks_.size());
  const Index width = side_ * strip_width;
  const Index per_turn =
      std::max<Index>(4 * n_threads_, work_per_turn / (width * width * round_up(n_rows, depth)));
  for (Index first = 0; first < n_blocks; first += per_turn) {
    give_turn();
    for_each_task(std::min(per_turn, n_blocks - first), n_threads_, [&](Index task, Index worker) {
      const Block& block = blocks_[static_cast<std::size_t>(first + task)];
      const Sums sums{rooms_.data() + worker * room_size(), stride(), block.first_row * strip_width,
                      block.left * strip_width};
      for (Index row = 0; row < n_rows; row += depth)
        multiply_block(panels + row / depth * panel_size, std::min(depth, n_rows - row), block,
                       sums, target);
    });
  }
}

void SharedProduct::multiply_block(const double* panel, Index n_rows, const Block& block,
                                   const Sums& sums, const ProductTarget& target) const {
  Lines lines;
  lines.fill(reinterpret_cast<const std::byte*>(&lines));
  for (Index r = 0; r < n_rows; r += DeepPanel::rows_at_once) {
    const Index n = std::min(DeepPanel::rows_at_once, n_rows - r);
    const ProductTarget* const to = r + n == n_rows ? &target : nullptr;
    PanelProduct<TowardsTarget>{panel + r * strip_width, strips_, n, r == 0, sums,
                                {to, sums, lines}}
        .block(block);
  }
}

const std::byte** FoldedSums::ask(const TileAt& tile, const std::byte** line,
                                  const std::byte** end) const {
  for (Index i = tile.i; i < tile.i + tile.height; ++i) {
    for (Index j = tile.j; j < tile.j + tile.width && line != end; j += 8) {
      *line++ = reinterpret_cast<const std::byte*>(hi_ + i * padded_ + j);
      if (line != end) *line++ = reinterpret_cast<const std::byte*>(lo_ + i * padded_ + j);
    }
  }
  return line;
}

void FoldedSums::take(const TileAt& tile, const Sums& sums) const {
  for (Index i = tile.i; i < tile.i + tile.height; ++i) {
    const Index at = i * padded_ + tile.j;
    fold(sums.at(i, tile.j), tile.width, hi_ + at, lo_ + at);
  }
}

}  // namespace fastlr
