// One io thread: its event loop, its timers, and work that other threads post to it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/timers.h"

namespace tailgate {

// A timer for the few that Timers are too coarse for. Cancelled when destroyed.
class FineTimer {
 public:
  virtual ~FineTimer() = default;
  // Once, after `delay_ms`; not while it is set.
  virtual void set(std::int64_t delay_ms) = 0;
  virtual bool is_set() const = 0;
};

// The loop as those see it who do no I/O on it: a real io thread, or a test that runs the steps itself.
class Loop {
 public:
  virtual ~Loop() = default;
  // Threads: any. Runs `work` on the loop's thread, in order, never within this call.
  virtual void post(std::function<void()> work) = 0;
  // Threads: the loop's.
  virtual Timers& timers() = 0;
  // Runs `on_due` on the loop. As fine as the loop can: the real one to a millisecond, others as their Timers.
  virtual std::unique_ptr<FineTimer> make_fine_timer(std::function<void()> on_due);
  // 0, 1, … among the loops of the process: an index into what is kept per thread.
  virtual std::size_t index() const = 0;
};

// A question whose answer comes later, to an asker that may be gone by then.
//
//   auto [ask, reply] = make_ask<Ends>(loop, [this](Ends ends) {…});   // loop thread; the asker keeps `ask`
//   reply(ends);                                                        // any thread, at most once
//
// `then` runs on the loop, never within make_ask or reply, and not at all once `ask` is destroyed (on the loop's
// thread).
template <class Answer>
struct AskState {
  Loop& loop;
  std::function<void(Answer)> then;
};

template <class Answer>
class [[nodiscard]] Ask {
 public:
  Ask() = default;
  explicit Ask(std::shared_ptr<AskState<Answer>> state) : state_{std::move(state)} {}
  Ask(Ask&&) noexcept = default;
  Ask& operator=(Ask&& other) noexcept {
    cancel();
    state_ = std::move(other.state_);
    return *this;
  }
  ~Ask() { cancel(); }
  void cancel() {
    if (state_) state_->then = nullptr;
    state_.reset();
  }
  bool is_waiting() const { return state_ && state_->then; }

 private:
  std::shared_ptr<AskState<Answer>> state_;
};

template <class Answer>
class Reply {
 public:
  explicit Reply(std::shared_ptr<AskState<Answer>> state) : state_{std::move(state)} {}
  void operator()(Answer answer) const {
    Loop& loop = state_->loop;
    loop.post([state = state_, answer = std::move(answer)]() mutable {
      if (auto then = std::exchange(state->then, nullptr)) then(std::move(answer));
    });
  }

 private:
  std::shared_ptr<AskState<Answer>> state_;
};

template <class Answer>
std::pair<Ask<Answer>, Reply<Answer>> make_ask(Loop& loop, std::function<void(Answer)> then) {
  auto state = std::make_shared<AskState<Answer>>(AskState<Answer>{loop, std::move(then)});
  return {Ask<Answer>{state}, Reply<Answer>{state}};
}

// A subscription: what it stands for ends when it is destroyed.
class Watch {
 public:
  virtual ~Watch() = default;
};

// The real one. `run` is the body of a thread.
class IoLoop final : public Loop {
 public:
  IoLoop(const Clock& clock, std::size_t index);
  void post(std::function<void()> work) override;
  Timers& timers() override { return timers_; }
  std::unique_ptr<FineTimer> make_fine_timer(std::function<void()> on_due) override;
  std::size_t index() const override { return index_; }
  boost::asio::io_context& context() { return context_; }
  void run();
  // Threads: any. run() returns once the handler at hand has.
  void stop() { context_.stop(); }

 private:
  void tick();
  boost::asio::io_context context_{1};
  Timers timers_;
  boost::asio::steady_timer tick_;
  std::size_t index_;
};

}  // namespace tailgate
