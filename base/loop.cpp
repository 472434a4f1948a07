#include "base/loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

namespace tailgate {

IoLoop::IoLoop(const Clock& clock, std::size_t index) : timers_{clock}, tick_{context_}, index_{index} {}

void IoLoop::post(std::function<void()> work) { boost::asio::post(context_, std::move(work)); }

void IoLoop::run() {
  const auto guard = boost::asio::make_work_guard(context_);
  tick();
  context_.run();
}

void IoLoop::tick() {
  tick_.expires_after(std::chrono::milliseconds{Timers::kSlotMs});
  tick_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    timers_.run_due();
    tick();
  });
}

}  // namespace tailgate
