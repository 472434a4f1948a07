// A loop whose handlers the simulation runs, one at a time and in order.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <utility>

#include "base/loop.h"

namespace tailgate::simulation {

class SimLoop final : public Loop {
 public:
  SimLoop(const Clock& clock, std::size_t index) : timers_{clock}, index_{index} {}

  void post(std::function<void()> work) override { posted_.push_back(std::move(work)); }
  Timers& timers() override { return timers_; }
  std::size_t index() const override { return index_; }

  bool has_work() const { return !posted_.empty(); }
  bool run_one() {
    if (posted_.empty()) return false;
    const std::function<void()> work = std::move(posted_.front());
    posted_.pop_front();
    work();
    return true;
  }

 private:
  Timers timers_;
  std::size_t index_;
  std::deque<std::function<void()>> posted_;
};

}  // namespace tailgate::simulation
