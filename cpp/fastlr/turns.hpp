// Long algebra gives its caller a turn now and then, so that Ctrl-C is heard. Everything else is
// cut into calls that are short enough.
#pragma once

#include <chrono>

namespace fastlr {

/// Leaves the algebra when the caller does not want it any longer.
struct __attribute__((visibility("default"))) Interrupted {};

/// While one lives, give_turn() on this thread asks `goes_on` every 50 ms.
class Turns {
 public:
  using Question = bool (*)();

  explicit Turns(Question goes_on) : before_(now()) { now() = {goes_on, Clock::now()}; }
  ~Turns() { now() = before_; }
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  static void give() {
    State& state = now();
    if (state.goes_on == nullptr) return;
    const auto time = Clock::now();
    if (time - state.last < std::chrono::milliseconds(50)) return;
    state.last = time;
    if (!state.goes_on()) throw Interrupted{};
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct State {
    Question goes_on = nullptr;
    Clock::time_point last{};
  };
  static State& now() {
    static thread_local State state;
    return state;
  }
  State before_;
};

/// Between two steps of at most some 50 ms each. Throws Interrupted. The kernels of a level ask
/// those who have loaded them, so that there is one clock.
void give_turn();

}  // namespace fastlr
