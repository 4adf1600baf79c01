// C = Z'Z for nine to sixteen variables, the constant among them, without a panel: every row is
// packed into a small ring some rows before it is multiplied, in one loop, so that memory never
// waits for arithmetic nor the other way round, and all sums stay in registers for a whole fold.
// Sums are those of PanelProduct, row after row: it goes on where the ring stops, and changes no
// bit.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "fastlr/matrices.hpp"
#include "fastlr/products/moments.hpp"
#include "fastlr/products/packing.hpp"
#include "fastlr/reading/prefetching.hpp"
#include "fastlr/registers/lanes.hpp"

namespace fastlr {

/// Two vectors of sums for each variable of the second strip and one for those of the first: that
/// fits the registers of AVX-512 only.
constexpr bool has_ring = lanes == strip_width && n_registers >= 32;

/// The doubles of the lanes that have a bit in `which`, zero elsewhere: what lies in other places is not
/// read.
inline Lanes load_some(const std::byte* p, unsigned which) {
#if defined(EIGEN_VECTORIZE_AVX512)
  return _mm512_maskz_loadu_pd(static_cast<__mmask8>(which), p);
#else
  double values[lanes] = {};
  for (Index k = 0; k < lanes; ++k)
    if ((which >> k & 1U) != 0)
      std::memcpy(values + k, p + k * Index{sizeof(double)}, sizeof(double));
  return load(values);
#endif
}

/// Rows of two strips: eight neighbours, then neighbours of the same type, columns apart, and the
/// constant.
class FusedRing {
 public:
  explicit FusedRing(const PanelLayout& layout) : layout_(layout) {
    if (!has_ring || layout.n_strips() != 2 || layout.width(1) < 2) return;
    const Strip& back = layout.strip(1);
    if (layout.strip(0).adjacent != strip_width || back.n_apart() > most_apart) return;
    const Column& head = layout.column(0);
    if (back.adjacent > 0 && layout.column(strip_width).dtype != head.dtype) return;
    safe_rows_ = back.safe_rows;
    for (Index k = 0; k < back.n_apart(); ++k)
      if (apart(k).dtype != DType::f64) ++n_converted_;
    n_together_ = std::min<Index>(1, back.n_apart());
    while (n_together_ > 0 && n_together_ < back.n_apart() && apart(0).dtype == DType::f64 &&
           are_neighbours(apart(n_together_ - 1), apart(n_together_)))
      ++n_together_;
    converted_.resize(n_converted_ * rows_per_fold);
  }

  /// How many of the rows [first, last) of a fold it can take: whole panels, or all.
  Index rows_taken(Index first, Index last) const {
    if (last <= safe_rows_) return last - first;
    return std::max<Index>(0, safe_rows_ - first) / panel_rows * panel_rows;
  }

  /// C (16, 16), lower triangle of strips, = the products of rows [first, first + n), which it can
  /// take. root: nullptr, or what multiplies them.
  void set_products(Index first, Index n, const double* root, double* C) {
    if constexpr (has_ring) {
      const Source source = source_at(first, n, root);
      if (layout_.column(0).dtype == DType::f32) {
        multiply_width<float, strip_width>(source, n, C);
      } else {
        multiply_width<double, strip_width>(source, n, C);
      }
    }
  }

 private:
  static constexpr Index rows_ahead = 16;     // from packing to multiplication
  static constexpr Index bytes_ahead = 4096;  // from asking for memory to packing
  static constexpr Index row_width = 2 * strip_width;

  /// Where a row comes from; next() goes on to the next one.
  struct Source {
    struct Pointer {
      const std::byte* at;
      Index stride;
    };
    Pointer front;
    Pointer back;
    Pointer together;  // where the strip's first variable would lie, were it beside those apart
    std::array<Pointer, most_apart - 1> apart;
    std::size_t n_more_apart;
    const double* root;

    void next() {
      front.at += front.stride;
      back.at += back.stride;
      together.at += together.stride;
#pragma GCC unroll 1
      for (std::size_t k = 0; k < n_more_apart; ++k) apart[k].at += apart[k].stride;
      if (root != nullptr) ++root;
    }
  };

  const Column& apart(Index k) const {
    return layout_.column(strip_width + layout_.strip(1).adjacent + k);
  }

  Source source_at(Index first, Index n, const double* root) {
    static const Eight nothing = Eight::Zero();  // read where no columns are neighbours
    const auto pointer = [&](const Column& column) {
      return typename Source::Pointer{column.at(first), column.stride};
    };
    const Strip& strip = layout_.strip(1);
    Source source{};
    source.front = pointer(layout_.column(0));
    source.back = {reinterpret_cast<const std::byte*>(nothing.data()), 0};
    source.together = source.back;
    if (strip.adjacent > 0) source.back = pointer(layout_.column(strip_width));
    double* converted = converted_.data();
    for (Index k = 0; k < strip.n_apart(); ++k) {
      auto from = pointer(apart(k));
      if (apart(k).dtype != DType::f64) {
        load_column(apart(k), first, n, converted);
        from = {reinterpret_cast<const std::byte*>(converted), sizeof(double)};
        converted += rows_per_fold;
      }
      if (k == 0) {
        source.together = {from.at - strip.adjacent * Index{sizeof(double)}, from.stride};
      } else if (k >= n_together_) {
        source.apart[static_cast<std::size_t>(k - n_together_)] = from;
      }
    }
    source.n_more_apart = static_cast<std::size_t>(strip.n_apart() - n_together_);
    source.root = root;
    return source;
  }

  /// With the width of the second strip as a constant.
  template <class Scalar, Index width>
  void multiply_width(const Source& source, Index n, double* C) const {
    if (layout_.width(1) == width) {
      multiply_rows<Scalar, width>(source, n, C);
    } else if constexpr (width > 2) {
      multiply_width<Scalar, width - 1>(source, n, C);
    }
  }

  template <class Scalar, Index width>
  [[gnu::noinline]] void multiply_rows(Source source, Index n, double* C) const {
    const Strip& strip = layout_.strip(1);
    const Lanes scale[2] = {load(layout_.scale()), load(layout_.scale() + strip_width)};
    const Lanes offset[2] = {load(layout_.offset()), load(layout_.offset() + strip_width)};
    const Lanes neighbours = load(strip.neighbours.data());
    Eight together = Eight::Zero();
    for (Index k = 0; k < n_together_; ++k) together += strip.apart[static_cast<std::size_t>(k)];
    const Lanes scale_together = load(together.data());
    const auto lanes_together = static_cast<unsigned>(((1 << n_together_) - 1) << strip.adjacent);
    const auto n_together = static_cast<std::size_t>(n_together_);
    const auto pack = [&](double* row) {
      prefetch<first_level>(source.front.at + bytes_ahead);
      if constexpr (sizeof(Scalar) == sizeof(double))
        prefetch<first_level>(source.front.at + bytes_ahead + cache_line);
      Lanes z[2] = {load_as_doubles<Scalar>(source.front.at),
                    keep(load_as_doubles<Scalar>(source.back.at), neighbours)};
      z[0] = multiply_add(z[0], scale[0], offset[0]);
      z[1] = multiply_add(z[1], scale[1], offset[1]);
      z[1] = multiply_add(load_some(source.together.at, lanes_together), scale_together, z[1]);
#pragma GCC unroll 1
      for (std::size_t k = 0; k < source.n_more_apart; ++k)
        z[1] = multiply_add(broadcast_from(source.apart[k].at),
                            load(strip.apart[k + n_together].data()), z[1]);
      if (source.root != nullptr) {
        const Lanes root = broadcast_from(source.root);
        z[0] = fastlr::multiply(z[0], root);
        z[1] = fastlr::multiply(z[1], root);
      }
      store(row, z[0]);
      store(row + strip_width, z[1]);
      source.next();
    };

    Lanes left[strip_width + width];  // sums with the variables of the first strip
    Lanes right[width];               // ... and of the second
#pragma GCC unroll 16
    for (Lanes& sum : left) sum = broadcast(0.0);
#pragma GCC unroll 8
    for (Lanes& sum : right) sum = broadcast(0.0);
    const auto multiply = [&](const double* row) {
      const Lanes front = load(row);
      const Lanes back = load(row + strip_width);
#pragma GCC unroll 16
      for (Index i = 0; i < strip_width + width; ++i) {
        const Lanes scalar = broadcast_from(row + i);
        left[i] = multiply_add(scalar, front, left[i]);
        if (i >= strip_width)
          right[i - strip_width] = multiply_add(scalar, back, right[i - strip_width]);
      }
    };

    alignas(64) std::array<double, 2 * rows_ahead * row_width> ring;
    constexpr Index half = rows_ahead * row_width;
    double* packed = ring.data();
    double* empty = ring.data() + half;
    for (Index r = 0; r < std::min(rows_ahead, n); ++r) pack(packed + r * row_width);
    for (; n > 0; n -= rows_ahead, std::swap(packed, empty)) {
      const Index n_packed = std::min(rows_ahead, n) * row_width;
      const Index n_next = std::clamp<Index>(n - rows_ahead, 0, rows_ahead) * row_width;
      Index e = 0;
      for (; e < n_next; e += row_width) {
        pack(empty + e);
        multiply(packed + e);
      }
      for (; e < n_packed; e += row_width) multiply(packed + e);
    }
#pragma GCC unroll 16
    for (Index i = 0; i < strip_width + width; ++i) {
      store(C + i * row_width, left[i]);
      if (i >= strip_width) store(C + i * row_width + strip_width, right[i - strip_width]);
    }
  }

  const PanelLayout& layout_;
  Index safe_rows_ = 0;
  Index n_together_ = 0;  // of the columns apart, the first one and its neighbours
  Index n_converted_ = 0;
  Eigen::VectorXd converted_;  // columns apart of other types than float64
};

}  // namespace fastlr
