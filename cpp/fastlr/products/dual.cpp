// Built with FMA contraction, as all products of panels are.
#include "fastlr/products/dual.hpp"

#include <algorithm>
#include <vector>

#include "fastlr/products/cross_products.hpp"
#include "fastlr/products/shared_products.hpp"
#include "fastlr/reading/column_block.hpp"
#include "fastlr/threads.hpp"

namespace fastlr {
namespace {

/// Rows as the variables of a panel.
struct RowStrips {
  Index n;
  Index depth = panel_rows;  // of a panel: columns
  VariableStrips strips() const { return {n}; }
  Index n_strips() const { return strips().n_strips(); }
  Index padded() const { return n_strips() * strip_width; }
  Index strip_stride() const { return strip_size_of(depth); }
  Index panel_size() const { return n_strips() * strip_stride(); }
  Index width(Index strip) const { return strips().width(strip); }
};

constexpr Index block_size = panel_rows * column_block_rows;  // of the columns of a panel
constexpr Index slot_budget = Index{1} << 20;                 // doubles in all slots' sums together
constexpr Index most_dual_slots = 16;

/// What the packing of panels shares.
struct Packing {
  const Rows& rows;
  const double* scale;
  const double* root_weight;
  bool is_centred;
  double total_weight;
  RowStrips strips;
  double* mean;
  double* variance;
};

/// Columns [first, first + n) as the rows of a panel: z = sqrt(w) (x * scale - mean), in strips of
/// eight. blocks, block: room, the latter for block_size.
void pack_dual_panel(const Packing& p, Index first, Index n, ColumnBlocks& blocks, double* block,
                     double* panel) {
  blocks.read(columns_of(p.rows, first, n), p.scale + first);
  for (Index row = 0; row < p.rows.n_samples; row += column_block_rows) {
    const Index count = std::min(column_block_rows, p.rows.n_samples - row);
    blocks.pack(row, count, block);
    for (Index s = 0; s * strip_width < count; ++s)
      for (Index c = 0; c < n; ++c)
        Eigen::Map<Eight>(panel + (row / strip_width + s) * p.strips.strip_stride() +
                          c * strip_width) =
            Eigen::Map<const Eight>(block + c * column_block_rows + s * strip_width);
  }
  for (Index c = 0; c < n; ++c) {
    double* z = panel + c * strip_width;
    double mean = 0.0;
    if (p.is_centred) {
      Eight sum = Eight::Zero();
      for (Index s = 0; s < p.strips.n_strips(); ++s) {
        const Eigen::Map<const Eight> x(z + s * p.strips.strip_stride());
        if (p.root_weight == nullptr) {
          sum += x;
        } else {
          sum += x * Eigen::Map<const Eight>(p.root_weight + s * strip_width).square();
        }
      }
      mean = sum.sum() / p.total_weight;
    }
    Eight squares = Eight::Zero();
    for (Index s = 0; s < p.strips.n_strips(); ++s) {
      Eigen::Map<Eight> value(z + s * p.strips.strip_stride());
      value -= mean;
      if (p.root_weight != nullptr)
        value *= Eigen::Map<const Eight>(p.root_weight + s * strip_width);
      for (Index i = p.strips.width(s); i < strip_width; ++i) value[i] = 0.0;
      squares += value.square();
    }
    p.mean[first + c] = mean;
    p.variance[first + c] = squares.sum() / p.total_weight;
  }
}

/// H += sums, lower triangle of strips; sums are aligned, as H need not be.
void add_lower(const RowStrips& strips, const double* sums, double* H) {
  for (Index row = 0; row < strips.n; ++row) {
    const Index size = (row / strip_width + 1) * strip_width;
    VectorMap(H + row * strips.padded(), size) +=
        ConstVectorMap(sums + row * strips.padded(), size);
  }
}

/// H as the target of products.
class AddedProducts final : public ProductTarget {
 public:
  AddedProducts(Index padded, double* H) : padded_(padded), H_(H) {}

  const std::byte** ask(const TileAt& tile, const std::byte** line,
                        const std::byte** end) const override {
    for (Index i = tile.i; i < tile.i + tile.height; ++i)
      for (Index j = tile.j; j < tile.j + tile.width && line != end; j += 8)
        *line++ = reinterpret_cast<const std::byte*>(H_ + i * padded_ + j);
    return line;
  }
  void take(const TileAt& tile, const Sums& sums) const override {
    for (Index i = tile.i; i < tile.i + tile.height; ++i) {
      double* const to = H_ + i * padded_ + tile.j;
      for (Index k = 0; k < tile.width; ++k) to[k] += sums.at(i, tile.j)[k];
    }
  }

 private:
  Index padded_;
  double* H_;
};

/// Many rows: the threads share the tiles of one H.
void multiply_tiles(const Packing& packing, Index first, Index last, int n_threads, double* H) {
  const RowStrips& strips = packing.strips;
  Eigen::VectorXd panel = Eigen::VectorXd::Zero(strips.panel_size());
  Eigen::VectorXd room(strips.depth / panel_rows * block_size);
  std::vector<ColumnBlocks> blocks(static_cast<std::size_t>(strips.depth / panel_rows));
  SharedProduct product(strips.strips(), n_threads);
  const AddedProducts target(strips.padded(), H);
  for (Index start = first; start < last; start += strips.depth) {
    const Index n = std::min(strips.depth, last - start);
    for_each_task((n + panel_rows - 1) / panel_rows, n_threads, [&](Index k) {
      pack_dual_panel(packing, start + k * panel_rows, std::min(panel_rows, n - k * panel_rows),
                      blocks[static_cast<std::size_t>(k)], room.data() + k * block_size,
                      panel.data() + k * panel_rows * strip_width);
    });
    product.multiply(panel.data(), n, target);
  }
}

}  // namespace

void dual_products(const Rows& rows, const double* scale, const double* root_weight,
                   bool fit_intercept, Index first, Index last, int n_threads, double* mean,
                   double* variance, double* H) {
  const Index padded = round_up(rows.n_samples, strip_width);
  const Index size = padded * padded;
  const Index n_panels = (last - first + panel_rows - 1) / panel_rows;
  if (n_panels == 0) return;
  const Index n_slots = std::clamp<Index>(slot_budget / size, 1,
                                          std::min(most_dual_slots, std::max<Index>(n_panels, 1)));
  const RowStrips strips{rows.n_samples, n_slots == 1 ? DeepPanel::depth : panel_rows};
  double total_weight = static_cast<double>(rows.n_samples);
  if (root_weight != nullptr)
    total_weight = ConstVectorMap(root_weight, rows.n_samples).squaredNorm();
  const Packing packing{rows,         scale,  root_weight, fit_intercept,
                        total_weight, strips, mean,        variance};
  if (n_slots == 1) return multiply_tiles(packing, first, last, n_threads, H);
  Eigen::VectorXd sums(n_slots * size);
  const Index panels_per_slot = (n_panels + n_slots - 1) / n_slots;
  for_each_task(n_slots, n_threads, [&](Index slot) {
    Eigen::VectorXd panel = Eigen::VectorXd::Zero(strips.panel_size());
    Eigen::VectorXd block(block_size);
    ColumnBlocks blocks;
    double* out = sums.data() + slot * size;
    Prefetcher nothing = Prefetcher::idle(panel_rows);
    const Index begin = first + slot * panels_per_slot * panel_rows;
    const Index end = std::min(last, begin + panels_per_slot * panel_rows);
    if (begin >= end) std::fill_n(out, size, 0.0);
    for (Index start = begin; start < end; start += panel_rows) {
      const Index n = std::min(panel_rows, end - start);
      pack_dual_panel(packing, start, n, blocks, block.data(), panel.data());
      const Sums into{out, strips.padded()};
      add_products(panel.data(), strips.strips(), n, start == begin, into, nothing);
    }
  });
  for (Index slot = 0; slot < n_slots; ++slot) add_lower(strips, sums.data() + slot * size, H);
}

}  // namespace fastlr
