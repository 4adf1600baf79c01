#include "fastlr/products/triangles.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "fastlr/large_zeros.hpp"
#include "fastlr/products/shared_products.hpp"
#include "fastlr/products/tiles.hpp"
#include "fastlr/threads.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr Index group = tile_strips * strip_width;  // rows that a tile has as vectors
constexpr Index block_columns = 48;                 // of L, whose rows are dealt out at once
constexpr Index work_per_turn = Index{1} << 29;     // multiply-adds between two turns
constexpr Index too_little = Index{1} << 19;  // multiply-adds that a second thread is not worth

static_assert(block_columns % group == 0 && group % tile_height == 0);

/// Sums or values of a tile: `tile_height` times `group`.
using Tile = std::array<double, static_cast<std::size_t>(tile_height* group)>;

/// A group of rows lies depth after depth, so that a tile reads its vectors one behind the other.
struct GroupPanel : DeepPanel {
  static constexpr Index row_stride = group;
  static constexpr Index strip_stride = strip_width;
};

/// Groups of rows of a lower triangle: each is as deep as it is long, and lies behind those before it.
struct PackedRows {
  double* data;

  static Index size(Index n) {
    const Index n_groups = (n + group - 1) / group;
    return n_groups * (n_groups + 1) / 2 * group * group;
  }
  /// Element (row, k) of the triangle.
  double* at(Index row, Index k) const {
    return data + size(row - row % group) + k * group + row % group;
  }
};

/// What a tile may ask for while it is at work; something cached where nothing is wanted.
class Asked {
 public:
  Asked() { lines_.fill(reinterpret_cast<const std::byte*>(lines_.data())); }

  /// Rows [row, row + group) of columns [column, column + tile_height) of A.
  void aim(const Eigen::Ref<const Eigen::MatrixXd>& A, Index row, Index column) {
    constexpr Index per_line = cache_line / static_cast<Index>(sizeof(double));
    auto line = lines_.begin();
    for (Index j = column; j < std::min(A.cols(), column + tile_height); ++j)
      for (Index i = row; i < std::min(A.rows(), row + group); i += per_line)
        *line++ = reinterpret_cast<const std::byte*>(A.data() + i + j * A.outerStride());
  }
  /// Rows [row, row + tile_height) of columns [column, column + group).
  void aim_below(const Eigen::Ref<const Eigen::MatrixXd>& A, Index row, Index column) {
    auto line = lines_.begin();
    for (Index j = column; j < std::min(A.cols(), column + group); ++j)
      *line++ = reinterpret_cast<const std::byte*>(A.data() + row + j * A.outerStride());
  }
  const std::byte* const* lines() const { return lines_.data(); }

 private:
  std::array<const std::byte*, static_cast<std::size_t>(DeepPanel::lines_at_once)> lines_;
};

/// sum_k a_jk b_ik over n depths: j is a column of the tile, i one of its rows.
void sum_products(const double* a, const double* b, Index n, const Asked& asked, Tile& tile) {
  if (n <= 0) tile.fill(0.0);
  for (Index k = 0; k < n; k += GroupPanel::rows_at_once)
    tile_product<tile_height, tile_strips, 0, GroupPanel>(
        a + k * group, b + k * group, std::min(GroupPanel::rows_at_once, n - k), k == 0,
        tile.data(), group, asked.lines());
}

/// x_j := (x_j - sum_k<j t_jk x_k) / t_jj for the columns of a tile; t_jk lies at t[k * group + j].
void divide(const double* t, const double* reciprocal, Tile& x) {
  for (Index v = 0; v < group; v += lanes) {
    Lanes column[tile_height];
#pragma GCC unroll 8
    for (Index j = 0; j < tile_height; ++j) {
      column[j] = load(x.data() + j * group + v);
#pragma GCC unroll 8
      for (Index k = 0; k < j; ++k)
        column[j] = subtract(column[j], multiply(broadcast_from(t + k * group + j), column[k]));
      column[j] = multiply(column[j], broadcast_from(reciprocal + j));
      store(x.data() + j * group + v, column[j]);
    }
  }
}

/// Cholesky's factor of a matrix, whose rows are packed as they become known.
class Factor {
 public:
  Factor(Eigen::Ref<Eigen::MatrixXd> A, PackedRows rows, Eigen::VectorXd& reciprocal)
      : A_(A), n_(A.rows()), rows_(rows), reciprocal_(reciprocal) {}

  bool compute(int n_threads) {
    for (Index first = 0; first < n_; first += block_columns) {
      const Index last = std::min(n_, first + block_columns);
      for (Index row = first; row < last; row += group)
        for (Index column = first; column < std::min(last, row + group); column += tile_height)
          if (!(column < row ? add_tile(row, column) : add_diagonal(row, column))) return false;
      const Index n_groups = (n_ - last + group - 1) / group;
      const Index work = group * block_columns * std::max<Index>(last, 1);
      const Index per_turn = std::max<Index>(n_threads, work_per_turn / work);
      for (Index done = 0; done < n_groups; done += per_turn) {
        give_turn();
        const Index count = std::min(per_turn, n_groups - done);
        for_each_task(count, count * work < too_little ? 1 : n_threads, [&](Index task) {
          for (Index column = first; column < last; column += tile_height)
            add_tile(last + (done + task) * group, column);
        });
      }
    }
    return true;
  }

 private:
  /// x = A - L L' over what is known, for a tile that lies below the diagonal, or on it.
  void subtract_known(Index row, Index column, Tile& x) const {
    Asked asked;
    asked.aim(A_, row, column);
    sum_products(rows_.at(column, 0), rows_.at(row, 0), column, asked, x);
    const bool is_whole = row + group <= n_ && column + tile_height <= n_ && column < row;
    for (Index j = 0; j < tile_height; ++j) {
      double* const sums = x.data() + j * group;
      const double* const from = A_.data() + row + (column + j) * A_.outerStride();
      if (is_whole) {
        for (Index i = 0; i < group; i += lanes)
          store(sums + i, subtract(load(from + i), load(sums + i)));
        continue;
      }
      for (Index i = 0; i < group; ++i) {
        const bool is_in = row + i < n_ && column + j < n_ && row + i >= column + j;
        sums[i] = is_in ? from[i] - sums[i] : 0.0;
      }
    }
  }

  bool add_tile(Index row, Index column) {
    Tile x;
    subtract_known(row, column, x);
    divide(rows_.at(column, column), reciprocal_.data() + column, x);
    put(row, column, x);
    return true;
  }

  bool add_diagonal(Index row, Index column) {
    Tile x;
    subtract_known(row, column, x);
    for (Index j = 0; j < std::min(tile_height, n_ - column); ++j) {
      double* const now = x.data() + j * group;
      const Index diagonal = column + j - row;
      for (Index k = 0; k < j; ++k) {
        const double* const before = x.data() + k * group;
        for (Index i = diagonal; i < group; ++i) now[i] -= before[diagonal] * before[i];
      }
      if (!(now[diagonal] > 0.0)) return false;
      const double root = std::sqrt(now[diagonal]);
      reciprocal_[column + j] = 1.0 / root;
      now[diagonal] = root;
      for (Index i = diagonal + 1; i < group; ++i) now[i] *= reciprocal_[column + j];
    }
    put(row, column, x);
    return true;
  }

  /// Into the packed rows, and to where A was.
  void put(Index row, Index column, const Tile& x) {
    std::copy(x.begin(), x.end(), rows_.at(row, column));
    for (Index j = column; j < std::min(n_, column + tile_height); ++j) {
      const Index start = std::max(row, j);
      std::copy_n(x.data() + (j - column) * group + start - row,
                  std::max<Index>(0, std::min(n_, row + group) - start),
                  A_.data() + start + j * A_.outerStride());
    }
  }

  Eigen::Ref<Eigen::MatrixXd> A_;
  Index n_;
  PackedRows rows_;
  Eigen::VectorXd& reciprocal_;
};

/// The lower triangle of L in groups of rows, of which each is a task.
void pack_triangle(const Eigen::Ref<const Eigen::MatrixXd>& L, const PackedRows& rows,
                   int n_threads) {
  const Index n = L.rows();
  for_each_task((n + group - 1) / group, n_threads, [&](Index task) {
    const Index row = task * group;
    double* out = rows.at(row, 0);
    for (Index k = 0; k < std::min(n, row + group); ++k, out += group) {
      const double* const from = L.data() + row + k * L.outerStride();
      const Index first = std::max<Index>(0, k - row);
      const Index last = std::min(n - row, group);
      std::fill_n(out, first, 0.0);
      std::copy(from + first, from + last, out + first);
      std::fill(out + last, out + group, 0.0);
    }
  });
}

/// Columns of L^-1 from the packed rows of L; they become known row after row.
class Inverse {
 public:
  Inverse(PackedRows L, const Eigen::VectorXd& reciprocal, Eigen::Ref<Eigen::MatrixXd> out)
      : L_(L), reciprocal_(reciprocal), out_(out), n_(out.rows()) {}

  /// Columns [first, first + group); `columns` has room for as many values of every row from `first` on.
  void compute(Index first, double* columns) {
    Tile x;
    Asked asked;
    for (Index row = first; row < n_; row += tile_height, columns += tile_height * group) {
      asked.aim_below(out_, row, first);
      const double* const known = columns - (row - first) * group;
      sum_products(L_.at(row, first), known, row - first, asked, x);
      for (double& value : x) value = -value;
      for (Index j = 0; j < std::min(tile_height, first + group - row); ++j)
        x[static_cast<std::size_t>(j * group + row + j - first)] += 1.0;
      divide(L_.at(row, row), reciprocal_.data() + row, x);
      std::copy(x.begin(), x.end(), columns);
      put(row, first, x);
    }
  }

 private:
  /// To where L was, as far as it lies on or below the diagonal.
  void put(Index row, Index first, const Tile& x) {
    if (tile_height == strip_width && row >= first + group && row + strip_width <= n_) {
      std::array<const double*, strip_width> from;
      for (Index i = 0; i < strip_width; ++i)
        from[static_cast<std::size_t>(i)] = x.data() + i * group;
      for (Index s = 0; s < group; s += strip_width)
        transpose_eight(from.data(), s, out_.data() + row + (first + s) * out_.outerStride(),
                        out_.outerStride());
      return;
    }
    for (Index i = 0; i < std::min(tile_height, n_ - row); ++i)
      for (Index j = 0; j < std::min(group, row + i - first + 1); ++j)
        out_(row + i, first + j) = x[static_cast<std::size_t>(i * group + j)];
  }

  PackedRows L_;
  const Eigen::VectorXd& reciprocal_;
  Eigen::Ref<Eigen::MatrixXd> out_;
  Index n_;
};

}  // namespace

bool factor_in_tiles(Eigen::Ref<Eigen::MatrixXd> A, int n_threads, PackedTriangle& packed) {
  packed.rows.emplace(PackedRows::size(A.rows()));
  packed.reciprocal.setZero(round_up(A.rows(), group));
  return Factor(A, {packed.rows->data()}, packed.reciprocal).compute(n_threads);
}

void invert_in_tiles(Eigen::Ref<Eigen::MatrixXd> L, int n_threads, PackedTriangle& packed) {
  const Index n = L.rows();
  const Index n_groups = (n + group - 1) / group;
  if (n * n * n < 6 * too_little) n_threads = 1;
  if (!packed.rows) {
    give_turn();
    packed.rows.emplace(PackedRows::size(n));
    pack_triangle(L, {packed.rows->data()}, n_threads);
    packed.reciprocal.setZero(n_groups * group);
    packed.reciprocal.head(n) = L.diagonal().cwiseInverse();
  }
  const Index size = n_groups * group * group;
  LargeZeros columns(n_threads * size);
  const Index per_turn = std::max<Index>(n_threads, 2 * work_per_turn / (n * n * group));
  for (Index done = 0; done < n_groups; done += per_turn) {
    give_turn();
    for_each_task(std::min(per_turn, n_groups - done), n_threads, [&](Index task, Index worker) {
      Inverse({packed.rows->data()}, packed.reciprocal, L)
          .compute((done + task) * group, columns.data() + worker * size);
    });
  }
}

}  // namespace fastlr
