#include "limits/token_leases.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "limits/memory_limits.h"
#include "limits/stream_slot.h"

namespace tailgate {
namespace {

class LimitTest : public testing::Test {
 protected:
  void run() {
    loop.context().restart();
    loop.context().poll();
  }
  void pass(std::int64_t ms) {
    clock.advance(ms);
    run();
  }

  ManualClock clock;
  IoLoop loop{clock, 0};
  LimitTable table{clock};
  MemoryLimits store{table, loop};
};

class TokenLeasesTest : public LimitTest {
 protected:
  // The store as if it had been away and come back.
  struct Returning final : LimitStore {
    explicit Returning(LimitStore& real_in) : real{real_in} {}
    Ask<TokenGrant> take(const std::string& bucket, const TokenRate& rate, std::int64_t wanted,
                         ThenTokens then) override {
      return real.take(bucket, rate, wanted, std::move(then));
    }
    Ask<bool> take_slot(const std::string& owner, const std::string& place, std::size_t slots_max,
                        ThenSlot then) override {
      return real.take_slot(owner, place, slots_max, std::move(then));
    }
    void leave_slot(const std::string& owner, const std::string& place) override { real.leave_slot(owner, place); }
    std::uint64_t returns() const override { return count; }
    LimitStore& real;
    std::uint64_t count = 0;
  };
  TokenVerdict ask(TokenLeases& leases, const std::string& caller) {
    TokenVerdict verdict;
    const auto asked = leases.take(caller, [&](TokenVerdict given) { verdict = given; });
    run();
    run();
    EXPECT_FALSE(asked.is_waiting());
    return verdict;
  }
  LimitCounters counters;
};

TEST_F(TokenLeasesTest, EachCallerHasTheBurstAndThenTheRate) {
  TokenLeases leases{store, loop, "r", {.per_second = 2, .burst = 4}, counters};
  for (const char* caller : {"a", "b"}) {
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(ask(leases, caller).is_admitted) << i;
    const TokenVerdict refused = ask(leases, caller);
    EXPECT_FALSE(refused.is_admitted);
    EXPECT_NEAR(static_cast<double>(refused.retry_ms), 500, 1);
  }
  pass(501);
  EXPECT_TRUE(ask(leases, "a").is_admitted);
  EXPECT_FALSE(ask(leases, "a").is_admitted);
  EXPECT_EQ(counters.admitted.get(), 9U);
  EXPECT_EQ(counters.refused.get(), 3U);
}

TEST_F(TokenLeasesTest, WhoWasRefusedCostsNoQuestionUntilThereIsATokenAgain) {
  TokenLeases leases{store, loop, "r", {.per_second = 1, .burst = 1}, counters};
  EXPECT_TRUE(ask(leases, "a").is_admitted);
  EXPECT_FALSE(ask(leases, "a").is_admitted);
  const auto asked = counters.asked.get();
  for (int i = 0; i < 9; ++i) {
    pass(100);
    EXPECT_FALSE(ask(leases, "a").is_admitted);
  }
  EXPECT_EQ(counters.asked.get(), asked);
  pass(200);
  EXPECT_TRUE(ask(leases, "a").is_admitted);
}

TEST_F(TokenLeasesTest, WhoWasRefusedIsAskedForOnceMoreWhenTheStoreIsBack) {
  Returning returning{store};
  TokenLeases leases{returning, loop, "r", {.per_second = 0.001, .burst = 1}, counters};
  EXPECT_TRUE(ask(leases, "a").is_admitted);
  EXPECT_FALSE(ask(leases, "a").is_admitted);
  const auto asked = counters.asked.get();
  ++returning.count;
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(ask(leases, "a").is_admitted);
  EXPECT_EQ(counters.asked.get(), asked + 1);
}

TEST_F(TokenLeasesTest, AHotCallerAsksSeldomAndIsAdmittedAtItsRate) {
  TokenLeases leases{store, loop, "r", {.per_second = 1'000, .burst = 2'000}, counters};
  for (int ms = 0; ms < 4'000; ++ms) {
    pass(1);
    ask(leases, "a");
    ask(leases, "a");
  }
  EXPECT_NEAR(static_cast<double>(counters.admitted.get()), 6'000, 200);
  EXPECT_LT(counters.asked.get(), 800U) << "of 8000 requests";
}

TEST_F(TokenLeasesTest, ALeaseThatIsNotUsedIsGone) {
  TokenLeases leases{store, loop, "r", {.per_second = 100, .burst = 100}, counters};
  for (int i = 0; i < 20; ++i) ask(leases, "a");
  pass(TokenLeases::kLeaseMs);
  EXPECT_FALSE(leases.try_take("a"));
}

TEST_F(TokenLeasesTest, ThoseWhoAskTogetherAskTheStoreOnce) {
  TokenLeases leases{store, loop, "r", {.per_second = 10, .burst = 5}, counters};
  int admitted = 0;
  int refused = 0;
  std::vector<Ask<TokenVerdict>> asked;
  for (int i = 0; i < 8; ++i) {
    asked.push_back(leases.take("a", [&](TokenVerdict verdict) { ++(verdict.is_admitted ? admitted : refused); }));
  }
  run();
  run();
  EXPECT_LE(counters.asked.get(), 2U);
  EXPECT_EQ(admitted, 5);
  EXPECT_EQ(refused, 3);
}

TEST_F(TokenLeasesTest, WhoGivesUpIsNotAnswered) {
  TokenLeases leases{store, loop, "r", {.per_second = 10, .burst = 5}, counters};
  leases.take("a", [](TokenVerdict) { FAIL(); }).cancel();
  run();
  run();
}

TEST_F(TokenLeasesTest, CallersWithoutEndAreForgottenInTurn) {
  TokenLeases leases{store, loop, "r", {.per_second = 10, .burst = 5}, counters};
  for (std::size_t i = 0; i < TokenLeases::kCallersMax + 1'000; ++i) ask(leases, std::to_string(i));
  EXPECT_EQ(leases.callers(), TokenLeases::kCallersMax);
  pass(1'000);
  ask(leases, "one");
  for (int i = 0; i < 3'000; ++i) ask(leases, "more" + std::to_string(i));
  EXPECT_LT(table.buckets(), 200'000U);
}

using StreamSlotsTest = LimitTest;

TEST_F(StreamSlotsTest, AreAsManyAsThereMayBeAndComeBack) {
  LimitCounters counters;
  StreamSlots slots{store, loop, "t", 2, counters};
  std::vector<std::unique_ptr<StreamSlots::Slot>> held;
  const auto take = [&](const std::string& owner) {
    bool is_taken = false;
    const auto asked = slots.take(owner, [&](std::unique_ptr<StreamSlots::Slot> slot) {
      is_taken = slot != nullptr;
      if (slot) held.push_back(std::move(slot));
    });
    run();
    return is_taken;
  };
  EXPECT_TRUE(take("a"));
  EXPECT_TRUE(take("a"));
  EXPECT_FALSE(take("a"));
  EXPECT_TRUE(take("b"));
  EXPECT_EQ(table.slots(), 3U);
  held.erase(held.begin());
  EXPECT_TRUE(take("a"));
  held.clear();
  EXPECT_EQ(table.slots(), 0U);
  EXPECT_EQ(counters.slots_refused.get(), 1U);
}

TEST_F(StreamSlotsTest, WhoGivesUpAskingLeavesHis) {
  LimitCounters counters;
  StreamSlots slots{store, loop, "t", 2, counters};
  slots.take("a", [](std::unique_ptr<StreamSlots::Slot>) { FAIL(); }).reset();
  run();
  EXPECT_EQ(table.slots(), 0U);
}

}  // namespace
}  // namespace tailgate
