#include "server/redis_links.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <utility>

namespace tailgate {
namespace {

// A replica of Redis confirms within a round trip; one that is slow or away should not break the connection.
constexpr int kConfirmMs = 1'000;

// A Redis that is just too slow goes away and comes back several times a second.
constexpr std::int64_t kLinesPerMinute = 60;
constexpr std::int64_t kLinesBurst = 10;

}  // namespace

RedisLinks::RedisLinks(bool has_confirming, const Clock& clock)
    : has_confirming_{has_confirming}, log_gate_{clock, kLinesPerMinute, kLinesBurst} {}

Result<std::unique_ptr<RedisLinks>> RedisLinks::open(const RedisOptions& options, bool has_confirming,
                                                     IoThreads& threads) {
  std::unique_ptr<RedisLinks> links{new RedisLinks{has_confirming, threads.loop(0).timers().clock()}};
  auto setup = RedisSetup::load(options);
  if (!setup) return setup.error();
  links->setup_ = std::move(*setup);
  links->links_ = links->open_all(*links->setup_, threads);
  if (!has_confirming) return links;
  RedisOptions patient = options;
  patient.deadline_ms = kConfirmMs;
  auto confirming = RedisSetup::load(std::move(patient));
  if (!confirming) return confirming.error();
  links->confirming_setup_ = std::move(*confirming);
  links->confirming_ = links->open_all(*links->confirming_setup_, threads);
  return links;
}

// All threads see the same Redis: the first one's log is enough.
std::vector<RedisLinks::Thread> RedisLinks::open_all(const RedisSetup& setup, IoThreads& threads) {
  std::vector<Thread> all(threads.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].counters = std::make_unique<RedisCounters>();
    all[i].link = setup.open(threads.loop(i), *all[i].counters, [this, i](ReportLevel level, const std::string& line) {
      if (i != 0) return;
      const auto kept_back = log_gate_.admit();
      if (!kept_back) return;
      spdlog::log(level == ReportLevel::info ? spdlog::level::info : spdlog::level::warn, "{}{}", line,
                  *kept_back > 0 ? " (" + std::to_string(*kept_back) + " such lines before)" : "");
    });
  }
  return all;
}

std::string_view RedisLinks::state() const {
  const auto is_up = [](const Thread& thread) { return thread.link->state() == RedisState::up; };
  return std::all_of(links_.begin(), links_.end(), is_up) && std::all_of(confirming_.begin(), confirming_.end(), is_up)
             ? "up"
             : "away";
}

std::vector<const RedisCounters*> RedisLinks::counters() const {
  std::vector<const RedisCounters*> all;
  for (const Thread& thread : links_) all.push_back(thread.counters.get());
  for (const Thread& thread : confirming_) all.push_back(thread.counters.get());
  return all;
}

}  // namespace tailgate
