#include "streams/step_thread.h"

#include <utility>

#include "base/thread_name.h"

namespace tailgate {

namespace {

constexpr int kWaitMs = 100;  // timers are as coarse

}  // namespace

StepThread::StepThread(std::string name, StepLoop& loop, std::function<bool()> step)
    : loop_{loop}, step_{std::move(step)}, thread_{[this, name = std::move(name)] { run(name); }} {}

StepThread::~StepThread() {
  is_stopping_.store(true, std::memory_order_release);
  loop_.wake();
  thread_.join();
}

void StepThread::run(const std::string& name) {
  name_thread(name);
  while (!is_stopping_.load(std::memory_order_acquire)) {
    const bool had_posts = loop_.run();
    const bool has_more = step_();
    if (!had_posts && !has_more) loop_.wait(kWaitMs);
  }
}

}  // namespace tailgate
