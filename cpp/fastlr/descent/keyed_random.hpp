// Random numbers as a function of (key, counter): no state to keep, so the same seed gives the same
// bits however the work is cut into calls and dealt to threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "fastlr/rows.hpp"

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

/// A pseudorandom permutation of 0 .. n-1 in O(1) memory: a Feistel network of four rounds (Luby
/// and Rackoff 1988) on pairs (left, right) with left < a, right < b and a b hardly above n, walked
/// until the image is below n (Black and Rogaway 2002).
class KeyedPermutation {
 public:
  KeyedPermutation(Bits key, Index n) : key_(key), n_(n) {
    while (a_ * a_ < n) a_ *= 2;  // 32 times at most; then down by 64ths to the root
    while (a_ > 1 && (a_ - 1) * (a_ - 1) >= n) a_ -= std::max<Index>(1, (a_ - 1) / 64);
    b_ = (n + a_ - 1) / a_;
  }

  /// The same domain, another permutation.
  void set_key(Bits key) { key_ = key; }

  Index operator()(Index i) const {
    // Comes back to i at the latest, so at most a b - n + 1 times, and hardly ever twice.
    do {
      Index left = i / b_;
      Index right = i - left * b_;
      for (Index round = 0; round < 4; round += 2) {
        left += below(random_bits(key_ + static_cast<Bits>(round), right), a_);
        if (left >= a_) left -= a_;
        right += below(random_bits(key_ + static_cast<Bits>(round + 1), left), b_);
        if (right >= b_) right -= b_;
      }
      i = left * b_ + right;
    } while (i >= n_);
    return i;
  }

 private:
  Bits key_;
  Index n_;
  Index a_ = 1;
  Index b_ = 1;
};

}  // namespace fastlr
