// What limits count, in memory and in a real Redis: the same tests; and what only a Redis can do to them.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "limits/memory_limits.h"
#include "limits/redis_limits.h"
#include "limits/token_leases.h"
#include "tests/integration/redis_caller.h"
#include "tests/support/redis_server.h"

namespace tailgate::test {
namespace {

using namespace std::chrono_literals;

// One replica as the store sees it.
class Replica {
 public:
  Replica(const std::string& redis, const std::string& id) : caller_{redis}, table_{clock_} {
    EXPECT_TRUE(caller_.is_up_soon());
    caller_.thread().on_loop([&] {
      count_ = std::make_unique<ReplicaCount>(caller_.link(), caller_.thread().loop(), "t", id, 0);
      store_ = std::make_unique<RedisLimits>(caller_.link(), caller_.thread().loop(), "t", table_, *count_, counters);
    });
  }
  ~Replica() { caller_.thread().stop(); }

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
};

constexpr TokenRate kSlow{.per_second = 0.5, .burst = 6};

TEST(LimitsInRedis, ReplicasShareABucket) {
  RedisServer redis;
  Replica a{redis.url(), "a"};
  Replica b{redis.url(), "b"};
  EXPECT_EQ(a.take("k", kSlow, 4).granted, 4);
  const auto rest = b.take("k", kSlow, 4);
  EXPECT_EQ(rest.granted, 2);
  EXPECT_EQ(rest.left, 0);
  EXPECT_GT(rest.retry_us, 1'500'000);
  EXPECT_LE(rest.retry_us, 2'000'001);
  EXPECT_EQ(a.take("k", kSlow).granted, 0);
  EXPECT_EQ(a.take("other", kSlow).granted, 1);
  EXPECT_EQ(a.counters.without_redis.get() + b.counters.without_redis.get(), 0U);
}

TEST(LimitsInRedis, ABucketFillsAtItsRateOnRedisClock) {
  RedisServer redis;
  Replica a{redis.url(), "a"};
  constexpr TokenRate kFast{.per_second = 200, .burst = 10};
  const auto start = Clock::now();
  std::int64_t granted = 0;
  while (Clock::now() < start + 2s) granted += a.take("k", kFast).granted;
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  EXPECT_LE(static_cast<double>(granted), 200 * seconds + 11);
  EXPECT_GE(static_cast<double>(granted), 200 * 2 * 0.5) << "a machine this slow says nothing";
}

TEST(LimitsInRedis, BucketsAndSlotsAreForgotten) {
  RedisServer redis;
  Replica a{redis.url(), "a"};
  a.take("k", kSlow);
  a.take_slot("o", "p", 1);
  EXPECT_GT(std::stoll(redis.command({"pttl", "t:rate:{k}"})), 0);
  EXPECT_LE(std::stoll(redis.command({"pttl", "t:rate:{k}"})), 3'000);
  EXPECT_GT(std::stoll(redis.command({"pttl", "t:slots:{o}"})), kSlotLeaseMs);
}

TEST(LimitsInRedis, SlotsAreSharedAndComeBack) {
  RedisServer redis;
  Replica a{redis.url(), "a"};
  Replica b{redis.url(), "b"};
  EXPECT_TRUE(a.take_slot("o", "a1", 3));
  EXPECT_TRUE(b.take_slot("o", "b1", 3));
  EXPECT_TRUE(b.take_slot("o", "b2", 3));
  EXPECT_FALSE(a.take_slot("o", "a2", 3));
  EXPECT_TRUE(a.take_slot("another", "a3", 3));
  b.leave_slot("o", "b1");
  EXPECT_TRUE(eventually([&] { return redis.command({"zcard", "t:slots:{o}"}).starts_with("2"); }));
  EXPECT_TRUE(a.take_slot("o", "a2", 3));
  EXPECT_EQ(a.slots(), 3U);
  EXPECT_EQ(b.slots(), 1U);
}

TEST(LimitsInRedis, SlotsOfAReplicaThatDiedAreFreeWithinTheLease) {
  RedisServer redis;
  Replica a{redis.url(), "a"};
  {
    Replica b{redis.url(), "b"};
    EXPECT_TRUE(b.take_slot("o", "b1", 1));
    b.die();
  }
  EXPECT_FALSE(a.take_slot("o", "a1", 1));
  EXPECT_TRUE(eventually([&] { return a.take_slot("o", "a1", 1); }, in(std::chrono::milliseconds{kSlotLeaseMs} + 5s)));
}

TEST(LimitsInRedis, SlotsThatAreHeldLiveLongerThanTheirLease) {
  RedisServer redis;
  Replica a{redis.url(), "a"};
  EXPECT_TRUE(a.take_slot("o", "a1", 1));
  const auto first = std::stoll(redis.command({"zscore", "t:slots:{o}", "a1"}));
  EXPECT_TRUE(eventually([&] { return std::stoll(redis.command({"zscore", "t:slots:{o}", "a1"})) > first; }));
}

TEST(LimitsInRedis, ARedisThatComesBackEmptyHearsOfTheSlotsAgain) {
  RedisServer redis;
  Replica a{redis.url(), "a"};
  Replica b{redis.url(), "b"};
  EXPECT_TRUE(a.take_slot("o", "a1", 1));
  redis.kill_hard();
  redis.start();
  EXPECT_TRUE(eventually([&] { return a.is_up() && b.is_up(); }));
  EXPECT_TRUE(eventually([&] { return redis.command({"zcard", "t:slots:{o}"}).starts_with("1"); }));
  EXPECT_FALSE(b.take_slot("o", "b1", 1));
}

TEST(LimitsInRedis, WithoutRedisEachReplicaHasItsShare) {
  RedisServer redis;
  Replica a{redis.url(), "a"};
  Replica b{redis.url(), "b"};
  ASSERT_TRUE(eventually([&] { return a.replicas() == 2 && b.replicas() == 2; }));
  for (const bool is_paused : {true, false}) {
    const std::string name = is_paused ? "paused" : "killed";
    if (is_paused) {
      redis.pause();
    } else {
      redis.kill_hard();
    }
    EXPECT_EQ(a.take(name, kSlow, 6).granted, 3) << name;
    EXPECT_EQ(b.take(name, kSlow, 6).granted, 3) << name;
    EXPECT_TRUE(a.take_slot(name, name + "1", 4));
    EXPECT_TRUE(a.take_slot(name, name + "2", 4));
    EXPECT_FALSE(a.take_slot(name, name + "3", 4));
    EXPECT_GT(a.counters.without_redis.get(), 0U);
    if (!is_paused) continue;
    redis.resume();
    ASSERT_TRUE(eventually([&] { return a.is_up() && b.is_up(); }));
  }
}

TEST(LimitsInRedis, RubbishIsThrownAway) {
  RedisServer redis;
  Replica a{redis.url(), "a"};
  redis.command({"lpush", "t:rate:{list}", "x"});
  redis.command({"set", "t:rate:{text}", "no number"});
  redis.command({"set", "t:rate:{nan}", "nan"});
  redis.command({"set", "t:rate:{far}", "99999999999999999999999"});
  redis.command({"set", "t:slots:{o}", "x"});
  for (const auto* key : {"list", "text", "nan"}) EXPECT_EQ(a.take(key, kSlow, 2).granted, 2) << key;
  EXPECT_LE(a.take("far", kSlow, 2).retry_us, 2'000'001) << "nobody is locked out for longer than a token takes";
  EXPECT_TRUE(a.take_slot("o", "a1", 1));
  EXPECT_FALSE(a.take_slot("o", "a2", 1));
  EXPECT_EQ(a.counters.without_redis.get(), 0U);
}

TEST(LimitsInRedis, NamesCannotLeaveTheirPlace) {
  RedisServer redis;
  Replica a{redis.url(), "a"};
  a.take("a}{b:*\r\n", kSlow);
  EXPECT_EQ(redis.command({"keys", "t:rate:*"}).substr(0, 30), "t:rate:{a%7D%7Bb%3A%2A%0D%0A}\n");
}

}  // namespace
}  // namespace tailgate::test
