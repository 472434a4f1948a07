// The load test of the store: many cursors that all move, as streams of many clients would have them move, over as many
// links to Redis as a server has io threads. Says how many moves came back, how long they took, and what Redis did.
#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "base/redis.h"
#include "bench/histogram.h"
#include "cursors/redis_cursors.h"

namespace {

using tailgate::bench::Histogram;
using SteadyClock = std::chrono::steady_clock;

struct Options {
  std::string redis = "redis://127.0.0.1:6379";
  std::size_t cursors = 50'000;
  std::size_t threads = 2;
  std::size_t window = 100;
  int seconds = 10;
  double rate = 0;  // moves a second of each thread; 0: as many as come back
};

// One io thread: its share of the cursors, moved in turn, `window` at a time.
class Mover {
 public:
  Mover(const Options& options, const tailgate::RedisSetup& setup, std::size_t index)
      : options_{options}, loop_{clock_, index}, first_{index * share()} {
    link_ = setup.open(loop_, counters_, [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); });
    tailgate::CursorOptions cursor_options;
    cursor_options.per_principal_max = 2 * options.cursors;
    store_ = std::make_unique<tailgate::RedisCursors>(*link_, loop_, "bench", cursor_options, 0);
    asks_.resize(options.window);
  }

  void run() {
    loop_.post([this] {
      for (std::size_t slot = 0; slot < asks_.size(); ++slot) move(slot);
    });
    loop_.run();
  }
  void measure(bool is_measured) { is_measured_ = is_measured; }
  void stop() { loop_.stop(); }

  const Histogram& latency() const { return latency_; }
  std::uint64_t failures() const { return failures_; }

 private:
  std::size_t share() const { return options_.cursors / options_.threads; }

  void move(std::size_t slot) {
    const std::size_t which = next_++;
    tailgate::CursorMove move;
    const auto offset = static_cast<tailgate::Offset>(which / share());
    move.position["orders"] = {{0, offset}, {1, offset}, {2, offset}};
    move.partitions["orders"] = 3;
    const tailgate::CursorKey key{"", "cursor-" + std::to_string(first_ + which % share())};
    const auto began = SteadyClock::now();
    asks_[slot] = store_->move(key, std::move(move), [this, slot, began](const tailgate::CursorAnswer& answer) {
      const auto took = SteadyClock::now() - began;
      if (is_measured_ && answer) latency_.add(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
      if (is_measured_ && !answer) ++failures_;
      pace(slot);
    });
  }

  // With a rate, the slots take their turns at it.
  void pace(std::size_t slot) {
    if (options_.rate <= 0) return move(slot);
    waits_.push_back(std::make_unique<boost::asio::steady_timer>(loop_.context()));
    due_ =
        std::max(due_ + std::chrono::nanoseconds{static_cast<std::int64_t>(1e9 / options_.rate)}, SteadyClock::now());
    boost::asio::steady_timer& timer = *waits_.back();
    timer.expires_at(due_);
    timer.async_wait([this, slot](const boost::system::error_code& error) {
      if (error) return;
      waits_.erase(waits_.begin());  // they are due in the order in which they were set
      move(slot);
    });
  }

  const Options& options_;
  tailgate::SystemClock clock_;
  tailgate::IoLoop loop_;
  tailgate::RedisCounters counters_;
  std::unique_ptr<tailgate::RedisLink> link_;
  std::unique_ptr<tailgate::RedisCursors> store_;
  std::vector<tailgate::Ask<tailgate::CursorAnswer>> asks_;
  std::vector<std::unique_ptr<boost::asio::steady_timer>> waits_;
  SteadyClock::time_point due_;
  const std::size_t first_;
  std::size_t next_ = 0;
  std::atomic<bool> is_measured_{false};
  Histogram latency_;
  std::uint64_t failures_ = 0;
};

double cpu_seconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"moves cursors in a Redis of its own: what is there under bench: is overwritten"};
  app.add_option("--redis", options.redis);
  app.add_option("--cursors", options.cursors);
  app.add_option("--threads", options.threads);
  app.add_option("--window", options.window, "moves under way at a time, of each thread");
  app.add_option("--seconds", options.seconds, "measured, behind two seconds that are not");
  app.add_option("--rate", options.rate, "moves a second, of each thread; 0: as many as come back");
  CLI11_PARSE(app, argc, argv);
  auto url = tailgate::parse_redis_url(options.redis);
  if (!url) return std::fprintf(stderr, "--redis: %s\n", url.error().detail.c_str()), 2;
  const auto setup = tailgate::RedisSetup::load(std::move(*url));
  if (!setup) return std::fprintf(stderr, "%s\n", setup.error().detail.c_str()), 2;

  std::vector<std::unique_ptr<Mover>> movers;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < options.threads; ++i) movers.push_back(std::make_unique<Mover>(options, **setup, i));
  for (const auto& mover : movers) threads.emplace_back([&mover] { mover->run(); });
  std::this_thread::sleep_for(std::chrono::seconds{2});
  const double cpu_before = cpu_seconds();
  for (const auto& mover : movers) mover->measure(true);
  std::this_thread::sleep_for(std::chrono::seconds{options.seconds});
  for (const auto& mover : movers) mover->measure(false);
  const double cpu = cpu_seconds() - cpu_before;
  for (const auto& mover : movers) mover->stop();
  for (std::thread& thread : threads) thread.join();

  std::uint64_t moves = 0;
  std::uint64_t failures = 0;
  std::int64_t p50 = 0;
  std::int64_t p99 = 0;
  for (const auto& mover : movers) {
    moves += mover->latency().count();
    failures += mover->failures();
    p50 = std::max(p50, mover->latency().quantile(0.5));
    p99 = std::max(p99, mover->latency().quantile(0.99));
  }
  std::printf(R"({"moves_per_second":%.0f,"failures":%llu,"p50_us":%lld,"p99_us":%lld,"client_cpu_us_per_move":%.2f})"
              "\n",
              static_cast<double>(moves) / options.seconds, static_cast<unsigned long long>(failures),
              static_cast<long long>(p50 / 1000), static_cast<long long>(p99 / 1000),
              moves > 0 ? cpu * 1e6 / static_cast<double>(moves) : 0);
  return 0;
}
