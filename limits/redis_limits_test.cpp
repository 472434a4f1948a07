#include "limits/redis_limits.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "limits/limit_scripts.h"
#include "limits/token_leases.h"

namespace tailgate {
namespace {

RedisReply integer(std::int64_t value) { return {RedisReply::Kind::integer, value, {}, {}}; }

// A Redis that answers when the test says so, in order.
class SlowLink final : public RedisLink {
 public:
  explicit SlowLink(Loop& loop) : loop_{loop} {}
  Ask<RedisAnswer> run(RedisCall call, std::function<void(RedisAnswer)> then) override {
    auto [ask, reply] = make_ask<RedisAnswer>(loop_, std::move(then));
    asked.push_back({call.script.sha(), std::move(call.arguments), reply});
    return std::move(ask);
  }
  RedisState state() const override { return RedisState::up; }

  struct Asked {
    std::string sha;
    std::vector<std::string> arguments;
    Reply<RedisAnswer> reply;
  };
  std::deque<Asked> asked;

 private:
  Loop& loop_;
};

class RedisLimitsTest : public testing::Test {
 protected:
  RedisLimitsTest() { run(); }
  void run() {
    loop.timers().run_due();
    loop.context().restart();
    loop.context().poll();
  }
  void pass(std::int64_t ms) {
    clock.advance(ms);
    run();
  }
  // What was asked longest ago.
  SlowLink::Asked next() {
    EXPECT_FALSE(link.asked.empty());
    SlowLink::Asked first = std::move(link.asked.front());
    link.asked.pop_front();
    return first;
  }
  void answer(const SlowLink::Asked& asked, RedisReply reply) {
    asked.reply(std::move(reply));
    run();
  }

  ManualClock clock;
  IoLoop loop{clock, 0};
  SlowLink link{loop};
  LimitTable table{clock};
  LimitCounters counters;
  ReplicaCount replicas{link, loop, "t", "id", 1};
  RedisLimits store{link, loop, "t", table, replicas, counters};
};

// A renewal writes down what it names, whatever the limit says.
TEST_F(RedisLimitsTest, ASlotThatIsStillAskedForIsNotRenewedIntoBeing) {
  std::optional<bool> first;
  std::optional<bool> second;
  const auto ask = store.take_slot("o", "held", 2, [&](bool is_taken) { first = is_taken; });
  answer(next(), integer(1));
  ASSERT_EQ(first, true);
  clock.advance(kSlotLeaseMs / 3);
  const auto late = store.take_slot("o", "asked", 2, [&](bool is_taken) { second = is_taken; });
  const SlowLink::Asked question = next();
  run();  // the renewal is due before Redis has answered

  const SlowLink::Asked renewal = next();
  EXPECT_EQ(renewal.sha, limit_scripts().renew_slots.sha());
  EXPECT_EQ(renewal.arguments, (std::vector<std::string>{std::to_string(kSlotLeaseMs), "held"}));

  answer(question, integer(0));
  EXPECT_EQ(second, false);
}

// Somebody asks for a token.
class RedisTokensTest : public RedisLimitsTest {
 protected:
  static constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  TokenLeases leases{store, loop, "requests:", TokenRate{.per_second = 10, .burst = 5}, counters};
  std::optional<TokenVerdict> verdict;
  Ask<TokenVerdict> ask = leases.take("a", [this](const TokenVerdict& said) { verdict = said; });
};

TEST_F(RedisTokensTest, AnAnswerThatNoScriptOfOursGivesLocksNobodyOut) {
  RedisReply reply{RedisReply::Kind::array, 0, {}, {integer(0), integer(0), integer(kMost)}};
  answer(next(), std::move(reply));
  run();
  ASSERT_TRUE(verdict);
  EXPECT_FALSE(verdict->is_admitted);
  EXPECT_LE(verdict->retry_ms, 1'100);
}

TEST_F(RedisTokensTest, WhoWasGivenLessThanIsLeftByWhatRedisSaysIsRefusedAndDoesNotAskForEver) {
  for (int i = 0; i < 10 && !link.asked.empty(); ++i) {
    answer(next(), {RedisReply::Kind::array, 0, {}, {integer(0), integer(kMost), integer(0)}});
    run();
  }
  ASSERT_TRUE(verdict);
  EXPECT_FALSE(verdict->is_admitted);
}

}  // namespace
}  // namespace tailgate
