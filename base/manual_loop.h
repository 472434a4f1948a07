// For tests and fuzzing: a loop whose clock and turns are the test's.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <utility>

#include "base/clock.h"
#include "base/loop.h"

namespace tailgate::testing {

// Threads: one.
class ManualLoop final : public Loop {
 public:
  void post(std::function<void()> work) override { posted_.push_back(std::move(work)); }
  Timers& timers() override { return timers_; }
  std::size_t index() const override { return 0; }
  // Runs what was posted first. False: nothing was.
  bool turn() {
    if (posted_.empty()) return false;
    const auto work = std::move(posted_.front());
    posted_.pop_front();
    work();
    return true;
  }
  void run() {
    while (turn()) continue;
  }

  ManualClock clock;

 private:
  Timers timers_{clock};
  std::deque<std::function<void()>> posted_;
};

}  // namespace tailgate::testing
