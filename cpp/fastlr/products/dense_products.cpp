#include "fastlr/products/dense_products.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "fastlr/products/dense_packing.hpp"
#include "fastlr/products/tiles.hpp"
#include "fastlr/threads.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr Index rows_of_tile = tile_strips * strip_width;
constexpr Index block_rows_of_C = 96;  // with the depth of two panels half a megabyte
constexpr Index block_columns_of_C = 96;
constexpr Index panels_deep = 2;
constexpr Index depth_at_once = panels_deep * panel_rows;
constexpr Index blocks_of_a_turn = 32;  // for each thread
constexpr Index strips_of_a_task = 24;  // to pack
constexpr Index too_little = 1 << 20;   // multiply-adds that a second thread is not worth

static_assert(block_rows_of_C % rows_of_tile == 0);

/// The rows of an operand that are not zero at the depths `depth`, which count its columns.
Range used_rows(const Operand& A, Range depth) {
  if (A.part == Part::upper) return {0, std::min(A.n_rows, depth.last)};
  if (A.part == Part::lower) return {std::min(depth.first, A.n_rows), A.n_rows};
  return {0, A.n_rows};
}

/// Rows of an operand at some depths: panels of up to panel_rows depths, one behind the other, in
/// strips.
class Packed {
 public:
  Packed(Index most_rows, Index multiple)
      : multiple_(multiple),
        values_(round_up(most_rows, multiple) / strip_width * panels_deep * strip_size) {}

  void pack(const Operand& A, Range rows, Range depth, double factor, int n_threads) {
    n_strips_ = round_up(rows.size(), multiple_) / strip_width;
    depth_ = depth.size();
    const Index n_tasks = (n_strips_ + strips_of_a_task - 1) / strips_of_a_task;
    for_each_task(n_tasks, n_threads, [&](Index task) {
      const Index last = std::min(n_strips_, (task + 1) * strips_of_a_task);
      // A few neighbouring strips at a time, so that what is read are whole lines.
      constexpr Index few = 8;
      const Index run = A.down == 1 ? 16 : 64;
      for (Index s = task * strips_of_a_task; s < last; s += few)
        for (Index k = 0; k < depth_; k += panel_rows)
          for (Index r = 0; r < rows_in(k / panel_rows); r += run)
            for (Index t = s; t < std::min(last, s + few); ++t)
              pack_strip(A, rows.first + t * strip_width, rows,
                         {depth.first + k + r,
                          depth.first + k + std::min(r + run, rows_in(k / panel_rows))},
                         factor, values_.data() + offset(k / panel_rows, t) + r * strip_width);
    });
  }

  Index n_panels() const { return (depth_ + panel_rows - 1) / panel_rows; }
  Index rows_in(Index panel) const { return std::min(panel_rows, depth_ - panel * panel_rows); }
  const double* strip(Index panel, Index s) const { return values_.data() + offset(panel, s); }

 private:
  Index offset(Index panel, Index s) const { return (panel * n_strips_ + s) * strip_size; }

  Index multiple_;
  Index n_strips_ = 0;
  Index depth_ = 0;
  Eigen::VectorXd values_;
};

/// C as tiles see it.
struct Target {
  double* data;
  Index stride;
  Part part;
};

/// Lines to ask for while a tile is at work, one for each of its steps.
class Ahead {
 public:
  Ahead() { lines_.fill(reinterpret_cast<const std::byte*>(lines_.data())); }

  /// Those of the tile of C at (i, j).
  void aim(const Target& C, Index i, Index j) {
    constexpr Index per_line = cache_line / static_cast<Index>(sizeof(double));
    auto line = lines_.begin();
    for (Index c = 0; c < tile_height; ++c)
      for (Index r = 0; r < rows_of_tile; r += per_line)
        *line++ = reinterpret_cast<const std::byte*>(C.data + i + r + (j + c) * C.stride);
  }

  const std::byte* const* lines() const { return lines_.data(); }

 private:
  std::array<const std::byte*, static_cast<std::size_t>(panel_rows)> lines_;
};

/// C += a tile's columns [j, j + tile_height) and rows [i, i + rows_of_tile), as far as they are in
/// `rows` and `columns`. Products are summed among themselves first: beside C, which is larger,
/// they would be rounded more.
void add_tile(const Target& C, const double* a, const double* b, Index n, Index i, Index j,
              Range rows, Range columns, const std::byte* const* lines) {
  alignas(64) std::array<double, static_cast<std::size_t>(tile_height * rows_of_tile)> sums;
  tile_product<tile_height, tile_strips>(a, b, n, true, sums.data(), rows_of_tile, lines);
  const bool is_inside = i + rows_of_tile <= rows.last && j + tile_height <= columns.last;
  const bool is_below = C.part != Part::lower || i >= j + tile_height - 1;
  double* const at = C.data + i + j * C.stride;
  if (is_inside && is_below) {
    for (Index c = 0; c < tile_height; ++c)
      for (Index r = 0; r < rows_of_tile; r += lanes) {
        double* const value = at + c * C.stride + r;
        store(value, add(load(value), load(sums.data() + c * rows_of_tile + r)));
      }
    return;
  }
  const Index height = std::min(rows_of_tile, rows.last - i);
  for (Index c = 0; c < std::min(tile_height, columns.last - j); ++c)
    for (Index r = C.part == Part::lower ? std::max<Index>(0, j + c - i) : 0; r < height; ++r)
      at[c * C.stride + r] += sums[static_cast<std::size_t>(c * rows_of_tile + r)];
}

}  // namespace

Operand operand(const Eigen::Ref<const Eigen::MatrixXd>& A, Part part) {
  return {A.data(), A.rows(), A.cols(), 1, A.outerStride(), part};
}

void add_product(Eigen::Ref<Eigen::MatrixXd> C, Part of_C, const Operand& A, const Operand& B,
                 double factor, int n_threads) {
  const Index depth = A.n_columns;
  if (C.rows() == 0 || C.cols() == 0 || depth == 0) return;
  if (C.rows() * C.cols() * depth < too_little) n_threads = 1;
  const Operand columns_of_B = B.transposed();
  const Target target{C.data(), C.outerStride(), of_C};
  Packed left(C.rows(), rows_of_tile);
  Packed right(C.cols(), strip_width);
  std::vector<std::array<Index, 2>> blocks;
  for (Index from = 0; from < depth; from += depth_at_once) {
    const Range now{from, std::min(depth, from + depth_at_once)};
    const Range rows = used_rows(A, now);
    const Range columns = used_rows(columns_of_B, now);
    give_turn();
    left.pack(A, rows, now, 1.0, n_threads);
    right.pack(columns_of_B, columns, now, factor, n_threads);
    blocks.clear();
    for (Index j = columns.first; j < columns.last; j += block_columns_of_C)
      for (Index i = rows.first; i < rows.last; i += block_rows_of_C)
        if (of_C != Part::lower || i + block_rows_of_C > j) blocks.push_back({i, j});
    const auto multiply = [&](const std::array<Index, 2>& block) {
      Ahead ahead;
      const Index last_row = std::min(rows.last, block[0] + block_rows_of_C);
      const Index last_column = std::min(columns.last, block[1] + block_columns_of_C);
      for (Index panel = 0; panel < left.n_panels(); ++panel) {
        const Index start = now.first + panel * panel_rows;
        const Range depths{start, start + left.rows_in(panel)};
        const Range some_rows = used_rows(A, depths);
        const Range some_columns = used_rows(columns_of_B, depths);
        for (Index i = block[0]; i < last_row; i += rows_of_tile) {
          if (i >= some_rows.last || i + rows_of_tile <= some_rows.first) continue;
          for (Index j = block[1]; j < last_column; j += tile_height) {
            if (of_C == Part::lower && i + rows_of_tile <= j) break;
            if (j >= some_columns.last || j + tile_height <= some_columns.first) continue;
            const Index column = j - columns.first;
            const bool is_last = j + tile_height >= last_column;
            ahead.aim(target, is_last ? i + rows_of_tile : i, is_last ? block[1] : j + tile_height);
            add_tile(target, right.strip(panel, column / strip_width) + column % strip_width,
                     left.strip(panel, (i - rows.first) / strip_width), left.rows_in(panel), i, j,
                     rows, columns, ahead.lines());
          }
        }
      }
    };
    const Index n_blocks = static_cast<Index>(blocks.size());
    const Index at_once = blocks_of_a_turn * n_threads;
    for (Index first = 0; first < n_blocks; first += at_once) {
      give_turn();
      for_each_task(std::min(at_once, n_blocks - first), n_threads,
                    [&](Index task) { multiply(blocks[static_cast<std::size_t>(first + task)]); });
    }
  }
}

}  // namespace fastlr
