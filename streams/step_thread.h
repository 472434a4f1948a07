// A thread that runs a StepLoop and what is driven step by step beside it.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "streams/step_loop.h"

namespace tailgate {

// Runs from construction to destruction, under `name` (base/thread_name.h). `step` returns true while it has more to do
// at once.
class StepThread {
 public:
  StepThread(std::string name, StepLoop& loop, std::function<bool()> step);
  ~StepThread();
  StepThread(const StepThread&) = delete;
  StepThread& operator=(const StepThread&) = delete;

 private:
  void run(const std::string& name);

  StepLoop& loop_;
  const std::function<bool()> step_;
  std::atomic<bool> is_stopping_{false};
  std::thread thread_;
};

}  // namespace tailgate
