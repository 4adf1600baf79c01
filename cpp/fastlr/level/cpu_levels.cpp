// Which x86-64 psABI levels this processor and operating system support. Built for the plain
// baseline: it runs before anything else is loaded, since an illegal instruction cannot be caught.
#include "fastlr/level/cpu_levels.hpp"

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace fastlr {

#if defined(__x86_64__)

namespace {

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(unsigned leaf, unsigned subleaf = 0) {
  Registers r;
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

constexpr unsigned bit(unsigned k) { return 1U << k; }
constexpr bool all(unsigned value, unsigned mask) { return (value & mask) == mask; }

/// Register states that the operating system saves: AVX needs XMM and YMM, AVX-512 the three ZMM
/// states too.
std::uint64_t enabled_states(const Registers& leaf1) {
  if (!all(leaf1.ecx, bit(27))) return 0;  // OSXSAVE
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<std::uint64_t>(high) << 32) | low;
}

}  // namespace

std::vector<std::string> supported_levels() {
  const Registers leaf1 = cpuid(1);
  const Registers leaf7 = cpuid(7);
  const Registers extended = cpuid(0x80000001);
  const std::uint64_t states = enabled_states(leaf1);
  // v2: SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT, LAHF.
  const bool v2 = all(leaf1.ecx, bit(0) | bit(9) | bit(13) | bit(19) | bit(20) | bit(23)) &&
                  all(extended.ecx, bit(0));
  // v3: FMA, MOVBE, AVX, F16C; BMI1, AVX2, BMI2; LZCNT.
  const bool v3 = v2 && (states & 0x6) == 0x6 &&
                  all(leaf1.ecx, bit(12) | bit(22) | bit(28) | bit(29)) &&
                  all(leaf7.ebx, bit(3) | bit(5) | bit(8)) && all(extended.ecx, bit(5));
  // v4: AVX-512 F, DQ, CD, BW, VL.
  const bool v4 = v3 && (states & 0xe6) == 0xe6 &&
                  all(leaf7.ebx, bit(16) | bit(17) | bit(28) | bit(30) | bit(31));
  std::vector<std::string> levels;
  if (v4) levels.emplace_back("v4");
  if (v3) levels.emplace_back("v3");
  if (v2) levels.emplace_back("v2");
  levels.emplace_back("generic");
  return levels;
}

#else

std::vector<std::string> supported_levels() { return {"generic"}; }

#endif

}  // namespace fastlr
