// A replica's limits in a Redis, asked from the test's thread as if it answered at once.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "limits/memory_limits.h"
#include "limits/redis_limits.h"
#include "limits/replica_count.h"
#include "limits/stream_slot.h"
#include "limits/token_leases.h"
#include "tests/integration/redis_caller.h"

namespace tailgate::test {

// One replica as the store sees it.
class LimitReplica {
 public:
  LimitReplica(const std::string& url, const std::string& id) : LimitReplica{RedisCaller::options_of(url), id} {}
  LimitReplica(RedisOptions redis, const std::string& id) : caller_{std::move(redis)}, table_{clock_} {
    EXPECT_TRUE(caller_.is_up_soon());
    caller_.thread().on_loop([&] {
      count_ = std::make_unique<ReplicaCount>(caller_.link(), caller_.thread().loop(), "t", id, 0);
      store_ = std::make_unique<RedisLimits>(caller_.link(), caller_.thread().loop(), "t", table_, *count_, counters);
    });
  }
  ~LimitReplica() { caller_.thread().stop(); }

  TokenGrant take(const std::string& bucket, const TokenRate& rate, std::int64_t wanted = 1) {
    std::promise<TokenGrant> answer;
    caller_.thread().on_loop([&] {
      tokens_ = store_->take(bucket, rate, wanted, [&](const TokenGrant& grant) { answer.set_value(grant); });
    });
    return answer.get_future().get();
  }
  bool take_slot(const std::string& owner, const std::string& place, std::size_t slots_max) {
    std::promise<bool> answer;
    caller_.thread().on_loop([&] {
      slot_ = store_->take_slot(owner, place, slots_max, [&](bool is_taken) { answer.set_value(is_taken); });
    });
    return answer.get_future().get();
  }
  // Asked for as a request does; true: there was one, which is left at once.
  bool try_stream(const std::string& owner, std::size_t slots_max) {
    std::promise<bool> answer;
    caller_.thread().on_loop([&] {
      if (!streams_) {
        streams_ = std::make_unique<StreamSlots>(*store_, caller_.thread().loop(), "thread", slots_max, counters);
      }
      stream_ =
          streams_->take(owner, [&](std::unique_ptr<StreamSlots::Slot> slot) { answer.set_value(slot != nullptr); });
    });
    return answer.get_future().get();
  }
  // How many of so many requests one after the other. `rate` is the same each time.
  int refused_of_many(const std::string& caller, const TokenRate& rate, int requests) {
    int refused = 0;
    for (int i = 0; i < requests; ++i) {
      std::promise<bool> answer;
      caller_.thread().on_loop([&] {
        if (!leases_)
          leases_ = std::make_unique<TokenLeases>(*store_, caller_.thread().loop(), "requests:", rate, counters);
        verdict_ = leases_->take(caller, [&](const TokenVerdict& verdict) { answer.set_value(verdict.is_admitted); });
      });
      if (!answer.get_future().get()) ++refused;
    }
    return refused;
  }
  void leave_slot(const std::string& owner, const std::string& place) {
    caller_.thread().on_loop([&] { store_->leave_slot(owner, place); });
  }
  // Without a word to Redis, as if it had been killed.
  void die() { caller_.thread().stop(); }
  std::size_t replicas() const { return count_->count(); }
  bool is_up() { return caller_.link().state() == RedisState::up; }
  std::size_t slots() const { return table_.slots(); }

  LimitCounters counters;

 private:
  SystemClock clock_;
  Ask<TokenGrant> tokens_;
  Ask<bool> slot_;
  RedisCaller caller_;
  LimitTable table_;
  std::unique_ptr<ReplicaCount> count_;
  std::unique_ptr<RedisLimits> store_;
  std::unique_ptr<StreamSlots> streams_;
  std::unique_ptr<Watch> stream_;
  std::unique_ptr<TokenLeases> leases_;
  Ask<TokenVerdict> verdict_;
};

}  // namespace tailgate::test
