// What limits count, in memory and in a real Redis: the same tests; and what only a Redis can do to them.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "tests/integration/limit_replica.h"
#include "tests/support/redis_server.h"

namespace tailgate::test {
namespace {

using namespace std::chrono_literals;

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
  LimitReplica a{redis.url(), "a"};
  LimitReplica b{redis.url(), "b"};
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
  LimitReplica a{redis.url(), "a"};
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
  LimitReplica a{redis.url(), "a"};
  a.take("k", kSlow);
  a.take_slot("o", "p", 1);
  EXPECT_GT(std::stoll(redis.command({"pttl", "t:rate:{k}"})), 0);
  EXPECT_LE(std::stoll(redis.command({"pttl", "t:rate:{k}"})), 3'000);
  EXPECT_GT(std::stoll(redis.command({"pttl", "t:slots:{o}"})), kSlotLeaseMs);
}

TEST(LimitsInRedis, SlotsAreSharedAndComeBack) {
  RedisServer redis;
  LimitReplica a{redis.url(), "a"};
  LimitReplica b{redis.url(), "b"};
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
  LimitReplica a{redis.url(), "a"};
  {
    LimitReplica b{redis.url(), "b"};
    EXPECT_TRUE(b.take_slot("o", "b1", 1));
    b.die();
  }
  EXPECT_FALSE(a.take_slot("o", "a1", 1));
  EXPECT_TRUE(eventually([&] { return a.take_slot("o", "a1", 1); }, in(std::chrono::milliseconds{kSlotLeaseMs} + 5s)));
}

TEST(LimitsInRedis, SlotsThatAreHeldLiveLongerThanTheirLease) {
  RedisServer redis;
  LimitReplica a{redis.url(), "a"};
  EXPECT_TRUE(a.take_slot("o", "a1", 1));
  const auto first = std::stoll(redis.command({"zscore", "t:slots:{o}", "a1"}));
  EXPECT_TRUE(eventually([&] { return std::stoll(redis.command({"zscore", "t:slots:{o}", "a1"})) > first; }));
}

TEST(LimitsInRedis, ARedisThatComesBackEmptyHearsOfTheSlotsAgain) {
  RedisServer redis;
  LimitReplica a{redis.url(), "a"};
  LimitReplica b{redis.url(), "b"};
  EXPECT_TRUE(a.take_slot("o", "a1", 1));
  redis.kill_hard();
  redis.start();
  EXPECT_TRUE(eventually([&] { return a.is_up() && b.is_up(); }));
  EXPECT_TRUE(eventually([&] { return redis.command({"zcard", "t:slots:{o}"}).starts_with("1"); }));
  EXPECT_FALSE(b.take_slot("o", "b1", 1));
}

TEST(LimitsInRedis, WithoutRedisEachReplicaHasItsShare) {
  RedisServer redis;
  LimitReplica a{redis.url(), "a"};
  LimitReplica b{redis.url(), "b"};
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
  LimitReplica a{redis.url(), "a"};
  LimitReplica b{redis.url(), "b"};
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
  LimitReplica a{redis.url(), "a"};
  EXPECT_EQ(a.take("requests:o", kSlow, 6).granted, 6);
  const double before = scripts_run(redis);
  EXPECT_EQ(a.refused_of_many("o", kSlow, 500), 500);
  EXPECT_LE(scripts_run(redis) - before, 10) << "one question, and again where all this took seconds";
}

// Nothing is given twice: not by the share and then by a Redis that has heard nothing of it.
TEST(LimitsInRedis, WhatWasGivenWithoutRedisCountsOnceItIsBack) {
  RedisServer redis;
  LimitReplica a{redis.url(), "a"};
  LimitReplica b{redis.url(), "b"};
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

TEST(LimitsInRedis, WhoWasRefusedByTheShareIsAskedForAgainOnceRedisIsBack) {
  RedisServer redis;
  LimitReplica b{redis.url(), "b"};
  LimitReplica a{redis.url(), "a"};
  ASSERT_TRUE(eventually([&] { return a.replicas() == 2; }));
  constexpr TokenRate kHourly{.per_second = 1.0 / 3600, .burst = 20};
  redis.kill_hard();
  EXPECT_EQ(a.refused_of_many("o", kHourly, 15), 5) << "its share is ten";
  redis.start();
  EXPECT_TRUE(eventually([&] { return a.refused_of_many("o", kHourly, 1) == 0; }));
  EXPECT_EQ(a.refused_of_many("o", kHourly, 15), 6) << "twenty in all";
}

// Whatever lies there, and however far a clock was set back: a token comes when the limit says, and not never.
TEST(LimitsInRedis, ATimeThatIsTooFarAwayLocksNobodyOut) {
  RedisServer redis;
  LimitReplica a{redis.url(), "a"};
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
  LimitReplica a{redis.url(), "a"};
  EXPECT_TRUE(a.take_slot("old", "a1", 1));
  EXPECT_FALSE(a.take_slot("o", "a1", 2)) << "from now on they are leases like others";
  EXPECT_TRUE(eventually([&] { return a.take_slot("o", "a1", 2); }, in(std::chrono::milliseconds{kSlotLeaseMs} + 15s)));
  EXPECT_TRUE(eventually([&] { return a.replicas() == 1; }));
}

TEST(LimitsInRedis, WhatIsHugeIsThrownAwayToo) {
  RedisServer redis;
  LimitReplica a{redis.url(), "a"};
  redis.command({"eval", "redis.call('SET', KEYS[1], string.rep('9', 5000000))", "1", "t:rate:{k}"});
  EXPECT_TRUE(eventually([&] { return a.take("k", {.per_second = 10, .burst = 3}).granted == 1; }));
  EXPECT_TRUE(eventually([&] { return redis.command({"strlen", "t:rate:{k}"}).size() <= 3; }));
}

TEST(LimitsInRedis, RubbishIsThrownAway) {
  RedisServer redis;
  LimitReplica a{redis.url(), "a"};
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

// docs/operations.md names these.
TEST(LimitsInRedis, NeedNoMoreRightsThanTheManualAsksFor) {
  std::ifstream file{TAILGATE_SOURCE_DIR "/docs/operations.md"};
  const std::string manual{std::istreambuf_iterator<char>{file}, {}};
  const std::string begin = "The user needs `";
  const std::size_t at = manual.find(begin);
  ASSERT_NE(at, manual.npos);
  std::istringstream rights{manual.substr(at + begin.size(), manual.find('`', at + begin.size()) - at - begin.size())};
  RedisServer redis;
  std::vector<std::string> words{"ACL", "SETUSER", "app", "on", ">pw", "~t:*"};
  for (std::string right; rights >> right;) words.push_back(right);
  EXPECT_EQ(redis.command(words), "OK\n");
  LimitReplica a{"redis://app:pw@127.0.0.1:" + std::to_string(redis.port()), "a"};
  EXPECT_EQ(a.take("k", kSlow, 4).granted, 4);
  EXPECT_TRUE(a.take_slot("o", "a1", 1));
  EXPECT_FALSE(a.take_slot("o", "a2", 1));
  a.leave_slot("o", "a1");
  EXPECT_TRUE(eventually([&] { return a.take_slot("o", "a2", 1); }));
  EXPECT_EQ(a.counters.without_redis.get(), 0U);
  EXPECT_EQ(redis.command({"ACL", "LOG"}), "\n");
}

TEST(LimitsInRedis, NamesCannotLeaveTheirPlace) {
  RedisServer redis;
  LimitReplica a{redis.url(), "a"};
  a.take("a}{b:*\r\n", kSlow);
  EXPECT_EQ(redis.command({"keys", "t:rate:*"}).substr(0, 30), "t:rate:{a%7D%7Bb%3A%2A%0D%0A}\n");
}

}  // namespace
}  // namespace tailgate::test
