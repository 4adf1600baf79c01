// The registers: a thin vocabulary over Eigen's packets, so that kernels say what lies in a
// register and what is read from memory. One CPU level has one width; everything else is written
// once.
#pragma once

#include <Eigen/Core>

#include "fastlr/views.hpp"

namespace fastlr {

using Lanes = Eigen::internal::packet_traits<double>::type;
constexpr Index lanes = Eigen::internal::packet_traits<double>::size;
constexpr Index n_registers = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS;

inline Lanes load(const double* p) { return Eigen::internal::ploadu<Lanes>(p); }
inline void store(double* p, const Lanes& v) { Eigen::internal::pstoreu(p, v); }
inline Lanes broadcast(double value) { return Eigen::internal::pset1<Lanes>(value); }
inline Lanes broadcast_from(const double* p) { return Eigen::internal::pload1<Lanes>(p); }
/// a * b + c, fused where the level has FMA.
inline Lanes multiply_add(const Lanes& a, const Lanes& b, const Lanes& c) {
  return Eigen::internal::pmadd(a, b, c);
}
inline Lanes multiply(const Lanes& a, const Lanes& b) { return Eigen::internal::pmul(a, b); }
inline double sum_of(const Lanes& v) { return Eigen::internal::predux(v); }

/// Eight vectors of eight, given by their addresses, become their transpose: out[i * stride + c] =
/// from[c][at + i].
inline void transpose_eight(const double* const* from, Index at, double* out, Index stride) {
  if constexpr (lanes == 1) {
    for (Index c = 0; c < 8; ++c)
      for (Index i = 0; i < 8; ++i) out[i * stride + c] = from[c][at + i];
  } else {
#pragma GCC unroll 4
    for (Index c = 0; c < 8; c += lanes) {
#pragma GCC unroll 4
      for (Index i = 0; i < 8; i += lanes) {
        Eigen::internal::PacketBlock<Lanes, lanes> block;
#pragma GCC unroll 8
        for (Index k = 0; k < lanes; ++k) block.packet[k] = load(from[c + k] + at + i);
        Eigen::internal::ptranspose(block);
#pragma GCC unroll 8
        for (Index k = 0; k < lanes; ++k) store(out + (i + k) * stride + c, block.packet[k]);
      }
    }
  }
}

}  // namespace fastlr
