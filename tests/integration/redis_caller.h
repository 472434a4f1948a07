// A link to Redis on a loop of its own, asked from the test's thread as if it answered at once.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "base/redis.h"
#include "tests/support/wait.h"

namespace tailgate::test {

// The system's, which a test can put forward.
class ForwardClock final : public tailgate::Clock {
 public:
  std::int64_t steady_ms() const override { return system_.steady_ms() + forward_ms_; }
  std::int64_t wall_ms() const override { return system_.wall_ms() + forward_ms_; }
  void forward(std::int64_t ms) { forward_ms_ += ms; }

 private:
  SystemClock system_;
  std::atomic<std::int64_t> forward_ms_{0};
};

// A loop that runs on a thread of its own until it is destroyed.
class LoopThread {
 public:
  LoopThread() : thread_{[this] { loop_.run(); }} {}
  ~LoopThread() { stop(); }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  IoLoop& loop() { return loop_; }
  // What lives on the loop may be destroyed from now on.
  void stop() {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
  }
  // Runs it on the loop; returns what it returned.
  template <class Work>
  auto on_loop(Work work) {
    std::packaged_task<decltype(work())()> task{std::move(work)};
    auto result = task.get_future();
    loop_.post([&task] { task(); });
    return result.get();
  }
  // Puts its clock forward; returns when the timers that are due by then have run.
  void forward(std::int64_t ms) {
    clock_.forward(ms);
    struct Last {
      IoLoop& loop;
      std::promise<void> all_ran;
      Timer timer{*this, [](Last& self) { self.loop.post([&self] { self.all_ran.set_value(); }); }};
    };
    Last last{loop_, {}};
    on_loop([&] { loop_.timers().set(last.timer, 0); });
    last.all_ran.get_future().wait();
  }

 private:
  ForwardClock clock_;
  IoLoop loop_{clock_, 0};
  std::thread thread_;
};

class RedisCaller {
 public:
  explicit RedisCaller(const std::string& url) : RedisCaller{options_of(url)} {}
  explicit RedisCaller(RedisOptions options) {
    auto setup = RedisSetup::load(std::move(options));
    EXPECT_TRUE(setup) << (setup ? "" : setup.error().detail);
    setup_ = std::move(*setup);
    link_ = thread_.on_loop([this] {
      return setup_->open(thread_.loop(), counters_, [this](ReportLevel level, const std::string& line) {
        const std::lock_guard lock{mutex_};
        lines_.push_back(line);
        levels_.push_back(level);
      });
    });
  }
  ~RedisCaller() { thread_.stop(); }

  // With a deadline that a busy machine keeps: tests of the deadline set their own.
  static RedisOptions options_of(const std::string& url) {
    auto options = parse_redis_url(url);
    EXPECT_TRUE(options) << (options ? "" : options.error().detail);
    options->deadline_ms = 2'000;
    return std::move(*options);
  }

  RedisAnswer run(const RedisScript& script, std::vector<std::string> keys, std::vector<std::string> arguments = {},
                  int replicas = 0) {
    std::promise<RedisAnswer> promise;
    thread_.on_loop([&] {
      ask_ = link_->run({script, std::move(keys), std::move(arguments), replicas},
                        [&promise](RedisAnswer answer) { promise.set_value(std::move(answer)); });
    });
    return promise.get_future().get();
  }
  // The text of the answer, or what was wrong.
  std::string text(const RedisScript& script, std::vector<std::string> keys = {"k"},
                   std::vector<std::string> arguments = {}) {
    const RedisAnswer answer = run(script, std::move(keys), std::move(arguments));
    if (!answer) return answer.error().detail;
    return answer->kind == RedisReply::Kind::integer ? std::to_string(answer->integer) : answer->text;
  }
  [[nodiscard]] bool is_up_soon() {
    return eventually([&] { return link_->state() == RedisState::up; });
  }
  std::uint64_t failures(RedisFailure failure) const {
    return counters_.failures[static_cast<std::size_t>(failure)].get();
  }

  LoopThread& thread() { return thread_; }
  RedisLink& link() { return *link_; }
  RedisCounters& counters() { return counters_; }
  std::vector<std::string> lines() {
    const std::lock_guard lock{mutex_};
    return lines_;
  }
  // Of each line.
  std::vector<ReportLevel> levels() {
    const std::lock_guard lock{mutex_};
    return levels_;
  }

 private:
  RedisCounters counters_;
  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::vector<ReportLevel> levels_;
  std::unique_ptr<const RedisSetup> setup_;
  Ask<RedisAnswer> ask_;
  LoopThread thread_;
  std::unique_ptr<RedisLink> link_;
};

}  // namespace tailgate::test
