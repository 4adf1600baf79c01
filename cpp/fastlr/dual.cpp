// Built with FMA contraction, as all products of panels are.
#include "fastlr/dual.hpp"

#include <algorithm>
#include <array>

#include "fastlr/cross_products.hpp"
#include "fastlr/loading.hpp"
#include "fastlr/row_blocks.hpp"

namespace fastlr {
namespace {

/// Rows as the variables of a panel.
struct RowStrips {
  Index n;
  Index n_strips() const { return (n + strip_width - 1) / strip_width; }
  Index padded() const { return n_strips() * strip_width; }
  Index width(Index strip) const { return std::min(strip_width, n - strip * strip_width); }
};

/// One column as one row of the panel: z = sqrt(w) (x * scale - mean), in strips of eight.
void pack_column(const Column& column, double scale, const double* root_weight, bool centred, const RowStrips& strips,
                 double total_weight, double& mean, double& variance, double* out) {
  constexpr Index strip_size = strip_width * panel_rows;
  Eight sum = Eight::Zero();
  for (Index s = 0; s < strips.n_strips(); ++s) {
    const Eight x = load_eight(column, s * strip_width, strips.width(s)) * scale;
    Eigen::Map<Eight>(out + s * strip_size) = x;
    if (!centred) continue;
    if (root_weight == nullptr) {
      sum += x;
    } else {
      sum += x * Eigen::Map<const Eight>(root_weight + s * strip_width).square();
    }
  }
  mean = centred ? sum.sum() / total_weight : 0.0;
  Eight squares = Eight::Zero();
  for (Index s = 0; s < strips.n_strips(); ++s) {
    Eigen::Map<Eight> z(out + s * strip_size);
    z -= mean;
    if (root_weight != nullptr) z *= Eigen::Map<const Eight>(root_weight + s * strip_width);
    for (Index i = strips.width(s); i < strip_width; ++i) z[i] = 0.0;
    squares += z.square();
  }
  variance = squares.sum() / total_weight;
}

}  // namespace

void dual_products(const Rows& rows, const double* scale, const double* root_weight, bool fit_intercept, Index first,
                   Index last, int n_threads, double* mean, double* variance, double* H) {
  constexpr Index panels = 4;
  const RowStrips strips{rows.n_samples};
  double total_weight = static_cast<double>(rows.n_samples);
  if (root_weight != nullptr) total_weight = ConstVectorMap(root_weight, rows.n_samples).squaredNorm();
  const Index panel_size = strips.padded() * panel_rows;
  Eigen::VectorXd panel(panels * panel_size);
  Eigen::VectorXd sums(strips.padded() * strips.padded());  // aligned, as H need not be
  for (Index start = first; start < last; start += panels * panel_rows) {
    const Index n_panels = (std::min(panels * panel_rows, last - start) + panel_rows - 1) / panel_rows;
    const auto columns_in = [&](Index k) { return std::min(panel_rows, last - start - k * panel_rows); };
    for_each_task(n_panels, n_threads, [&](Index k) {
      for (Index c = 0; c < columns_in(k); ++c) {
        const Index j = start + k * panel_rows + c;
        pack_column(rows.columns[static_cast<std::size_t>(j)], scale[j], root_weight, fit_intercept, strips,
                    total_weight, mean[j], variance[j], panel.data() + k * panel_size + c * strip_width);
      }
    });
    const Index n_groups = (strips.n_strips() + tile_strips - 1) / tile_strips;
    for_each_task(n_groups, n_threads, [&](Index group) {
      for (Index k = 0; k < n_panels; ++k)
        column_group_product(panel.data() + k * panel_size, strips, group * tile_strips, columns_in(k),
                             start == first && k == 0, sums.data());
    });
  }
  for (Index row = 0; row < strips.padded(); ++row) {
    const Index size = (row / strip_width + 1) * strip_width;
    VectorMap(H + row * strips.padded(), size) += sums.segment(row * strips.padded(), size);
  }
}

}  // namespace fastlr
