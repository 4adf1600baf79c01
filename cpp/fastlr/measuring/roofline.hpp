// What this machine can do at best, measured beside the kernels: reading memory, fused
// multiply-adds, and the kernels' own tile where nothing has to be fetched.
#pragma once

#include "fastlr/rows.hpp"

namespace fastlr {

/// Sum of n doubles, read once in order by n_threads threads and prefetched: as little arithmetic
/// as reading allows.
double measure_bandwidth(const double* values, Index n, int n_threads);

/// n rounds of independent fused multiply-adds on every thread; returns how many multiply-adds were
/// done in all.
double measure_flops(Index n, int n_threads);

/// The same for n tiles of cross-products of 32 rows that stay in the nearest cache: what a core
/// gives while another thread uses its other half, which registers alone do not feel.
double measure_tile(Index n, int n_threads);

}  // namespace fastlr
