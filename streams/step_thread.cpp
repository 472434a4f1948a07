#include "streams/step_thread.h"

#include <utility>

namespace tailgate {

namespace {

constexpr int kWaitMs = 100;  // timers are as coarse

}  // namespace

StepThread::StepThread(StepLoop& loop, std::function<bool()> step)
    : loop_{loop}, step_{std::move(step)}, thread_{[this] { run(); }} {}

StepThread::~StepThread() {
  is_stopping_.store(true, std::memory_order_release);
  loop_.wake();
  thread_.join();
}

void StepThread::run() {
  while (!is_stopping_.load(std::memory_order_acquire)) {
    const bool had_posts = loop_.run();
    const bool has_more = step_();
    if (!had_posts && !has_more) loop_.wait(kWaitMs);
  }
}

}  // namespace tailgate
