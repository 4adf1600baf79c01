#include "fastlr/algebra/condition_number.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fastlr/algebra/dense.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

constexpr Index most_products = 48;

/// Number of eigenvalues below x of the tridiagonal matrix (a, b), by Sturm's sequence.
Index count_below(const Vector& a, const Vector& b, Index m, double x) {
  Index count = 0;
  double d = 1.0;
  for (Index i = 0; i < m; ++i) {
    const double off = i > 0 ? b[i - 1] * b[i - 1] : 0.0;
    d = a[i] - x - (i > 0 ? off / d : 0.0);
    if (d == 0.0) d = -1e-300;
    if (d < 0.0) ++count;
  }
  return count;
}

/// The largest eigenvalue of the tridiagonal matrix (a, b), by bisection to 1e-6.
double largest_of_tridiagonal(const Vector& a, const Vector& b, Index m) {
  double low = a.head(m).maxCoeff();
  double high = low;
  for (Index i = 0; i < m; ++i) {
    const double left = i > 0 ? std::abs(b[i - 1]) : 0.0;
    const double right = i + 1 < m ? std::abs(b[i]) : 0.0;
    high = std::max(high, a[i] + left + right);
  }
  for (int step = 0; step < 60 && high - low > 1e-6 * std::abs(high); ++step) {
    const double middle = 0.5 * (low + high);
    (count_below(a, b, m, middle) == m ? high : low) = middle;
  }
  return high;
}

/// A vector with a share in every direction, the same on every machine.
Vector start_vector(Index n) {
  Vector v(n);
  std::uint64_t state = 0x9E3779B97F4A7C15ULL;
  for (Index i = 0; i < n; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    const double unit = static_cast<double>(state >> 11) * 0x1p-53;
    v[i] = (state >> 63 != 0 ? 1.0 : -1.0) * (0.5 + unit);
  }
  return v.normalized();
}

/// Of more columns the matrix comes from a far cache or from memory with every product, in single
/// precision: half the bytes, and more digits than an estimate to two needs.
constexpr Index few = 256;

/// A symmetric matrix (T + T' or T'T) by its lower triangle T in single precision.
class SingleMatrix {
 public:
  /// element(i, j): T_ij for j <= i.
  template <class Element>
  SingleMatrix(Index n, bool squared, const Element& element)
      : n_(n),
        squared_(squared),
        v_(Eigen::VectorXf::Zero(single_triangle::length_of_vectors(n))),
        out_(v_.size()) {
    constexpr Index at_once = single_triangle::rows_at_once;
    Index size = 0;
    for (Index i = 0; i < n; i += at_once) size += at_once * single_triangle::length_of_rows(i);
    rows_.setZero(size);
    float* row = rows_.data();
    for (Index i = 0; i < n; i += at_once) {
      if (i % 64 == 0) give_turn();
      const Index length = single_triangle::length_of_rows(i);
      const Index end = std::min(n, i + at_once);
      for (Index j = 0; j < end; ++j)
        for (Index k = std::max(i, j); k < end; ++k)
          row[(k - i) * length + j] = static_cast<float>(element(k, j));
      row += at_once * length;
    }
  }

  void multiply(const Vector& v, Vector& out) {
    v_.head(n_) = v.cast<float>();
    multiply_single_triangle(rows_.data(), n_, squared_, v_.data(), out_.data());
    out = out_.head(n_).cast<double>();
  }

 private:
  Index n_;
  bool squared_;
  Eigen::VectorXf rows_;
  Eigen::VectorXf v_;
  Eigen::VectorXf out_;
};

/// When products in a row change the largest eigenvalue by so little that it is settled.
struct Settling {
  Index first;  // products before which nothing is taken to be settled
  Index every;
  double change;
};

double largest_eigenvalue(Index n, const Operator& S, const Settling& settling) {
  if (n == 0) return 0.0;
  const Index most = std::min(n, most_products);
  Matrix basis(n, most);
  Vector a = Vector::Zero(most);
  Vector b = Vector::Zero(most);
  Vector v = start_vector(n);
  Vector w(n);
  Vector along(most);
  Vector image(n);
  double size = 0.0;  // of the tridiagonal matrix, within a factor of three
  double largest = 0.0;
  for (Index m = 0; m < most; ++m) {
    give_turn();
    basis.col(m) = v;
    S(v, w);
    if (!w.allFinite()) return std::numeric_limits<double>::infinity();
    a[m] = v.dot(w);
    for (int twice = 0; twice < 2; ++twice) {
      const auto known = basis.leftCols(m + 1);
      multiply_transposed(known, w, along.head(m + 1));
      multiply_vector(known, along.head(m + 1), image);
      w -= image;
    }
    b[m] = w.norm();
    size = std::max({size, std::abs(a[m]), b[m]});
    const bool is_invariant = !(b[m] > 1e-14 * size);  // the subspace
    const bool is_last = is_invariant || m + 1 == most;
    const double before = largest;
    if (is_last || m + 1 >= settling.first) largest = largest_of_tridiagonal(a, b, m + 1);
    const bool is_asked = m >= settling.first && m % settling.every == 0;
    if (is_last || (is_asked && largest - before <= settling.change * largest)) break;
    v = w / b[m];
  }
  return largest;
}

/// Of K K' in columns of unit length; as it lies in memory K is lower triangular.
double settled_unit_inverse(const RowMatrix& K, const Vector& length, const Settling& settling) {
  const Index n = K.rows();
  if (n > few) {
    const Eigen::Map<const Matrix> transposed(K.data(), n, n);
    SingleMatrix inverse(n, true, [&](Index i, Index j) { return transposed(i, j) * length[j]; });
    return largest_eigenvalue(
        n, [&](const Vector& v, Vector& out) { inverse.multiply(v, out); }, settling);
  }
  const Eigen::Map<const Matrix> transposed(K.data(), K.cols(), n);
  Vector scaled(n);
  Vector in_root(K.cols());
  const auto product = [&](const Vector& v, Vector& out) {
    scaled = length.cwiseProduct(v);
    multiply_vector(transposed, scaled, in_root);
    multiply_transposed(transposed, in_root, out);
    out = out.cwiseProduct(length);
  };
  return largest_eigenvalue(n, product, settling);
}

/// Large matrices come from memory every time.
Settling within_one_per_cent(Index n) { return {12, 4, n > few ? 1e-4 : 1e-5}; }

}  // namespace

double largest_eigenvalue(Index n, const Operator& S) {
  return largest_eigenvalue(n, S, within_one_per_cent(n));
}

double largest_of_unit_inverse(const RowMatrix& K, const Vector& length) {
  return settled_unit_inverse(K, length, {4, 2, 0.02});
}

double UnitSpectrum::condition_number() const {
  return std::max(1.0, std::sqrt(largest * largest_of_inverse));
}

UnitSpectrum unit_spectrum(const Matrix& A, const RowMatrix& K) {
  const Index n = A.rows();
  const Vector length = A.diagonal().cwiseSqrt();
  const Vector inverse = length.cwiseInverse();
  const double of_inverse = settled_unit_inverse(K, length, within_one_per_cent(n));
  if (n > few) {
    SingleMatrix unit(n, false, [&](Index i, Index j) {
      return A(i, j) * inverse[i] * inverse[j] * (i == j ? 0.5 : 1.0);
    });
    return {largest_eigenvalue(n, [&](const Vector& v, Vector& out) { unit.multiply(v, out); }),
            of_inverse};
  }
  Vector scaled(n);
  const double largest = largest_eigenvalue(n, [&](const Vector& v, Vector& out) {
    scaled = inverse.cwiseProduct(v);
    multiply_vector(A, scaled, out);
    out = out.cwiseProduct(inverse);
  });
  return {largest, of_inverse};
}

double condition_number(Eigen::Map<const RowMatrix> R, Eigen::Map<const RowMatrix> K) {
  const Index p = R.rows();
  const Vector length = R.colwise().norm().transpose();
  const Vector inverse = length.unaryExpr([](double x) { return x > 0.0 ? 1.0 / x : 0.0; });
  Vector scaled(p);
  Vector image(p);
  const Eigen::Map<const Matrix> factor(R.data(), p, p);  // transposed, as they lie in memory
  const Eigen::Map<const Matrix> inverse_factor(K.data(), p, p);
  const double largest = largest_eigenvalue(p, [&](const Vector& v, Vector& out) {
    scaled = inverse.cwiseProduct(v);
    multiply_transposed(factor, scaled, image);
    multiply_vector(factor, image, out);
    out = out.cwiseProduct(inverse);
  });
  const double of_inverse = largest_eigenvalue(p, [&](const Vector& v, Vector& out) {
    scaled = length.cwiseProduct(v);
    multiply_vector(inverse_factor, scaled, image);
    multiply_transposed(inverse_factor, image, out);
    out = out.cwiseProduct(length);
  });
  return std::max(1.0, std::sqrt(largest * of_inverse));
}

}  // namespace fastlr
