// A loop whose owner runs it between other work: for the threads that drive librdkafka queues.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"

namespace tailgate {

//   while (!is_stopping) {
//     bool more = loop.run();
//     more |= …;
//     if (!more) loop.wait(100);
//   }
//
// Threads: post, wake and wake_fd any; the rest the owner's.
class StepLoop final : public Loop {
 public:
  StepLoop(const Clock& clock, std::size_t index);
  ~StepLoop() override;
  StepLoop(const StepLoop&) = delete;
  StepLoop& operator=(const StepLoop&) = delete;

  void post(std::function<void()> work) override;
  Timers& timers() override { return timers_; }
  std::size_t index() const override { return index_; }

  // Ends the wait at hand, or the next one.
  void wake();
  // An eventfd: eight bytes written to it wake as well.
  int wake_fd() const { return event_fd_; }
  // Runs what has been posted and the timers that are due; true if anything had been posted.
  bool run();
  // Returns when woken since the last wait, at the latest after `wait_ms`.
  void wait(int wait_ms);

 private:
  Timers timers_;
  std::size_t index_;
  int event_fd_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // under mutex_
  std::vector<std::function<void()>> running_;
};

}  // namespace tailgate
