// The registers: a thin vocabulary over Eigen's packets, so that kernels say what lies in a
// register and what is read from memory. One CPU level has one width; everything else is written
// once.
#pragma once

#include <Eigen/Core>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "fastlr/matrices.hpp"

namespace fastlr {

using Lanes = Eigen::internal::packet_traits<double>::type;
constexpr Index lanes = Eigen::internal::packet_traits<double>::size;
constexpr Index n_registers = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS;

inline Lanes load(const double* p) { return Eigen::internal::ploadu<Lanes>(p); }
inline void store(double* p, const Lanes& v) { Eigen::internal::pstoreu(p, v); }
inline Lanes broadcast(double value) { return Eigen::internal::pset1<Lanes>(value); }
inline Lanes broadcast_from(const double* p) { return Eigen::internal::pload1<Lanes>(p); }
/// The same from any address.
inline Lanes broadcast_from(const std::byte* p) {
  double value;
  std::memcpy(&value, p, sizeof value);
  return broadcast(value);
}
/// a * b + c, fused where the level has FMA.
inline Lanes multiply_add(const Lanes& a, const Lanes& b, const Lanes& c) {
  return Eigen::internal::pmadd(a, b, c);
}
inline Lanes add(const Lanes& a, const Lanes& b) { return Eigen::internal::padd(a, b); }
inline Lanes subtract(const Lanes& a, const Lanes& b) { return Eigen::internal::psub(a, b); }
inline Lanes multiply(const Lanes& a, const Lanes& b) { return Eigen::internal::pmul(a, b); }
inline Lanes divide(const Lanes& a, const Lanes& b) { return Eigen::internal::pdiv(a, b); }
inline Lanes smaller(const Lanes& a, const Lanes& b) { return Eigen::internal::pmin(a, b); }
inline Lanes larger(const Lanes& a, const Lanes& b) { return Eigen::internal::pmax(a, b); }
inline double smallest_of(const Lanes& v) { return Eigen::internal::predux_min(v); }
inline double largest_of(const Lanes& v) { return Eigen::internal::predux_max(v); }
inline double sum_of(const Lanes& v) { return Eigen::internal::predux(v); }

/// The bits of v where mask has ones, zero elsewhere: what is masked away may be anything.
inline Lanes keep(const Lanes& v, const Lanes& mask) { return Eigen::internal::pand(v, mask); }
/// A mask for keep() and choose().
inline Lanes is_larger(const Lanes& a, const Lanes& b) { return Eigen::internal::pcmp_lt(b, a); }
inline Lanes is_positive(const Lanes& v) { return is_larger(v, broadcast(0.0)); }
inline Lanes choose(const Lanes& mask, const Lanes& yes, const Lanes& no) {
  return Eigen::internal::pselect(mask, yes, no);
}
inline Lanes square_root(const Lanes& v) { return Eigen::internal::psqrt(v); }
inline const double keep_all = std::bit_cast<double>(~std::uint64_t{0});

/// The compiler's own vectors, which it can convert.
template <Index n>
struct VectorsOf {
  typedef float Floats __attribute__((vector_size(n * sizeof(float))));
  typedef double Doubles __attribute__((vector_size(n * sizeof(double))));
  typedef std::int64_t Places __attribute__((vector_size(n * sizeof(std::int64_t))));
};

/// Floats as doubles. Compilers convert vectors piece by piece.
template <class Packet>
Packet load_floats(const std::byte* p) {
  constexpr Index n = Eigen::internal::unpacket_traits<Packet>::size;
#if defined(EIGEN_VECTORIZE_AVX512)
  if constexpr (n == 8) return _mm512_cvtps_pd(_mm256_loadu_ps(reinterpret_cast<const float*>(p)));
#endif
#if defined(EIGEN_VECTORIZE_AVX)
  if constexpr (n == 4) return _mm256_cvtps_pd(_mm_loadu_ps(reinterpret_cast<const float*>(p)));
#endif
  if constexpr (n == 1) {
    float value;
    std::memcpy(&value, p, sizeof value);
    return Packet(value);
  } else {
    typename VectorsOf<n>::Floats values;
    std::memcpy(&values, p, sizeof values);
    return Packet(__builtin_convertvector(values, typename VectorsOf<n>::Doubles));
  }
}

/// The next values of a row, double or float, as doubles.
template <class Scalar, class Packet = Lanes>
Packet load_as_doubles(const std::byte* p) {
  if constexpr (std::is_same_v<Scalar, double>) {
    return Eigen::internal::ploadu<Packet>(reinterpret_cast<const double*>(p));
  } else {
    return load_floats<Packet>(p);
  }
}

/// The values of a and b, one behind the other, at the places given.
template <std::int64_t... at, class Vector>
[[gnu::always_inline]] inline Vector pick(const Vector& a, const Vector& b) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, at...);
#else
  return __builtin_shuffle(a, b, typename VectorsOf<sizeof...(at)>::Places{at...});
#endif
}

#if defined(EIGEN_VECTORIZE_AVX512)
/// The next four values of two rows.
template <class Scalar>
Lanes load_halves(const std::byte* a, const std::byte* b) {
  using Half = Eigen::internal::Packet4d;
  const Half first = load_as_doubles<Scalar, Half>(a);
  const Half second = load_as_doubles<Scalar, Half>(b);
  return _mm512_insertf64x4(_mm512_castpd256_pd512(first), second, 1);
}
#endif

/// `lanes` vectors, given by their addresses, as the columns of a square: packet[k] holds the k-th
/// values.
inline Eigen::internal::PacketBlock<Lanes, lanes> load_transposed(const double* const* from,
                                                                  Index at) {
  Eigen::internal::PacketBlock<Lanes, lanes> block;
#pragma GCC unroll 8
  for (Index k = 0; k < lanes; ++k) block.packet[k] = load(from[k] + at);
  if constexpr (lanes > 1) Eigen::internal::ptranspose(block);
  return block;
}

/// Eight vectors of eight, given by their addresses, become their transpose: out[i * stride + c] =
/// from[c][at + i].
inline void transpose_eight(const double* const* from, Index at, double* out, Index stride) {
#pragma GCC unroll 4
  for (Index c = 0; c < 8; c += lanes) {
#pragma GCC unroll 4
    for (Index i = 0; i < 8; i += lanes) {
      const auto block = load_transposed(from + c, at + i);
#pragma GCC unroll 8
      for (Index k = 0; k < lanes; ++k) store(out + (i + k) * stride + c, block.packet[k]);
    }
  }
}

}  // namespace fastlr
