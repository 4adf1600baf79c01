// Built with FMA contraction: scales are powers of two, so that it changes no value.
#include "fastlr/products/packing.hpp"

#include <utility>

namespace fastlr {

PanelLayout::PanelLayout(const Rows& rows, const double* shift, const double* scale, Index depth)
    : rows_(rows), n_variables_(rows.n_columns() + 1), strip_stride_(strip_size_of(depth)) {
  const Index padded = round_up(n_variables_, strip_width);
  scale_.setZero(padded);
  offset_.setZero(padded);
  for (Index j = 0; j < rows.n_columns(); ++j) {
    scale_[j] = scale[j];
    offset_[j] = -shift[j] * scale[j];
  }
  offset_[n_variables_ - 1] = 1.0;  // 0 * 0 + 1: the constant
  for (Index first = 0; first < n_variables_; first += strip_width)
    strips_.push_back(strip_at(first));
}

void PanelLayout::pack(Index first, Index n, const double* root_weight, double* panel) const {
  // In the order of memory: long rows are few pages at a time, short ones many rows to a strip.
  const Index at_once = n_strips() > 4 ? most_at_once / 4 : most_at_once;
  for (Index done = 0; done < n; done += at_once) {
    const Index count = std::min(at_once, n - done);
    const double* root = root_weight == nullptr ? nullptr : root_weight + done;
    for (const Strip& strip : strips_) {
      double* out = panel + strip.first / strip_width * strip_stride() + done * strip_width;
      if (strip.is_read_by_rows(first + done + count)) {
        pack_strip_by_rows(strip, first + done, count, root, out);
      } else {
        pack_strip_by_columns(strip, first + done, count, root, out);
      }
    }
  }
}

Strip PanelLayout::strip_at(Index first) const {
  Strip strip;
  strip.first = first;
  strip.width = std::min(strip_width, n_variables_ - first);
  strip.n_columns = std::min(strip.width, rows_.n_columns() - first);
  const Neighbours leading = neighbours_from(first, strip.n_columns);
  strip.adjacent = leading.count;
  strip.safe_rows = leading.safe_rows;
  strip.neighbours.head(strip.adjacent) = keep_all;
  for (Index k = 0; k < std::min(most_apart, strip.n_apart()); ++k) {
    const Index c = strip.adjacent + k;
    strip.apart[static_cast<std::size_t>(k)].setZero();
    strip.apart[static_cast<std::size_t>(k)][c] = scale_[first + c];
  }
  return strip;
}

template <class Scalar, Index Apart>
void PanelLayout::rows_with(const Strip& strip, Index row, Index n, const double* root,
                            double* out) const {
  std::array<Buffer, Apart> buffers;
  std::array<const std::byte*, Apart> from;
  std::array<Index, Apart> step;
  for (std::size_t k = 0; k < Apart; ++k) {
    const Column& source = column(strip.first + strip.adjacent + static_cast<Index>(k));
    from[k] = source.at(row);
    step[k] = source.stride;
    if (source.dtype == DType::f64) continue;
    load_column(source, row, n, buffers[k].data());
    from[k] = reinterpret_cast<const std::byte*>(buffers[k].data());
    step[k] = sizeof(double);
  }
  const Eight nothing = Eight::Zero();  // read where no columns are neighbours
  const std::byte* x = reinterpret_cast<const std::byte*>(nothing.data());
  Index stride = 0;
  if (strip.adjacent > 0) {
    x = column(strip.first).at(row);
    stride = column(strip.first).stride;
  }
  // Rows of deep panels are long and come from memory without anybody having asked for them.
  constexpr Index far = 256;
  const Index ahead = strip_stride_ == strip_size ? 0 : far;
  Lanes neighbours[vectors], scale[vectors], offset[vectors], apart[vectors][Apart + 1];
#pragma GCC unroll 8
  for (Index v = 0; v < vectors; ++v) {
    neighbours[v] = load(strip.neighbours.data() + v * lanes);
    scale[v] = load(scale_.data() + strip.first + v * lanes);
    offset[v] = load(offset_.data() + strip.first + v * lanes);
#pragma GCC unroll 8
    for (std::size_t k = 0; k < Apart; ++k) apart[v][k] = load(strip.apart[k].data() + v * lanes);
  }
#pragma GCC unroll 2
  for (Index r = 0; r < n; ++r, x += stride) {
    prefetch<first_level>(x + ahead);
#pragma GCC unroll 8
    for (Index v = 0; v < vectors; ++v) {
      const Lanes values = load_as_doubles<Scalar>(x + v * lanes * Index{sizeof(Scalar)});
      Lanes z = multiply_add(keep(values, neighbours[v]), scale[v], offset[v]);
#pragma GCC unroll 8
      for (std::size_t k = 0; k < Apart; ++k)
        z = multiply_add(broadcast_from(from[k] + r * step[k]), apart[v][k], z);
      if (root != nullptr) z = multiply(z, broadcast_from(root + r));
      store(out + r * strip_width + v * lanes, z);
    }
  }
}

/// out (n, 8): row after row, neighbours as vectors, other columns into their lanes. What is not
/// finite there spoils the whole row, as it spoils the sums; the caller looks afterwards.
void PanelLayout::pack_strip_by_rows(const Strip& strip, Index row, Index n, const double* root,
                                     double* out) const {
  const bool is_float = strip.adjacent > 0 && column(strip.first).dtype == DType::f32;
  const auto with = [&]<Index Apart>(std::integral_constant<Index, Apart>) {
    if (strip.n_apart() != Apart) return;
    if (is_float) {
      rows_with<float, Apart>(strip, row, n, root, out);
    } else {
      rows_with<double, Apart>(strip, row, n, root, out);
    }
  };
  [&]<Index... Apart>(std::integer_sequence<Index, Apart...>) {
    (with(std::integral_constant<Index, Apart>{}), ...);
  }(std::make_integer_sequence<Index, most_apart + 1>{});
}

/// out (n, 8) from up to eight columns that lie apart: squares of them, transposed in registers.
void PanelLayout::pack_strip_by_columns(const Strip& strip, Index row, Index n, const double* root,
                                        double* out) const {
  std::array<Buffer, strip_width> buffers;
  std::array<const double*, strip_width> from;
  for (std::size_t c = 0; c < strip_width; ++c) {
    const auto j = static_cast<Index>(c);
    if (j < strip.n_columns) {
      from[c] = values(strip.first + j, row, n, buffers[c].data());
    } else {
      buffers[c].fill(0.0);
      from[c] = buffers[c].data();
    }
  }
  const double* const scale = scale_.data() + strip.first;
  const double* const offset = offset_.data() + strip.first;
  const Index whole = n / lanes * lanes;
#pragma GCC unroll 8
  for (Index c = 0; c < strip_width; c += lanes) {
    const Lanes scales = load(scale + c);
    const Lanes offsets = load(offset + c);
    for (Index r = 0; r < whole; r += lanes) {
      const auto block = load_transposed(from.data() + c, r);
#pragma GCC unroll 8
      for (Index k = 0; k < lanes; ++k) {
        Lanes z = multiply_add(block.packet[k], scales, offsets);
        if (root != nullptr) z = multiply(z, broadcast_from(root + r + k));
        store(out + (r + k) * strip_width + c, z);
      }
    }
  }
  for (Index r = whole; r < n; ++r) {
    for (Index c = 0; c < strip.width; ++c) {
      const double z = from[static_cast<std::size_t>(c)][r] * scale[c] + offset[c];
      out[r * strip_width + c] = root == nullptr ? z : z * root[r];
    }
  }
}

}  // namespace fastlr
