// What this machine can do at best, measured beside the kernels: reading memory, and fused
// multiply-adds.
#pragma once

#include "fastlr/rows.hpp"

namespace fastlr {

/// Sum of n doubles, read once in order by n_threads threads: as little arithmetic as reading
/// allows.
double measure_bandwidth(const double* values, Index n, int n_threads);

/// n rounds of independent fused multiply-adds on every thread; returns how many multiply-adds were
/// done in all.
double measure_flops(Index n, int n_threads);

}  // namespace fastlr
