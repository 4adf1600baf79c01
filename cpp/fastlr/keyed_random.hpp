// Random numbers as a function of (key, counter): no state to keep, so the same seed gives the same
// bits however the work is cut into calls and dealt to threads.
#pragma once

#include <cstdint>

#include "fastlr/views.hpp"

namespace fastlr {

using Bits = std::uint64_t;

/// The finaliser of splitmix64 (Steele, Lea, Flood 2014): a bijection that passes BigCrush on
/// counters.
constexpr Bits mix(Bits z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

constexpr Bits random_bits(Bits key, Index counter) {
  return mix(key + (static_cast<Bits>(counter) + 1) * 0x9E3779B97F4A7C15u);
}

/// A key for one epoch, step or window of its parent.
constexpr Bits derived_key(Bits key, Index number) {
  return mix(random_bits(key, number) ^ 0xD1B54A32D192ED03u);
}

/// floor(bits n / 2^64): uniform on 0 .. n-1 up to n / 2^64; n < 2^32.
constexpr Index below(Bits bits, Index n) {
  const Bits m = static_cast<Bits>(n);
  return static_cast<Index>(((bits >> 32) * m + (((bits & 0xFFFFFFFFu) * m) >> 32)) >> 32);
}

/// A pseudorandom permutation of 0 .. n-1 in O(1) memory: a Feistel network of six rounds on the
/// smallest even number of bits that holds n, walked until the image is below n (Black and Rogaway
/// 2002).
class KeyedPermutation {
 public:
  KeyedPermutation(Bits key, Index n) : key_(key), n_(static_cast<Bits>(n)) {
    while ((Bits{1} << (2 * half_)) < n_) ++half_;
    mask_ = (Bits{1} << half_) - 1;
  }

  Index operator()(Index i) const {
    Bits x = static_cast<Bits>(i);
    do {
      Bits left = x >> half_;
      Bits right = x & mask_;
      for (Bits round = 0; round < 6; ++round) {
        const Bits next = left ^ (mix(right ^ (key_ + round * 0x9E3779B97F4A7C15u)) & mask_);
        left = right;
        right = next;
      }
      x = (left << half_) | right;
    } while (x >= n_);
    return static_cast<Index>(x);
  }

 private:
  Bits key_;
  Bits n_;
  Bits mask_ = 0;
  int half_ = 1;
};

}  // namespace fastlr
