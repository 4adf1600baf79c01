#include "fastlr/threads.hpp"

#if !defined(_WIN32)
#include <pthread.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>

namespace fastlr {
namespace {

bool is_forked = false;
bool own_flag = false;
bool* used = &own_flag;

}  // namespace

bool& uses_threads() { return *used; }

bool forked_from_threads() { return is_forked; }

void watch_for_fork(bool& has_used_threads) {
  used = &has_used_threads;
#if !defined(_WIN32)
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { is_forked = is_forked || uses_threads(); });
  static_cast<void>(registered);
#endif
}

int max_threads() { return omp_get_max_threads(); }

std::size_t& team_stack_size() {
  static std::size_t size = 0;
  return size;
}

#if defined(_WIN32)

bool can_start_team(int /*n_threads*/) { return true; }

#else

namespace {

/// What the runtime and the threads' first calls allocate besides stacks.
constexpr std::size_t headroom = std::size_t{1} << 20;
/// A thread that has been joined leaves the system's count of threads a moment later.
constexpr int most_looks = 2000;

/// A closed door, behind which threads wait until all of them have been started.
struct Door {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t opened = PTHREAD_COND_INITIALIZER;
  bool is_open = false;
};

struct Probe {
  pthread_t thread{};
  Door* door = nullptr;
  long id = 0;
};

void* wait_at_door(void* argument) {
  auto& probe = *static_cast<Probe*>(argument);
#if defined(__linux__)
  probe.id = syscall(SYS_gettid);
#endif
  pthread_mutex_lock(&probe.door->mutex);
  // Bounded by the opening, which whoever started the thread does right after the last start.
  while (!probe.door->is_open) pthread_cond_wait(&probe.door->opened, &probe.door->mutex);
  pthread_mutex_unlock(&probe.door->mutex);
  return nullptr;
}

/// Whether the system has forgotten a thread that was joined, within most_looks looks.
bool is_gone(long id) {
#if defined(__linux__)
  for (int look = 0; look < most_looks; ++look) {
    if (syscall(SYS_tgkill, getpid(), id, 0) != 0) return true;
    std::this_thread::yield();
  }
  return false;
#else
  static_cast<void>(id);
  return true;
#endif
}

/// Whether n threads with the stacks of OpenMP's can varying at the same time.
bool can_start(int n) {
  const std::unique_ptr<Probe[]> probes(new (std::nothrow) Probe[static_cast<std::size_t>(n)]);
  if (!probes) return false;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  std::size_t size = 0;
  pthread_attr_getstacksize(&attributes, &size);
  // A size that the system refuses is refused to OpenMP as well, which then takes the default.
  pthread_attr_setstacksize(&attributes, std::max(size, team_stack_size()));
  Door door;
  int started = 0;
  for (; started < n; ++started) {
    Probe& probe = probes[static_cast<std::size_t>(started)];
    probe.door = &door;
    if (pthread_create(&probe.thread, &attributes, wait_at_door, &probe) != 0) break;
  }
  void* const reserve = started == n ? std::malloc(headroom) : nullptr;
  const bool fits = reserve != nullptr;
  std::free(reserve);
  pthread_mutex_lock(&door.mutex);
  door.is_open = true;
  pthread_cond_broadcast(&door.opened);
  pthread_mutex_unlock(&door.mutex);
  bool all_gone = true;
  for (int k = 0; k < started; ++k)
    pthread_join(probes[static_cast<std::size_t>(k)].thread, nullptr);
  for (int k = 0; fits && k < started; ++k)
    all_gone = is_gone(probes[static_cast<std::size_t>(k)].id) && all_gone;
  pthread_attr_destroy(&attributes);
  return fits && all_gone;
}

}  // namespace

bool can_start_team(int n_threads) {
  // Every thread that opens parallel regions has a pool of its own, of its last team's size.
  thread_local int last_team = 1;
  if (n_threads > last_team && !can_start(n_threads - last_team)) return false;
  last_team = n_threads;
  return true;
}

#endif

}  // namespace fastlr
