#include "server/limit_threads.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <random>
#include <utility>

namespace tailgate {
namespace {

// What no other replica has, nor this one after a restart.
std::string make_replica_id() {
  std::random_device random;
  const std::uint64_t number = std::uint64_t{random()} << 32 | random();
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(number));
  return text.data();
}

}  // namespace

LimitThreads::LimitThreads(const LimitOptions& options, const Clock& clock, IoThreads& threads, RedisLinks* redis,
                           const std::string& redis_prefix)
    : table_{clock} {
  const std::string replica_id = make_replica_id();
  if (redis != nullptr) {
    replicas_ =
        std::make_unique<ReplicaCount>(redis->link(0), threads.loop(0), redis_prefix, replica_id, options.replicas);
  }
  for (std::size_t i = 0; i < threads.size(); ++i) {
    auto thread = std::make_unique<Thread>();
    Loop& loop = threads.loop(i);
    if (redis != nullptr) {
      thread->store =
          std::make_unique<RedisLimits>(redis->link(i), loop, redis_prefix, table_, *replicas_, thread->counters);
    } else {
      thread->store = std::make_unique<MemoryLimits>(table_, loop);
    }
    LimitStore& store = *thread->store;
    if (options.requests.per_second > 0) {
      thread->requests.emplace(store, loop, "requests:", options.requests, thread->counters);
    }
    const std::string thread_id = replica_id + '-' + std::to_string(i);
    if (options.streams > 0) thread->slots.emplace(store, loop, thread_id, options.streams, thread->counters);
    if (options.pace.is_limited()) thread->paces.emplace(store, loop, options.pace, thread->counters);
    threads_.push_back(std::move(thread));
  }
}

std::vector<CallerLimits> LimitThreads::limits() {
  const auto address_of = [](auto& limit) { return limit ? &*limit : nullptr; };
  std::vector<CallerLimits> limits;
  for (const auto& thread : threads_) {
    limits.push_back({address_of(thread->requests), address_of(thread->slots), address_of(thread->paces)});
  }
  return limits;
}

std::vector<const LimitCounters*> LimitThreads::counters() const {
  std::vector<const LimitCounters*> counters;
  for (const auto& thread : threads_) counters.push_back(&thread->counters);
  return counters;
}

}  // namespace tailgate
