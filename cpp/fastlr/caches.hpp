// What the machine's caches hold. They may steer the size of blocks, never a result.
#pragma once

#if !defined(_WIN32)
#include <unistd.h>
#endif

#include <algorithm>

#include "fastlr/rows.hpp"

namespace fastlr {

/// Bytes of one core's second-level cache, as the system tells it, within reason; 1 MiB where it
/// does not.
inline Index second_level_cache() {
  static const Index size = [] {
    constexpr Index usual = Index{1} << 20;
    Index told = 0;
#if defined(_SC_LEVEL2_CACHE_SIZE)
    told = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    return told > 0 ? std::clamp(told, usual / 4, 4 * usual) : usual;
  }();
  return size;
}

}  // namespace fastlr
