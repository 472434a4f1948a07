#include "streams/step_loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstdint>
#include <utility>

namespace tailgate {

StepLoop::StepLoop(const Clock& clock, std::size_t index)
    : timers_{clock}, index_{index}, event_fd_{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {
  assert(event_fd_ >= 0);
}

StepLoop::~StepLoop() { close(event_fd_); }

void StepLoop::post(std::function<void()> work) {
  bool was_empty = false;
  {
    const std::scoped_lock lock{mutex_};
    was_empty = posted_.empty();
    posted_.push_back(std::move(work));
  }
  if (was_empty) wake();
}

void StepLoop::wake() {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then a wake-up is due anyway.
  [[maybe_unused]] const ssize_t written = write(event_fd_, &one, sizeof one);
}

bool StepLoop::run() {
  {
    const std::scoped_lock lock{mutex_};
    running_.swap(posted_);
  }
  const bool any = !running_.empty();
  for (auto& work : running_) {
    const auto now = std::exchange(work, nullptr);  // what it holds dies before the next one runs
    now();
  }
  running_.clear();
  timers_.run_due();
  return any;
}

void StepLoop::wait(int wait_ms) {
  pollfd waiting{event_fd_, POLLIN, 0};
  const int ready = poll(&waiting, 1, wait_ms);
  assert(ready >= 0 || errno == EINTR);
  if (ready <= 0) return;
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t bytes_read = read(event_fd_, &count, sizeof count);
}

}  // namespace tailgate
