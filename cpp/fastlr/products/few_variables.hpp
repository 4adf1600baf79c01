// C += Z'Z for few variables: products run along the rows, `lanes` rows at a time in registers, all
// lanes useful. Rows are read straight from memory, and sums stay spread over the lanes until they
// are folded. Which lane a row belongs to depends on its number alone, so the layout changes no
// bit.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "fastlr/matrices.hpp"
#include "fastlr/products/packing.hpp"
#include "fastlr/reading/parting.hpp"
#include "fastlr/reading/prefetching.hpp"
#include "fastlr/reading/weights.hpp"
#include "fastlr/registers/lanes.hpp"

namespace fastlr {

constexpr Index most_few = lanes == 8 ? 8 : 7;  // variables, without the constant
constexpr Index few_rows = panel_rows;          // rows that are read at once
constexpr Index bytes_ahead = 2048;             // where memory is asked for

/// Index of the sum of z_i z_j, j <= i; j = i + 1 stands for the sum of z_i.
constexpr Index few_sum(Index i, Index j) { return i * (i + 3) / 2 + j; }
constexpr Index most_few_sums = few_sum(most_few, 0);

/// Sums that fit the registers beside the values of a few variables.
constexpr Index few_sums_at_once = n_registers >= 32 ? 28 : 11;

/// The end of the variables from `first` on whose sums are taken together.
constexpr Index few_together(Index first) {
  Index last = first + 1;
  while (last < most_few && few_sum(last + 1, 0) - few_sum(first, 0) <= few_sums_at_once) ++last;
  return last;
}

/// Columns that are contiguous, wherever each of them lies.
template <class Scalar>
struct FewColumns {
  const std::byte* const* x;

  /// z[j] = values of column j in `lanes` rows from r on; n columns. May ask for later rows.
  template <bool asks_ahead, Index n>
  [[gnu::always_inline]] void load_rows(Index r, Lanes (&z)[n]) const {
#pragma GCC unroll 8
    for (Index j = 0; j < n; ++j) {
      const std::byte* const from = x[j] + r * Index{sizeof(Scalar)};
      if constexpr (asks_ahead) prefetch<first_level>(from + bytes_ahead);
      z[j] = load_as_doubles<Scalar>(from);
    }
  }
};

/// P neighbours, from their first row on, and one column that is contiguous: features in C order
/// and a target.
template <class Scalar, Index P>
struct FewNeighbours {
  const std::byte* rows;
  Index stride;
  const double* y;
  const std::byte* y_source;  // where y comes from: itself, or what was converted
  Index y_stride;

  template <bool asks_ahead, Index n>
  [[gnu::always_inline]] void load_rows(Index r, Lanes (&z)[n]) const {
    constexpr Index lines = (P * Index{sizeof(Scalar)} * lanes + cache_line - 1) / cache_line;
    const std::byte* const row = rows + r * stride;
#pragma GCC unroll 8
    for (Index line = 0; line < lines; ++line)
      prefetch<first_level>(row + bytes_ahead + line * cache_line);
    prefetch<first_level>(y_source + r * y_stride + bytes_ahead);
    Lanes x[P];
    part_neighbours<Scalar, P, P == 2>(row, stride, x);
#pragma GCC unroll 8
    for (Index k = 0; k < P; ++k) z[k] = x[k];
    z[P] = load(y + r);
  }
};

/// z = x * scale + offset.
struct Standard {
  const double* scale;
  const double* offset;
};

/// sums[i, j] += w z_i z_j for i in [First, Last), j <= i + 1, z_{i+1} = 1, over n rows, whole
/// registers of them.
template <Index First, Index Last, bool weighted, class Source>
[[gnu::noinline]] void add_few(const Source& source, const Standard& standard, const double* weight,
                               Index n, double* sums) {
  constexpr Index front = few_sum(First, 0);
  constexpr Index n_sums = few_sum(Last, 0) - front;
  Lanes sum[n_sums];
#pragma GCC unroll 64
  for (Index k = 0; k < n_sums; ++k) sum[k] = load(sums + (front + k) * lanes);
  for (Index r = 0; r < n; r += lanes) {
    Lanes z[Last];
    source.template load_rows<First == 0>(r, z);
#pragma GCC unroll 8
    for (Index j = 0; j < Last; ++j)
      z[j] = multiply_add(z[j], broadcast_from(standard.scale + j),
                          broadcast_from(standard.offset + j));
#pragma GCC unroll 8
    for (Index i = First; i < Last; ++i) {
      Lanes& total = sum[few_sum(i, i + 1) - front];
      Lanes left = z[i];
      if constexpr (weighted) {
        const Lanes w = load(weight + r);
        left = multiply(w, z[i]);
        total = multiply_add(w, z[i], total);
      } else {
        total = add(total, z[i]);
      }
#pragma GCC unroll 8
      for (Index j = 0; j <= i; ++j)
        sum[few_sum(i, j) - front] = multiply_add(left, z[j], sum[few_sum(i, j) - front]);
    }
  }
#pragma GCC unroll 64
  for (Index k = 0; k < n_sums; ++k) store(sums + (front + k) * lanes, sum[k]);
}

/// Rows of few variables on their way from memory, in whatever layout, into sums.
class FewVariables {
 public:
  explicit FewVariables(const PanelLayout& layout)
      : layout_(layout),
        n_(layout.n_variables() - 1),
        standard_{layout.scale(), layout.offset()},
        features_(layout.neighbours_from(0, n_ - 1)) {
    is_direct_ = features_.count > 0 && features_.count == n_ - 1 && n_ <= most_direct &&
                 (n_ > 3 || layout.column(0).stride == 2 * item_size(layout.column(0).dtype));
    for (Index j = 0; j < n_; ++j) {
      const Column& column = layout.column(j);
      are_floats_ = are_floats_ && column.dtype == DType::f32 && column.stride == sizeof(float);
    }
    for (Index j = 0; j < n_; j += std::max<Index>(1, runs_[n_runs_ - 1].count))
      runs_[n_runs_++] = layout.neighbours_from(j, n_ - j);
  }

  /// sums += rows [first, first + n), n <= few_rows. weight: nullptr, or theirs, and zeros up to
  /// whole registers.
  void add(Index first, Index n, const double* weight, double* sums) {
    const Index whole = n / lanes * lanes;
    if (whole > 0 && is_direct_ && first + whole <= features_.safe_rows) {
      add_directly(first, whole, weight, sums);
    } else if (whole > 0 && are_floats_) {
      for (Index j = 0; j < n_; ++j)
        columns_[static_cast<std::size_t>(j)] = layout_.column(j).at(first);
      add_columns<float>(weight, whole, sums);
    } else if (whole > 0) {
      read(first, whole);
      add_columns(weight, whole, sums);
    }
    if (whole < n)
      add_rest(first + whole, n - whole, weight == nullptr ? nullptr : weight + whole, sums);
  }

 private:
  // The sums of more variables and what it takes to part neighbours do not fit the registers.
  static constexpr Index most_direct = n_registers >= 32 ? 6 : 4;

  double* buffer(Index j) { return buffer_.data() + j * few_rows; }

  void add_directly(Index first, Index n, const double* weight, double* sums) {
    const Column& head = layout_.column(0);
    const Column& target = layout_.column(n_ - 1);
    const double* const y = layout_.values(n_ - 1, first, n, buffer(0));
    const auto add = [&]<class Scalar>(Scalar) {
      with_count<2, most_direct - 1>(n_ - 1, [&]<Index P>() {
        add_from<0, P + 1>(FewNeighbours<Scalar, P>{head.at(first), head.stride, y,
                                                    target.at(first), target.stride},
                           weight, n, sums);
      });
    };
    if (head.dtype == DType::f32) {
      add(float{});
    } else {
      add(double{});
    }
  }

  template <Index First, Index Last, class Source>
  void add_from(const Source& source, const double* weight, Index n, double* sums) const {
    if (weight != nullptr) {
      add_few<First, Last, true>(source, standard_, weight, n, sums);
    } else {
      add_few<First, Last, false>(source, standard_, weight, n, sums);
    }
  }

  /// columns_: rows [first, first + n) as doubles, where they lie or in the buffer.
  void read(Index first, Index n) {
    for (std::size_t k = 0; k < n_runs_; ++k) {
      const Neighbours& run = runs_[k];
      const bool by_rows = run.count > 0 && first + n <= run.safe_rows;
      if (by_rows) read_neighbours(run, first, n);
      for (Index j = run.first; j < run.first + std::max<Index>(1, run.count); ++j)
        set_column(j, by_rows ? buffer(j) : layout_.values(j, first, n, buffer(j)));
    }
  }

  void set_column(Index j, const double* values) {
    columns_[static_cast<std::size_t>(j)] = reinterpret_cast<const std::byte*>(values);
  }

  void read_neighbours(const Neighbours& run, Index first, Index n) {
    const Column& head = layout_.column(run.first);
    if (head.dtype == DType::f32) {
      read_neighbours<float>(run.count, head.at(first), head.stride, n, buffer(run.first));
    } else {
      read_neighbours<double>(run.count, head.at(first), head.stride, n, buffer(run.first));
    }
  }

  /// out[k, :n] = column k of so many neighbours.
  template <class Scalar>
  static void read_neighbours(Index count, const std::byte* row, Index stride, Index n,
                              double* out) {
    with_count<2, most_few>(count, [&]<Index P>() {
      constexpr Index lines = (P * Index{sizeof(Scalar)} * lanes + cache_line - 1) / cache_line;
      for (Index r = 0; r < n; r += lanes, row += lanes * stride) {
#pragma GCC unroll 8
        for (Index line = 0; line < lines; ++line)
          prefetch<first_level>(row + bytes_ahead + line * cache_line);
        Lanes x[P];
        part_neighbours<Scalar, P, false>(row, stride, x);
#pragma GCC unroll 8
        for (Index k = 0; k < P; ++k) store(out + k * few_rows + r, x[k]);
      }
    });
  }

  /// As many variables at a time as their sums fit the registers.
  template <class Scalar = double, Index First = 0>
  void add_columns(const double* weight, Index n, double* sums) const {
    constexpr Index most = few_together(First);
    with_count<First + 1, most>(std::min(n_, most), [&]<Index Last>() {
      add_from<First, Last>(FewColumns<Scalar>{columns_.data()}, weight, n, sums);
    });
    if constexpr (most < most_few) {
      if (n_ > most) add_columns<Scalar, most>(weight, n, sums);
    }
  }

  /// Fewer rows than lanes: those that are missing have weight zero.
  void add_rest(Index first, Index n, const double* weight, double* sums) {
    alignas(64) std::array<double, lanes> present{};
    std::fill_n(present.data(), n, 1.0);
    for (Index j = 0; j < n_; ++j) {
      std::fill_n(buffer(j), lanes, 0.0);
      load_column(layout_.column(j), first, n, buffer(j));
      set_column(j, buffer(j));
    }
    add_columns(weight != nullptr ? weight : present.data(), lanes, sums);
  }

  /// body<count>(), First <= count <= Last.
  template <Index First, Index Last, class Body>
  static void with_count(Index count, const Body& body) {
    if (count == First) return body.template operator()<First>();
    if constexpr (First < Last) with_count<First + 1, Last>(count, body);
  }

  const PanelLayout& layout_;
  Index n_;
  Standard standard_;
  Neighbours features_;
  bool is_direct_;          // its first columns are neighbours, and few enough
  bool are_floats_ = true;  // all of them, each contiguous
  std::array<Neighbours, static_cast<std::size_t>(most_few)> runs_;
  std::size_t n_runs_ = 0;
  std::array<const std::byte*, static_cast<std::size_t>(most_few)> columns_;
  alignas(64) std::array<double, static_cast<std::size_t>(most_few* few_rows)> buffer_;
};

}  // namespace fastlr
