// Plain checks for native tests: what fails is printed, and the program ends with the count.
#pragma once

#include <algorithm>
#include <cmath>
#include <iostream>

namespace fastlr {

inline int& n_failures() {
  static int count = 0;
  return count;
}

inline void check(bool holds, const char* claim, const char* file, int line) {
  if (holds) return;
  ++n_failures();
  std::cerr << file << ":" << line << ": " << claim << "\n";
}

inline bool are_near(double a, double b, double tolerance) {
  return std::abs(a - b) <= tolerance * std::max(std::abs(a), std::abs(b));
}

}  // namespace fastlr

#define CHECK(claim) fastlr::check((claim), #claim, __FILE__, __LINE__)
