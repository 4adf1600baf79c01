// Numerical outcomes, as values: kernels throw std::bad_alloc and Interrupted, never these.
#pragma once

namespace fastlr {

enum class Status {
  ok,               // solved, the factor is well conditioned for float64
  ill_conditioned,  // solved, but few digits of the coefficients are certain
  rank_deficient,   // columns depend on one another: the minimum-norm solution was taken
};

constexpr const char* name(Status status) {
  switch (status) {
    case Status::ok:
      return "ok";
    case Status::ill_conditioned:
      return "ill_conditioned";
    case Status::rank_deficient:
      return "rank_deficient";
  }
  return "unknown";
}

}  // namespace fastlr
