// Rows are dealt to a fixed number of slots, each summed in row order and merged in slot order, so
// that the number of threads never changes a bit. This is the only file that knows about threads.
#pragma once

#include <omp.h>

#include <atomic>
#include <exception>

#if !defined(_WIN32)
#include <pthread.h>
#endif

#include "fastlr/views.hpp"

namespace fastlr {

/// GNU OpenMP's pool does not survive fork(): a child of a process that has used threads works
/// serially.
inline bool& forked_from_threads() {
  static bool flag = false;
  return flag;
}

inline void watch_for_fork() {
#if !defined(_WIN32)
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { forked_from_threads() = true; });
  static_cast<void>(registered);
#endif
}

/// body(task) for task = 0 .. n_tasks-1, in any order, on at most n_threads threads. The first
/// exception (only ever std::bad_alloc) reaches the caller after all threads have come to rest.
template <class Body>
void for_each_task(Index n_tasks, int n_threads, const Body& body) {
  if (n_threads <= 1 || n_tasks <= 1 || forked_from_threads()) {
    for (Index task = 0; task < n_tasks; ++task) body(task);
    return;
  }
  watch_for_fork();
  std::exception_ptr failure;
  std::atomic<bool> failed{false};
#pragma omp parallel for schedule(dynamic, 1) num_threads(n_threads)
  for (Index task = 0; task < n_tasks; ++task) {
    if (failed.load(std::memory_order_relaxed)) continue;
    try {
      body(task);
    } catch (...) {
      if (!failed.exchange(true)) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace fastlr
