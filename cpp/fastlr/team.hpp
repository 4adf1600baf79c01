// What is known of OpenMP's team of threads without having one.
#pragma once

#include <cstddef>

namespace fastlr {

/// Threads that OpenMP would start by itself: OMP_NUM_THREADS, or all processors.
int max_threads();

/// Bytes of stack that the environment asks of OpenMP's threads (OMP_STACKSIZE); 0 if nothing is
/// asked. Set once, by whoever loads the kernels.
std::size_t& team_stack_size();

/// Whether a parallel region of n_threads can begin here and now. GNU OpenMP ends the process when
/// a thread of its team cannot be started, for want of memory (RLIMIT_AS) or of threads
/// (RLIMIT_NPROC, a control group's pids.max), so the threads that are missing are tried
/// beforehand: all at once, with stacks as large as the team's, which the C library keeps for the
/// next who ask. Threads of the team before are there already, so a team that is no larger costs
/// nothing. A race remains in principle: another thread or process may take what was free a moment
/// ago, and other code that shares the OpenMP runtime may have made this thread's team smaller.
bool can_start_team(int n_threads);

/// Whether this process has had a team of threads, on whatever level.
bool& uses_threads();

/// GNU OpenMP's pool, which all levels share, does not survive fork(): a child of a process that
/// has used threads works serially.
bool forked_from_threads();

/// From now on a child knows it. `has_used_threads` belongs to the process, not to one level.
void watch_for_fork(bool& has_used_threads);

}  // namespace fastlr
