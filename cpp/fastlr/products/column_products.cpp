#include "fastlr/products/column_products.hpp"

#include <algorithm>
#include <vector>

#include "fastlr/products/tiles.hpp"
#include "fastlr/reading/weights.hpp"
#include "fastlr/threads.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

using AlignedVector = Eigen::Matrix<double, Eigen::Dynamic, 1>;

/// Rows whose chosen columns are packed once for all others; few enough for a shared cache.
constexpr Index panels_per_chunk = 16;
/// Columns of a task, with the constant that every layout ends with in whole wide tiles.
constexpr Index block_strips = 30;
constexpr Index block_columns = block_strips * strip_width - 1;

/// Some columns of a table, each with its shift, as panels want them.
struct Selection {
  Selection(const Rows& rows, const double* shift, const std::vector<Index>& columns) {
    selected.n_samples = rows.n_samples;
    for (const Index j : columns) {
      selected.columns.push_back(rows.columns[static_cast<std::size_t>(j)]);
      shifts.push_back(shift[j]);
    }
    scale.assign(columns.size(), 1.0);
  }

  Rows selected;
  std::vector<double> shifts;
  std::vector<double> scale;
};

/// C (+)= sums over a panel's rows of products of `n_left` strips with `n_across` others.
void multiply_panels(const double* left, Index n_left, const double* across, Index n_across,
                     Index n_rows, bool set, double* C, Index stride, Prefetcher& nothing) {
  const auto tiles = [&]<Index V>(std::integral_constant<Index, V>, Index i, Index strip) {
    const double* const a = left + i / strip_width * strip_size + i % strip_width;
    tile_product<tile_height, V>(a, across + strip * strip_size, n_rows, set,
                                 C + i * stride + strip * strip_width, stride,
                                 nothing.next(n_rows));
  };
  for (Index i = 0; i < n_left * strip_width; i += tile_height) {
    Index strip = 0;
    for (; strip + tile_strips <= n_across; strip += tile_strips)
      tiles(std::integral_constant<Index, tile_strips>{}, i, strip);
    for (; strip < n_across; ++strip) tiles(std::integral_constant<Index, 1>{}, i, strip);
  }
}

}  // namespace

void column_products(const Rows& rows, const Column* weight, const double* shift,
                     const std::vector<Index>& chosen, int n_threads, double* out) {
  const Index q = rows.n_columns();
  const auto n_chosen = static_cast<Index>(chosen.size());
  std::fill_n(out, (n_chosen + 1) * q, 0.0);
  const Selection picked(rows, shift, chosen);
  const PanelLayout left(picked.selected, picked.shifts.data(), picked.scale.data());

  const Index n_blocks = (q + block_columns - 1) / block_columns;
  std::vector<Selection> blocks;
  std::vector<PanelLayout> layouts;
  blocks.reserve(static_cast<std::size_t>(n_blocks));  // layouts refer to them
  layouts.reserve(static_cast<std::size_t>(n_blocks));
  for (Index first = 0; first < q; first += block_columns) {
    std::vector<Index> columns;
    for (Index j = first; j < std::min(q, first + block_columns); ++j) columns.push_back(j);
    const Selection& block = blocks.emplace_back(rows, shift, columns);
    layouts.emplace_back(block.selected, block.shifts.data(), block.scale.data());
  }

  constexpr Index stride = block_strips * strip_width + 8;  // a line more: see strip_size
  const Index room_size = left.padded() * stride;
  const Index chunk = panels_per_chunk * panel_rows;
  AlignedVector panels = AlignedVector::Zero(panels_per_chunk * left.panel_size());
  AlignedVector across = AlignedVector::Zero(n_threads * block_strips * strip_size);
  AlignedVector rooms(n_threads * room_size);
  AlignedVector roots(weight != nullptr ? chunk : 0);
  for (Index start = 0; start < rows.n_samples; start += chunk) {
    give_turn();
    const Index end = std::min(rows.n_samples, start + chunk);
    const Index n_panels = (end - start + panel_rows - 1) / panel_rows;
    const auto rows_in = [&](Index k) {
      return std::min(panel_rows, end - start - k * panel_rows);
    };
    const auto root_of = [&](Index k) {
      return weight == nullptr ? nullptr : roots.data() + k * panel_rows;
    };
    for_each_task(n_panels, n_threads, [&](Index k) {
      const Index first = start + k * panel_rows;
      if (weight != nullptr) pack_weights(*weight, first, rows_in(k), root_of(k));
      left.pack(first, rows_in(k), root_of(k), panels.data() + k * left.panel_size());
    });
    for_each_task(n_blocks, n_threads, [&](Index b, Index worker) {
      const PanelLayout& layout = layouts[static_cast<std::size_t>(b)];
      double* const panel = across.data() + worker * block_strips * strip_size;
      double* const C = rooms.data() + worker * room_size;
      Prefetcher nothing = Prefetcher::idle(panel_rows);
      for (Index k = 0; k < n_panels; ++k) {
        layout.pack(start + k * panel_rows, rows_in(k), root_of(k), panel);
        multiply_panels(panels.data() + k * left.panel_size(), left.n_strips(), panel,
                        layout.n_strips(), rows_in(k), k == 0, C, stride, nothing);
      }
      const Index first = b * block_columns;
      const Index width = layout.n_variables() - 1;
      for (Index a = 0; a <= n_chosen; ++a)
        for (Index j = 0; j < width; ++j) out[a * q + first + j] += C[a * stride + j];
    });
  }
}

}  // namespace fastlr
