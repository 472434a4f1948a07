#include "base/loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

namespace tailgate {

namespace {

class CoarseTimer final : public FineTimer {
 public:
  CoarseTimer(Timers& timers, std::function<void()> on_due) : timers_{timers}, on_due_{std::move(on_due)} {}
  void set(std::int64_t delay_ms) override { timers_.set(timer_, delay_ms); }
  bool is_set() const override { return timer_.is_set(); }

 private:
  Timers& timers_;
  std::function<void()> on_due_;
  Timer timer_{*this, [](CoarseTimer& self) { self.on_due_(); }};
};

class AsioTimer final : public FineTimer {
 public:
  AsioTimer(boost::asio::io_context& context, std::function<void()> on_due)
      : timer_{context}, state_{std::make_shared<State>(State{std::move(on_due), false})} {}
  ~AsioTimer() override { state_->on_due = nullptr; }
  void set(std::int64_t delay_ms) override {
    state_->is_set = true;
    timer_.expires_after(std::chrono::milliseconds{delay_ms});
    timer_.async_wait([state = state_](const boost::system::error_code& error) {
      state->is_set = false;
      if (!error && state->on_due) state->on_due();
    });
  }
  bool is_set() const override { return state_->is_set; }

 private:
  // Shared with the wait under way: one that is over, but has not run, cannot be cancelled any more.
  struct State {
    std::function<void()> on_due;
    bool is_set;
  };
  boost::asio::steady_timer timer_;
  std::shared_ptr<State> state_;
};

}  // namespace

std::unique_ptr<FineTimer> Loop::make_fine_timer(std::function<void()> on_due) {
  return std::make_unique<CoarseTimer>(timers(), std::move(on_due));
}

std::unique_ptr<FineTimer> IoLoop::make_fine_timer(std::function<void()> on_due) {
  return std::make_unique<AsioTimer>(context_, std::move(on_due));
}

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
