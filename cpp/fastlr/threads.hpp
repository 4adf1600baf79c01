// Work for several threads, dealt by number: who does what never depends on how many there are, so
// that they change no bit (slots.hpp says what is dealt). Nobody else starts threads.
#pragma once

#include <omp.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <thread>
#include <type_traits>

#include "fastlr/rows.hpp"
#include "fastlr/team.hpp"

namespace fastlr {

/// body(task) for task = 0 .. n_tasks-1, in any order, on at most n_threads threads, on the calling
/// one alone where no team can start; body(task, worker) if it wants to know which of its rooms
/// [0, n_threads) no other task uses meanwhile. The first exception (std::bad_alloc, or Interrupted
/// on the calling thread) reaches the caller after all threads have come to rest.
template <class Body>
void for_each_task(Index n_tasks, int n_threads, const Body& body) {
  const auto run = [&](Index task, Index worker) {
    if constexpr (std::is_invocable_v<Body, Index, Index>) {
      body(task, worker);
    } else {
      static_cast<void>(worker);
      body(task);
    }
  };
  const int n_useful = static_cast<int>(std::min<Index>(n_threads, n_tasks));
  if (n_useful <= 1 || forked_from_threads() || !can_start_team(n_useful)) {
    for (Index task = 0; task < n_tasks; ++task) run(task, 0);
    return;
  }
  uses_threads() = true;
  std::exception_ptr failure;
  std::atomic<bool> failed{false};
#pragma omp parallel for schedule(dynamic, 1) num_threads(n_useful)
  for (Index task = 0; task < n_tasks; ++task) {
    if (failed.load(std::memory_order_relaxed)) continue;
    try {
      run(task, omp_get_thread_num());
    } catch (...) {
      if (!failed.exchange(true)) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

/// use(k, buffer) for k = first .. last-1 in order, on the calling thread, after prepare(k,
/// buffer); a second thread prepares what comes next. Nobody waits idly: while the second thread is
/// at work on k, the first prepares the next one that nobody has begun; and what the second has not
/// finished within microseconds the first prepares itself, so that a busy machine costs little. A
/// single thread needs one buffer only. `use` returns false to stop.
class WorkAhead {
 public:
  static constexpr Index buffers_needed = 6;

  template <class Prepare, class Use>
  static void run(Index first, Index last, int n_threads, const Prepare& prepare, const Use& use) {
    if (n_threads <= 1 || last - first < 2 || forked_from_threads()) {
      for (Index k = first; k < last; ++k) {
        prepare(k, own);
        if (!use(k, own)) return;
      }
      return;
    }
    WorkAhead shared(first, last);
    for_each_task(2, 2, [&](Index task) {
      if (task == 0) {
        shared.consume(prepare, use);
      } else {
        shared.produce(prepare);
      }
    });
  }

 private:
  static constexpr Index own = 0;    // filled by the first thread, ahead of time
  static constexpr Index spare = 1;  // filled by the first thread when it cannot wait any longer
  static constexpr Index ring = buffers_needed - 2;
  static constexpr int patience = 4000;

  WorkAhead(Index first, Index last) : first_(first), last_(last), next_(first), used_(first) {
    for (auto& ready : ready_) ready.store(-1, std::memory_order_relaxed);
  }

  /// However the first thread leaves, the second must not wait for it.
  struct Release {
    WorkAhead& shared;
    ~Release() {
      shared.used_.store(shared.last_, std::memory_order_release);
      shared.next_.store(shared.last_, std::memory_order_release);
    }
  };

  static Index place(Index k) { return k % ring; }

  template <class Prepare, class Use>
  void consume(const Prepare& prepare, const Use& use) {
    const Release release{*this};
    Index held = -1;  // what lies in our own buffer
    for (Index k = first_; k < last_; ++k) {
      if (!use(k, obtain(k, held, prepare))) return;
      used_.store(k + 1, std::memory_order_release);
    }
  }

  /// The buffer in which k is ready.
  template <class Prepare>
  Index obtain(Index k, Index& held, const Prepare& prepare) {
    for (int waited = 0; waited < patience; ++waited) {
      if (held == k) {
        held = -1;
        return own;
      }
      if (ready_[static_cast<std::size_t>(place(k))].load(std::memory_order_acquire) == k)
        return 2 + place(k);
      Index unclaimed = next_.load(std::memory_order_acquire);
      if (held < 0 && unclaimed < last_ &&
          next_.compare_exchange_strong(unclaimed, unclaimed + 1)) {
        prepare(unclaimed, own);
        held = unclaimed;
      }
    }
    prepare(k, spare);
    return spare;
  }

  template <class Prepare>
  void produce(const Prepare& prepare) {
    // One turn for each k, and waiting only while the first thread is at work: however that leaves,
    // it moves next_ to last_.
    for (Index k = next_.load(std::memory_order_acquire); k < last_;
         k = next_.load(std::memory_order_acquire)) {
      if (k - used_.load(std::memory_order_acquire) >= ring) {
        std::this_thread::yield();
        continue;
      }
      if (!next_.compare_exchange_strong(k, k + 1)) continue;
      prepare(k, 2 + place(k));
      ready_[static_cast<std::size_t>(place(k))].store(k, std::memory_order_release);
    }
  }

  Index first_;
  Index last_;
  std::atomic<Index> next_;
  std::atomic<Index> used_;
  std::array<std::atomic<Index>, static_cast<std::size_t>(ring)> ready_;
};

}  // namespace fastlr
