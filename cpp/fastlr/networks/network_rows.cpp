#include "fastlr/networks/network_rows.hpp"

#include <cstring>

namespace fastlr {
namespace {

/// out[i * stride] = (minus_y[i] + centre) * factor.
template <class Scalar>
void standardise(const Buffer& minus_y, Index n, double centre, double factor, Scalar* out,
                 Index stride) {
  for (Index i = 0; i < n; ++i)
    out[i * stride] = static_cast<Scalar>((minus_y[i] + centre) * factor);
}

}  // namespace

NetworkSource::NetworkSource(const Rows& rows, Index n_targets, const Column* weight,
                             const NetworkScales& scales, bool is_single)
    : features_(rows),
      n_targets_(n_targets),
      weight_(weight),
      scales_(scales),
      is_single_(is_single) {
  auto& columns = features_.columns;
  const auto first = columns.end() - n_targets;
  targets_.assign(first, columns.end());
  columns.erase(first, columns.end());
  n_features_ = features_.n_columns();
  // Rows are packed with one target. Where there is none nobody looks at what is in its place.
  columns.push_back(n_targets > 0 ? targets_.front() : columns.front());
}

bool NetworkSource::pack_singles(const Index* rows, const std::uint32_t* places, Index count,
                                 NetworkWindow& window) const {
  const RowMajor matrix = row_major(features_, n_features_);
  if (!is_single_ || !matrix || matrix.dtype != DType::f32 || scales_.features.factor != nullptr)
    return false;
  constexpr Index ahead = 64;
  const Index n_bytes = n_features_ * Index{sizeof(float)};
  for (Index i = 0; i < count; ++i) {
    if (i + ahead < count) {
      const auto* next = reinterpret_cast<const std::byte*>(matrix.row<float>(rows[i + ahead]));
      for (Index b = 0; b < n_bytes; b += cache_line) prefetch<third_level>(next + b);
    }
    std::memcpy(window.single_X.data() + places[i] * window.packed.stride,
                matrix.row<float>(rows[i]), static_cast<std::size_t>(n_bytes));
  }
  if (weight_ != nullptr)
    pack_values(*weight_, 1.0, rows, places, count, window.packed.weight.data());
  return true;
}

void NetworkSource::pack(const Index* rows, const std::uint32_t* places, Index count,
                         NetworkWindow& window) const {
  RowWindow& packed = window.packed;
  const bool are_singles = pack_singles(rows, places, count, window);
  if (!are_singles) {
    pack_rows(features_, weight_, scales_.features, rows, places, count, packed);
    if (is_single_)
      window.single_X.head(count * packed.stride) =
          packed.X.head(count * packed.stride).cast<float>();
  }
  for (Index t = 0; t < n_targets_; ++t) {
    if (t > 0 || are_singles)
      pack_values(targets_[static_cast<std::size_t>(t)], -1.0, rows, places, count,
                  packed.minus_y.data());
    const bool is_scaled = scales_.target_factor != nullptr;
    const double centre = is_scaled ? scales_.target_centre[t] : 0.0;
    const double factor = is_scaled ? scales_.target_factor[t] : 1.0;
    if (is_single_) {
      standardise(packed.minus_y, count, centre, factor, window.single_minus_y.data() + t,
                  n_targets_);
    } else {
      standardise(packed.minus_y, count, centre, factor, window.minus_y.data() + t, n_targets_);
    }
  }
  window.count = count;
  window.are_singles = are_singles;
}

}  // namespace fastlr
