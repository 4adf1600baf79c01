#include "fastlr/algebra/best_subsets.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr double dependent = 1e-11;  // of a column's square, what earlier ones leave of it
constexpr Index worth_ordering = 6;  // columns that may be dropped
constexpr std::int64_t nodes_per_turn = 1024;

using Matrix = Eigen::MatrixXd;

/// A set of columns in some order, and the factor of their cross-products with y behind them.
struct Subset {
  std::vector<Index> columns;
  Matrix R;

  Index size() const { return static_cast<Index>(columns.size()); }
};

class Search {
 public:
  Search(Index p, const double* A, const double* q, double square_y, double* rss,
         std::uint64_t* columns)
      : A_(p + 1, p + 1), rss_(rss), columns_(columns) {
    A_.topLeftCorner(p, p) = ConstMatrixMap(A, p, p);
    A_.col(p).head(p) = A_.row(p).head(p).transpose() = ConstVectorMap(q, p);
    A_(p, p) = square_y;
    std::fill_n(rss, p + 1, square_y);
    std::fill_n(columns, p + 1, std::uint64_t{0});
    for (Index size = 1; size <= p; ++size) rss[size] = HUGE_VAL;
    Subset all;
    for (Index j = 0; j < p; ++j) all.columns.push_back(j);
    factor(all);
    visit(all, 0);
  }

  std::int64_t n_nodes() const { return n_nodes_; }

 private:
  /// All subsets that have the first `kept` columns of this one.
  void visit(Subset& all, Index kept) {
    if (++n_nodes_ % nodes_per_turn == 0) give_turn();
    if (all.size() - kept >= worth_ordering) order(all, kept);
    const double least = note_leading(all);
    Subset less;
    for (Index i = kept; i < all.size() && all.size() > 1; ++i) {
      // Fewer columns never leave less; and the sizes to come have more than i columns.
      if (least >= rss_[std::max<Index>(i, 1)]) return;
      drop(all, i, less);
      if (has_lost_steps(less, i)) factor(less);
      visit(less, i);
    }
  }

  /// The first columns of every number, by what they leave; what all of them leave.
  double note_leading(const Subset& all) {
    const Index m = all.size();
    double left = all.R(m, m) * all.R(m, m);
    const double least = left;
    for (Index size = m; size >= 1; --size) {
      if (left < rss_[size]) {
        rss_[size] = left;
        columns_[size] = 0;
        for (Index i = 0; i < size; ++i)
          columns_[size] |= std::uint64_t{1} << all.columns[static_cast<std::size_t>(i)];
      }
      left += all.R(size - 1, m) * all.R(size - 1, m);
    }
    return least;
  }

  /// Those first whose loss would cost most, so that bounds rise soon.
  void order(Subset& all, Index kept) {
    const Index m = all.size();
    std::vector<double> loss(static_cast<std::size_t>(m), 0.0);
    // In R b = R_y, b_i^2 / |row i of R^-1|^2 is what leaves with column i.
    Matrix inverse = Matrix::Zero(m, m);
    for (Index j = 0; j < m; ++j) {
      if (all.R(j, j) == 0.0) return;  // columns depend on one another: as they are
      inverse(j, j) = 1.0 / all.R(j, j);
      for (Index i = j - 1; i >= 0; --i) {
        double sum = 0.0;
        for (Index k = i + 1; k <= j; ++k) sum += all.R(i, k) * inverse(k, j);
        inverse(i, j) = -sum / all.R(i, i);
      }
    }
    for (Index i = 0; i < m; ++i) {
      double b = 0.0;
      double square = 0.0;
      for (Index k = i; k < m; ++k) {
        b += inverse(i, k) * all.R(k, m);
        square += inverse(i, k) * inverse(i, k);
      }
      loss[static_cast<std::size_t>(i)] = b * b / square;
    }
    std::vector<Index> places(static_cast<std::size_t>(m - kept));
    std::iota(places.begin(), places.end(), kept);
    std::stable_sort(places.begin(), places.end(), [&](Index i, Index j) {
      return loss[static_cast<std::size_t>(i)] > loss[static_cast<std::size_t>(j)];
    });
    if (std::is_sorted(places.begin(), places.end())) return;
    const std::vector<Index> before = all.columns;
    for (Index i = kept; i < m; ++i)
      all.columns[static_cast<std::size_t>(i)] =
          before[static_cast<std::size_t>(places[static_cast<std::size_t>(i - kept)])];
    factor(all);
  }

  /// Cholesky's factor; a column that depends on earlier ones has a row of zeros.
  void factor(Subset& all) const {
    const Index m = all.size();
    const Index y = A_.cols() - 1;
    const auto at = [&](Index i) { return i == m ? y : all.columns[static_cast<std::size_t>(i)]; };
    all.R.setZero(m + 1, m + 1);
    for (Index i = 0; i <= m; ++i) {
      double left = A_(at(i), at(i));
      for (Index k = 0; k < i; ++k) left -= all.R(k, i) * all.R(k, i);
      if (i == m) {
        all.R(i, i) = std::sqrt(std::max(left, 0.0));
      } else if (left > dependent * A_(at(i), at(i))) {
        all.R(i, i) = std::sqrt(left);
        for (Index j = i + 1; j <= m; ++j) {
          double sum = A_(at(i), at(j));
          for (Index k = 0; k < i; ++k) sum -= all.R(k, i) * all.R(k, j);
          all.R(i, j) = sum / all.R(i, i);
        }
      }
    }
  }

  /// The factor without column i: rotations of the rows from i on.
  static void drop(const Subset& all, Index i, Subset& less) {
    const Index m = all.size();
    less.columns.clear();
    for (Index j = 0; j < m; ++j)
      if (j != i) less.columns.push_back(all.columns[static_cast<std::size_t>(j)]);
    Matrix& R = less.R;
    R.resize(m + 1, m);
    R.leftCols(i) = all.R.leftCols(i);
    R.rightCols(m - i) = all.R.rightCols(m - i);
    for (Index j = i; j < m; ++j) {  // entry (j + 1, j) goes
      const double a = R(j, j);
      const double b = R(j + 1, j);
      const double length = std::hypot(a, b);
      if (b == 0.0) continue;
      const double c = a / length;
      const double s = b / length;
      R(j, j) = length;
      R(j + 1, j) = 0.0;
      for (Index k = j + 1; k < m; ++k) {
        const double upper = R(j, k);
        const double lower = R(j + 1, k);
        R(j, k) = c * upper + s * lower;
        R(j + 1, k) = c * lower - s * upper;
      }
    }
    R.conservativeResize(m, m);
  }

  /// Whether a column depends on those before it while its row still says something of later ones,
  /// as where one of two equal columns was dropped after another: such a row belongs further down.
  bool has_lost_steps(const Subset& less, Index from) const {
    for (Index j = from; j < less.size(); ++j) {
      const Index column = less.columns[static_cast<std::size_t>(j)];
      const double left = less.R(j, j) * less.R(j, j);
      if (left > dependent * A_(column, column)) continue;
      if ((less.R.row(j).tail(less.size() - j).array() != 0.0).any()) return true;
    }
    return false;
  }

  Matrix A_;
  double* rss_;
  std::uint64_t* columns_;
  std::int64_t n_nodes_ = 0;
};

}  // namespace

std::int64_t best_subsets(Index p, const double* A, const double* q, double square_y, double* rss,
                          std::uint64_t* columns) {
  return Search(p, A, q, square_y, rss, columns).n_nodes();
}

}  // namespace fastlr
