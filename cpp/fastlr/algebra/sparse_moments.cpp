// The sums of a pass over sparse rows, put where a dense pass has them.
#include <algorithm>
#include <utility>
#include <vector>

#include "fastlr/products/sparse_products.hpp"
#include "fastlr/registers/double_double.hpp"

namespace fastlr {

WeightStatistics centre_sparse(const SparseLayout& layout, const double* shift, const double* sums,
                               double* mean, double* cross) {
  const Index p = layout.n_sparse;
  const Index q = p + layout.n_dense;
  const Index padded = padded_variables(q);
  const SlotPlan plan{1, 1, 1, 1, 2 * padded * padded + statistics_size};
  std::vector<double> slots(static_cast<std::size_t>(plan.slot_size), 0.0);
  const Slot slot = slot_at(plan, padded, slots.data(), 0);
  const auto put = [&](Index i, Index j, Index from) {
    const double* const folded = sums + layout.size() + from;
    const DoubleDouble sum =
        DoubleDouble{folded[0], folded[layout.size()]} + DoubleDouble{sums[from], 0.0};
    slot.hi[i * padded + j] = sum.hi;
    slot.lo[i * padded + j] = sum.lo;
  };
  for (Index i = 0; i < p; ++i)
    for (Index j = 0; j <= i; ++j) put(i, j, SparseLayout::row_of_triangle(i) + j);
  for (Index a = 0; a <= layout.n_dense; ++a) {
    for (Index j = 0; j < p; ++j) put(p + a, j, layout.mixed() + j * layout.width() + a);
    for (Index b = 0; b <= a; ++b) put(p + a, p + b, layout.dense() + a * layout.width() + b);
  }
  *slot.statistics = *reinterpret_cast<const WeightStatistics*>(sums + layout.statistics());
  std::vector<double> shifts(static_cast<std::size_t>(q), 0.0);
  std::copy_n(shift, layout.n_dense, shifts.begin() + p);
  const std::vector<double> scale(static_cast<std::size_t>(q), 1.0);
  return centre(plan, q, shifts.data(), scale.data(), slots.data(), mean, cross);
}

}  // namespace fastlr
