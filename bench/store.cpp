// The load test of the store: many cursors that all move, as streams of many clients would have them move, or limits of
// many callers that are all checked, over as many links to Redis as a server has io threads. Says how many answers came
// back, how long they took, and what Redis did for them.
#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "base/redis.h"
#include "bench/histogram.h"
#include "cursors/redis_cursors.h"
#include "limits/redis_limits.h"

namespace {

using tailgate::bench::Histogram;
using SteadyClock = std::chrono::steady_clock;

struct Options {
  std::string redis = "redis://127.0.0.1:6379";
  std::string kind = "cursors";
  std::size_t names = 50'000;
  std::size_t threads = 2;
  std::size_t window = 100;
  int seconds = 10;
  double rate = 0;  // of each thread; 0: as many as come back
};

// What one io thread asks. Threads: its loop's.
class Load {
 public:
  virtual ~Load() = default;
  // The `round`th time for that name; in one of the slots, which has its answer before it asks again.
  virtual void ask(const std::string& name, std::size_t round, std::size_t slot, std::function<void(bool)> done) = 0;
};

class CursorLoad final : public Load {
 public:
  CursorLoad(const Options& options, tailgate::RedisLink& link, tailgate::IoLoop& loop)
      : store_{link, link, loop, "bench", {.per_principal_max = 2 * options.names}, 0}, asks_(options.window) {}

  void ask(const std::string& name, std::size_t round, std::size_t slot, std::function<void(bool)> done) override {
    tailgate::CursorMove move;
    const auto offset = static_cast<tailgate::Offset>(round);
    move.position["orders"] = {{0, offset}, {1, offset}, {2, offset}};
    move.partitions["orders"] = 3;
    asks_[slot] = store_.move({"", name}, std::move(move),
                              [done = std::move(done)](const auto& answer) { done(answer.has_value()); });
  }

 private:
  tailgate::RedisCursors store_;
  std::vector<tailgate::Ask<tailgate::CursorAnswer>> asks_;
};

// Every check is a question: no leases in front.
class LimitLoad final : public Load {
 public:
  LimitLoad(const Options& options, tailgate::RedisLink& link, tailgate::IoLoop& loop)
      : replicas_{link, loop, "bench", "bench", /*fixed=*/1},
        store_{link, loop, "bench", table_, replicas_, counters_},
        asks_(options.window) {}

  void ask(const std::string& name, std::size_t, std::size_t slot, std::function<void(bool)> done) override {
    const std::uint64_t before = counters_.without_redis.get();
    asks_[slot] = store_.take(
        name, {.per_second = 1, .burst = 5}, 1,
        [this, before, done = std::move(done)](const auto&) { done(counters_.without_redis.get() == before); });
  }

 private:
  tailgate::SystemClock clock_;
  tailgate::LimitTable table_{clock_};
  tailgate::LimitCounters counters_;
  tailgate::ReplicaCount replicas_;
  tailgate::RedisLimits store_;
  std::vector<tailgate::Ask<tailgate::TokenGrant>> asks_;
};

// One io thread: its share of the names, asked for in turn, `window` at a time.
class Asker {
 public:
  Asker(const Options& options, const tailgate::RedisSetup& setup, std::size_t index)
      : options_{options}, loop_{clock_, index}, first_{index * share()} {
    link_ = setup.open(loop_, counters_, [](tailgate::ReportLevel, const std::string& line) {
      std::fprintf(stderr, "%s\n", line.c_str());
    });
    if (options.kind == "limits") {
      load_ = std::make_unique<LimitLoad>(options, *link_, loop_);
    } else {
      load_ = std::make_unique<CursorLoad>(options, *link_, loop_);
    }
  }

  void run() {
    loop_.post([this] {
      for (std::size_t slot = 0; slot < options_.window; ++slot) ask(slot);
    });
    loop_.run();
  }
  void measure(bool is_measured) { is_measured_ = is_measured; }
  void stop() { loop_.stop(); }

  const Histogram& latency() const { return latency_; }
  std::uint64_t failures() const { return failures_; }

  // A section of Redis's INFO. From any other thread.
  std::string info(const std::string& section) {
    static const tailgate::RedisScript kInfo{"return redis.call('INFO', KEYS[1])"};
    std::promise<std::string> answer;
    loop_.post([this, &section, &answer] {
      info_ = link_->run({kInfo, {section}, {}, 0}, [&answer](const tailgate::RedisAnswer& reply) {
        answer.set_value(reply ? reply->text : std::string{});
      });
    });
    return answer.get_future().get();
  }

 private:
  std::size_t share() const { return options_.names / options_.threads; }

  void ask(std::size_t slot) {
    const std::size_t which = next_++;
    const auto began = SteadyClock::now();
    load_->ask("name-" + std::to_string(first_ + which % share()), which / share(), slot,
               [this, slot, began](bool is_done) {
                 const auto took = SteadyClock::now() - began;
                 if (is_measured_ && is_done)
                   latency_.add(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
                 if (is_measured_ && !is_done) ++failures_;
                 pace(slot);
               });
  }

  // With a rate, the slots take their turns at it.
  void pace(std::size_t slot) {
    if (options_.rate <= 0) return ask(slot);
    waits_.push_back(std::make_unique<boost::asio::steady_timer>(loop_.context()));
    due_ =
        std::max(due_ + std::chrono::nanoseconds{static_cast<std::int64_t>(1e9 / options_.rate)}, SteadyClock::now());
    boost::asio::steady_timer& timer = *waits_.back();
    timer.expires_at(due_);
    timer.async_wait([this, slot](const boost::system::error_code& error) {
      if (error) return;
      waits_.erase(waits_.begin());  // they are due in the order in which they were set
      ask(slot);
    });
  }

  const Options& options_;
  tailgate::SystemClock clock_;
  tailgate::IoLoop loop_;
  tailgate::RedisCounters counters_;
  std::unique_ptr<tailgate::RedisLink> link_;
  std::unique_ptr<Load> load_;
  std::vector<std::unique_ptr<boost::asio::steady_timer>> waits_;
  tailgate::Ask<tailgate::RedisAnswer> info_;
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

// The number behind `name` in what INFO has said; 0: it is not there.
double number_behind(const std::string& info, const std::string& name) {
  const std::size_t at = info.find(name);
  return at == info.npos ? 0 : std::strtod(info.c_str() + at + name.size(), nullptr);
}

// What Redis has done so far.
struct RedisUse {
  double cpu_seconds = 0;
  double scripts = 0;
  double script_us = 0;
  double commands = 0;  // those that scripts call too

  static RedisUse of(Asker& asker) {
    const std::string cpu = asker.info("cpu");
    const std::string scripts = asker.info("commandstats");
    const std::size_t evalsha = std::min(scripts.find("cmdstat_evalsha:"), scripts.size());
    return {number_behind(cpu, "used_cpu_sys:") + number_behind(cpu, "used_cpu_user:"),
            number_behind(scripts.substr(evalsha), "calls="), number_behind(scripts.substr(evalsha), "usec="),
            number_behind(asker.info("stats"), "total_commands_processed:")};
  }
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"asks a Redis of its own: what is there under bench: is overwritten"};
  app.add_option("--redis", options.redis);
  app.add_option("--kind", options.kind)->check(CLI::IsMember({"cursors", "limits"}));
  app.add_option("--names", options.names, "cursors, or callers");
  app.add_option("--threads", options.threads);
  app.add_option("--window", options.window, "questions under way at a time, of each thread");
  app.add_option("--seconds", options.seconds, "measured, behind two seconds that are not");
  app.add_option("--rate", options.rate, "questions a second, of each thread; 0: as many as come back");
  CLI11_PARSE(app, argc, argv);
  auto url = tailgate::parse_redis_url(options.redis);
  if (!url) return std::fprintf(stderr, "--redis: %s\n", url.error().detail.c_str()), 2;
  const auto setup = tailgate::RedisSetup::load(std::move(*url));
  if (!setup) return std::fprintf(stderr, "%s\n", setup.error().detail.c_str()), 2;

  std::vector<std::unique_ptr<Asker>> askers;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < options.threads; ++i) askers.push_back(std::make_unique<Asker>(options, **setup, i));
  for (const auto& asker : askers) threads.emplace_back([&asker] { asker->run(); });
  std::this_thread::sleep_for(std::chrono::seconds{2});
  const double cpu_before = cpu_seconds();
  const RedisUse before = RedisUse::of(*askers.front());
  const auto began = SteadyClock::now();
  for (const auto& asker : askers) asker->measure(true);
  std::this_thread::sleep_for(std::chrono::seconds{options.seconds});
  for (const auto& asker : askers) asker->measure(false);
  const RedisUse after = RedisUse::of(*askers.front());
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - began).count();
  const double cpu = cpu_seconds() - cpu_before;
  for (const auto& asker : askers) asker->stop();
  for (std::thread& thread : threads) thread.join();

  std::uint64_t answers = 0;
  std::uint64_t failures = 0;
  std::int64_t p50 = 0;
  std::int64_t p99 = 0;
  for (const auto& asker : askers) {
    answers += asker->latency().count();
    failures += asker->failures();
    p50 = std::max(p50, asker->latency().quantile(0.5));
    p99 = std::max(p99, asker->latency().quantile(0.99));
  }
  const double scripts = after.scripts - before.scripts;
  std::printf(
      R"({"answers_per_second":%.0f,"failures":%llu,"p50_us":%lld,"p99_us":%lld,"client_cpu_us":%.2f,)"
      R"("redis_cores":%.3f,"redis_scripts_per_second":%.0f,"redis_commands_per_second":%.0f,"redis_script_us":%.2f})"
      "\n",
      static_cast<double>(answers) / seconds, static_cast<unsigned long long>(failures),
      static_cast<long long>(p50 / 1000), static_cast<long long>(p99 / 1000),
      answers > 0 ? cpu * 1e6 / static_cast<double>(answers) : 0, (after.cpu_seconds - before.cpu_seconds) / seconds,
      scripts / seconds, (after.commands - before.commands) / seconds,
      scripts > 0 ? (after.script_us - before.script_us) / scripts : 0);
  return 0;
}
