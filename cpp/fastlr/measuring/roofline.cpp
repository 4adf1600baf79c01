#include "fastlr/measuring/roofline.hpp"

#include "fastlr/registers/lanes.hpp"
#include "fastlr/threads.hpp"

namespace fastlr {

double measure_bandwidth(const double* values, Index n, int n_threads) {
  const Index task_size = Index{1} << 17;
  const Index n_tasks = (n + task_size - 1) / task_size;
  Vector sums(n_tasks);
  for_each_task(n_tasks, n_threads, [&](Index task) {
    const Index first = task * task_size;
    sums[task] = ConstVectorMap(values + first, std::min(task_size, n - first)).sum();
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

}  // namespace fastlr
