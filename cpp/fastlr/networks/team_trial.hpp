// Whether a team of threads is worth what it costs. Its threads wait for one another several times a
// batch; where other work keeps the machine busy, each time costs a slice of time, and one thread alone
// is several times faster. Threads change no bit, so that it may be tried out.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

#include "fastlr/rows.hpp"

namespace fastlr {

/// Batches are done in turns by a team and by one thread, then by whichever was faster; now and then
/// that is tried again.
class TeamTrial {
 public:
  explicit TeamTrial(int n_threads) : n_threads_(n_threads) {}

  /// Threads for what comes next.
  int threads() const { return is_alone() ? 1 : n_threads_; }

  /// Runs `batch` of n rows with threads().
  template <class Batch>
  void run(Index n, const Batch& batch) {
    if (n_threads_ == 1) return batch(1);
    const auto start = Clock::now();
    batch(threads());
    const std::chrono::duration<double> time = Clock::now() - start;
    if (turn_ == 0) fastest_.fill(std::numeric_limits<double>::infinity());
    if (turn_ > 0 && turn_ < n_tried) {  // the first one starts the threads
      double& fastest = fastest_[is_alone() ? 1 : 0];
      fastest = std::min(fastest, time.count() / static_cast<double>(n));
    }
    turn_ = (turn_ + 1) % period;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr int n_tried = 5;
  static constexpr int period = 96;

  bool is_alone() const {
    if (n_threads_ == 1) return true;
    return turn_ < n_tried ? turn_ % 2 == 1 : fastest_[1] < fastest_[0];
  }

  int n_threads_;
  int turn_ = 0;
  std::array<double, 2> fastest_{};  // seconds for a row: of a team, of one thread
};

}  // namespace fastlr
