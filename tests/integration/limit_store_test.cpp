// What limits count, in memory and in a real Redis: the same tests; and what only a Redis can do to them.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "limits/memory_limits.h"
#include "limits/redis_limits.h"
#include "limits/stream_slot.h"
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
  // How many of so many requests one after the other.
  int refused_of_many(const std::string& caller, const TokenRate& rate, int requests) {
    std::unique_ptr<TokenLeases> leases;
    Ask<TokenVerdict> ask;
    int refused = 0;
    for (int i = 0; i < requests; ++i) {
      std::promise<bool> answer;
      caller_.thread().on_loop([&] {
        if (!leases)
          leases = std::make_unique<TokenLeases>(*store_, caller_.thread().loop(), "requests:", rate, counters);
        ask = leases->take(caller, [&](const TokenVerdict& verdict) { answer.set_value(verdict.is_admitted); });
      });
      if (!answer.get_future().get()) ++refused;
    }
    caller_.thread().on_loop([&] {
      ask = {};
      leases.reset();
    });
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
};

// How many scripts it has run, of whomever.
double scripts_run(const RedisServer& redis) {
  const std::string stats = redis.command({"info", "commandstats"});
  double calls = 0;
  for (const auto* name : {"cmdstat_eval:calls=", "cmdstat_evalsha:calls="}) {
    const std::size_t at = stats.find(name);
    if (at != stats.npos) calls += std::stod(stats.substr(at + std::string_view{name}.size()));
  }
  return calls;
}

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

// R5. Besides, replicas renew what they hold and say that they are there: some calls every five seconds.
TEST(LimitsInRedis, WhoIsRefusedASlotCostsOneQuestionAndThenNoneForAWhile) {
  RedisServer redis;
  Replica a{redis.url(), "a"};
  Replica b{redis.url(), "b"};
  ASSERT_TRUE(a.take_slot("o", "a1", 1));
  ASSERT_FALSE(b.take_slot("o", "b0", 1)) << "the script is known from now on";
  const double before = scripts_run(redis);
  constexpr int kQuestions = 20;
  for (int i = 0; i < kQuestions; ++i) EXPECT_FALSE(b.take_slot("o", "b" + std::to_string(i), 1));
  const double each = scripts_run(redis) - before;
  EXPECT_GE(each, kQuestions);
  EXPECT_LT(each, 1.5 * kQuestions);

  const auto began = Clock::now();
  const double before_streams = scripts_run(redis);
  constexpr int kStreams = 500;
  for (int i = 0; i < kStreams; ++i) EXPECT_FALSE(b.try_stream("o", 1));
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  EXPECT_LE(scripts_run(redis) - before_streams, 10 + 3 * seconds);
  EXPECT_EQ(b.counters.slots_refused.get(), static_cast<std::uint64_t>(kStreams));
}

TEST(LimitsInRedis, WhoIsRefusedARequestCostsNoQuestionUntilThereIsATokenAgain) {
  RedisServer redis;
  Replica a{redis.url(), "a"};
  EXPECT_EQ(a.take("requests:o", kSlow, 6).granted, 6);
  const double before = scripts_run(redis);
  EXPECT_EQ(a.refused_of_many("o", kSlow, 500), 500);
  EXPECT_LE(scripts_run(redis) - before, 10) << "one question, and again where all this took seconds";
}

// Nothing is given twice: not by the share and then by a Redis that has heard nothing of it.
TEST(LimitsInRedis, WhatWasGivenWithoutRedisCountsOnceItIsBack) {
  RedisServer redis;
  Replica a{redis.url(), "a"};
  Replica b{redis.url(), "b"};
  ASSERT_TRUE(eventually([&] { return a.replicas() == 2 && b.replicas() == 2; }));
  constexpr TokenRate kHourly{.per_second = 1.0 / 3600, .burst = 20};
  redis.kill_hard();
  std::int64_t granted = a.take("k", kHourly, 20).granted + b.take("k", kHourly, 20).granted;
  EXPECT_EQ(granted, 20) << "each has half";
  redis.start();
  ASSERT_TRUE(eventually([&] { return a.is_up() && b.is_up(); }));
  const auto answered = a.counters.without_redis.get() + b.counters.without_redis.get();
  granted += a.take("k", kHourly, 4).granted;
  granted += b.take("k", kHourly, 20).granted;
  granted += a.take("k", kHourly, 20).granted;
  EXPECT_EQ(a.counters.without_redis.get() + b.counters.without_redis.get(), answered) << "Redis has answered";
  EXPECT_EQ(granted, 24) << "the first asked before the other had told what it has given";
}

// Whatever lies there, and however far a clock was set back: a token comes when the limit says, and not never.
TEST(LimitsInRedis, ATimeThatIsTooFarAwayLocksNobodyOut) {
  RedisServer redis;
  Replica a{redis.url(), "a"};
  constexpr TokenRate kRate{.per_second = 10, .burst = 3};
  for (const auto* far : {"99999999999999999999999", "1e300", "inf", "0x7fffffffffffffff"}) {
    redis.command({"set", "t:rate:{k}", far});
    EXPECT_EQ(a.take("k", kRate).granted, 0) << far;
    EXPECT_TRUE(eventually([&] { return a.take("k", kRate).granted == 1; })) << far;
  }
}

TEST(LimitsInRedis, SlotsAndReplicasThatNobodyHoldsAreForgotten) {
  RedisServer redis;
  const auto fill = [&redis](const std::string& key, const std::string& score) {
    redis.command(
        {"eval", "for i = 1, 500 do redis.call('ZADD', KEYS[1], ARGV[1], '\\0\\255' .. i) end", "1", key, score});
  };
  fill("t:{replicas}", "inf");
  fill("t:slots:{o}", "1e300");
  fill("t:slots:{old}", "-inf");
  Replica a{redis.url(), "a"};
  EXPECT_TRUE(a.take_slot("old", "a1", 1));
  EXPECT_FALSE(a.take_slot("o", "a1", 2)) << "from now on they are leases like others";
  EXPECT_TRUE(eventually([&] { return a.take_slot("o", "a1", 2); }, in(std::chrono::milliseconds{kSlotLeaseMs} + 15s)));
  EXPECT_TRUE(eventually([&] { return a.replicas() == 1; }));
}

TEST(LimitsInRedis, WhatIsHugeIsThrownAwayToo) {
  RedisServer redis;
  Replica a{redis.url(), "a"};
  redis.command({"eval", "redis.call('SET', KEYS[1], string.rep('9', 5000000))", "1", "t:rate:{k}"});
  EXPECT_TRUE(eventually([&] { return a.take("k", {.per_second = 10, .burst = 3}).granted == 1; }));
  EXPECT_TRUE(eventually([&] { return redis.command({"strlen", "t:rate:{k}"}).size() <= 3; }));
}

TEST(LimitsInRedis, RubbishIsThrownAway) {
  RedisServer redis;
  Replica a{redis.url(), "a"};
  redis.command({"lpush", "t:rate:{list}", "x"});
  redis.command({"set", "t:rate:{text}", "no number"});
  redis.command({"set", "t:rate:{nan}", "nan"});
  redis.command({"set", "t:rate:{negative}", "-1"});
  redis.command({"set", "t:rate:{least}", "-inf"});
  redis.command({"set", "t:rate:{binary}", "\xff\xfe\x01\r\n"});
  redis.command({"hset", "t:rate:{hash}", "a", "1"});
  redis.command({"set", "t:rate:{far}", "99999999999999999999999"});
  redis.command({"set", "t:slots:{o}", "x"});
  for (const auto* key : {"list", "text", "nan", "negative", "least", "binary", "hash"}) {
    EXPECT_EQ(a.take(key, kSlow, 2).granted, 2) << key;
  }
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
