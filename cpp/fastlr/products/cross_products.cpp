// Built with FMA contraction, as all products of panels are.
#include "fastlr/products/cross_products.hpp"

#include "fastlr/products/tiles.hpp"

namespace fastlr {
namespace {

/// Tiles whose sums stay where they are.
struct OnlyPrefetch {
  using Panel = ShortPanel;
  Prefetcher& prefetcher;

  const std::byte* const* before(const TileAt& /*tile*/, Index n_rows) const {
    return prefetcher.next(n_rows);
  }
  void after(const TileAt& /*tile*/) const {}
};

}  // namespace

void add_products(const double* panel, const VariableStrips& strips, Index n_rows, bool set,
                  const Sums& C, Prefetcher& ahead) {
  PanelProduct<OnlyPrefetch>{panel, strips, n_rows, set, C, {ahead}}.all();
}

}  // namespace fastlr
