#include "fastlr/measuring/roofline.hpp"

#include <algorithm>
#include <array>

#include "fastlr/products/tiles.hpp"
#include "fastlr/reading/prefetching.hpp"
#include "fastlr/registers/lanes.hpp"
#include "fastlr/threads.hpp"

namespace fastlr {
namespace {

/// Sum of n values, asked for 2 KiB ahead: the hardware's own streams stop at every page.
double sum_prefetched(const double* values, Index n) {
  constexpr Index ahead = 2048 / sizeof(double);
  constexpr Index per_line = cache_line / sizeof(double);
  constexpr Index at_once = 4 * per_line;
  Eigen::Array<double, at_once, 1> sums = Eigen::Array<double, at_once, 1>::Zero();
  Index i = 0;
  for (; i + at_once <= n; i += at_once) {
    for (Index line = 0; line < at_once; line += per_line)
      __builtin_prefetch(values + std::min(i + ahead + line, n - 1), 0, 3);
    sums += Eigen::Map<const Eigen::Array<double, at_once, 1>>(values + i);
  }
  return sums.sum() + ConstVectorMap(values + i, n - i).sum();
}

}  // namespace

double measure_bandwidth(const double* values, Index n, int n_threads) {
  const Index task_size = Index{1} << 17;
  const Index n_tasks = (n + task_size - 1) / task_size;
  Vector sums(n_tasks);
  for_each_task(n_tasks, n_threads, [&](Index task) {
    const Index first = task * task_size;
    sums[task] = sum_prefetched(values + first, std::min(task_size, n - first));
  });
  return sums.sum();
}

double measure_flops(Index n, int n_threads) {
  constexpr Index chains =
      12;  // enough to hide the latency of any x86-64 since 2013, few enough for 16 registers
  Vector results(n_threads);
  for_each_task(n_threads, n_threads, [&](Index task) {
    Lanes sum[chains];
    for (Index k = 0; k < chains; ++k) sum[k] = broadcast(1e-3 * static_cast<double>(k + task));
    const Lanes factor = broadcast(0.999999);
    const Lanes summand = broadcast(1e-9);
    for (Index r = 0; r < n; ++r) {
#pragma GCC unroll 16
      for (Index k = 0; k < chains; ++k) sum[k] = multiply_add(sum[k], factor, summand);
    }
    double total = 0.0;
    for (Index k = 0; k < chains; ++k) total += sum_of(sum[k]);
    results[task] = total;
  });
  const double done = static_cast<double>(n) * chains * lanes * n_threads;
  return results.allFinite() ? done : 0.0;
}

double measure_tile(Index n, int n_threads) {
  constexpr Index n_rows = 32;
  constexpr Index width = tile_strips * strip_width;
  Vector results(n_threads);
  for_each_task(n_threads, n_threads, [&](Index task) {
    alignas(64) std::array<double, (1 + tile_strips) * strip_size> panel;
    alignas(64) std::array<double, tile_height * width> C{};
    panel.fill(1e-3);
    std::array<const std::byte*, n_rows> nothing_to_ask_for;
    nothing_to_ask_for.fill(reinterpret_cast<const std::byte*>(C.data()));
    for (Index r = 0; r < n; ++r)
      tile_product<tile_height, tile_strips>(panel.data(), panel.data() + strip_size, n_rows, false,
                                             C.data(), width, nothing_to_ask_for.data());
    // Every sum is used, or the compiler would leave out the products that make up the others.
    results[task] = ConstVectorMap(C.data(), tile_height * width).sum();
  });
  const double done = static_cast<double>(n) * n_rows * tile_height * width * n_threads;
  return results.allFinite() ? done : 0.0;
}

}  // namespace fastlr
