// Both stores of cursors by the same tests.
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/cursor_replicas.h"
#include "tests/support/redis_server.h"

namespace tailgate::test {
namespace {

enum class Kind : bool { memory, redis };

class CursorStores : public testing::TestWithParam<Kind> {
 protected:
  std::unique_ptr<Replica> make(CursorOptions options = {}) {
    if (GetParam() == Kind::redis) {
      if (!redis_) redis_ = std::make_unique<RedisServer>();
      return std::make_unique<RedisReplica>(redis_->url(), options);
    }
    if (!table_) table_ = std::make_unique<MemoryCursorTable>(clock_, options);
    return std::make_unique<MemoryReplica>(*table_);
  }

  SystemClock clock_;
  std::unique_ptr<RedisServer> redis_;
  std::unique_ptr<MemoryCursorTable> table_;
};

TEST_P(CursorStores, AreEmptyUntilACursorIsMovedAndOnceItIsErased) {
  const auto store = make();
  EXPECT_EQ(text_of(store->read(key("a"))), "none");
  EXPECT_EQ(text_of(store->move(key("a"), orders({{0, 42}, {1, 17}}))), "orders=0:42,1:17 g1");
  EXPECT_EQ(text_of(store->read(key("a"))), "orders=0:42,1:17 g1");
  EXPECT_EQ(text_of(store->read(key("b"))), "none");
  EXPECT_EQ(text_of(store->erase(key("a"))), "none");
  EXPECT_EQ(text_of(store->read(key("a"))), "none");
  EXPECT_EQ(text_of(store->erase(key("a"))), "none");
}

TEST_P(CursorStores, MoveForwardOnlyInEachPartition) {
  const auto store = make();
  ASSERT_TRUE(store->move(key("a"), orders({{0, 42}, {1, 17}})));
  EXPECT_EQ(text_of(store->move(key("a"), orders({{0, 42}, {1, 17}}))), "orders=0:42,1:17 g1");
  EXPECT_EQ(text_of(store->move(key("a"), orders({{0, 41}, {1, 18}}))), "orders=0:42,1:18 g1");
  EXPECT_EQ(text_of(store->move(key("a"), orders({{0, kNothingPassed}}))), "orders=0:42,1:18 g1");
  EXPECT_EQ(text_of(store->move(key("a"), orders({{0, 100}}))), "orders=0:100,1:18 g1");
  EXPECT_EQ(text_of(store->move(key("a"), orders({{0, 99}}))), "orders=0:100,1:18 g1");
  CursorMove payments;
  payments.position["payments"] = {{7, kNothingPassed}};
  EXPECT_EQ(text_of(store->move(key("a"), payments)), "orders=0:100,1:18;payments=7:- g1");
  payments.position["payments"] = {{7, 0}};
  EXPECT_EQ(text_of(store->move(key("a"), payments)), "orders=0:100,1:18;payments=7:0 g1");
}

TEST_P(CursorStores, SayWhenTheyMoved) {
  const auto store = make();
  const auto first = store->move(key("a"), orders({{0, 1}}));
  ASSERT_TRUE(first && *first);
  EXPECT_GT((**first).updated_ms, 1'700'000'000'000);
  const auto same = store->move(key("a"), orders({{0, 1}}));
  ASSERT_TRUE(same && *same);
  EXPECT_EQ((**same).updated_ms, (**first).updated_ms);
}

TEST_P(CursorStores, KeepOffsetsExactlyUpToTheLastOne) {
  const auto store = make();
  constexpr Offset kLast = std::numeric_limits<Offset>::max();
  constexpr Offset kOdd = (Offset{1} << 53) + 1;
  ASSERT_TRUE(store->move(key("a"), orders({{0, kOdd}, {1, kLast - 1}})));
  ASSERT_TRUE(store->move(key("a"), orders({{0, kOdd - 1}, {1, kLast}})));
  const auto found = store->read(key("a"));
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((**found).position.at("orders"), (TopicPosition{{0, kOdd}, {1, kLast}}));
}

TEST_P(CursorStores, KeepHowManyPartitionsThereWereWhenATopicWasCoveredFirst) {
  const auto store = make();
  ASSERT_TRUE(store->move(key("a"), orders({{0, 1}}, 2)));
  const auto grown = store->move(key("a"), orders({{0, 2}}, 5));
  ASSERT_TRUE(grown && *grown);
  EXPECT_EQ((**grown).partitions, (std::map<std::string, std::int32_t>{{"orders", 2}}));
}

TEST_P(CursorStores, GoBackOnlyByAResetWhichFencesWhatWasMeantForTheTimeBefore) {
  const auto store = make();
  ASSERT_TRUE(store->move(key("a"), orders({{0, 42}, {1, 17}})));
  auto first = orders({{0, 50}});
  first.generation = 1;
  EXPECT_EQ(text_of(store->move(key("a"), first)), "orders=0:50,1:17 g1");
  auto back = orders({{0, 5}});
  back.is_reset = true;
  EXPECT_EQ(text_of(store->move(key("a"), back)), "orders=0:5,1:17 g2");
  EXPECT_EQ(text_of(store->move(key("a"), first)), "fenced");
  EXPECT_EQ(text_of(store->read(key("a"))), "orders=0:5,1:17 g2");
  auto second = orders({{0, 6}});
  second.generation = 2;
  EXPECT_EQ(text_of(store->move(key("a"), second)), "orders=0:6,1:17 g2");
  second.generation = 3;
  EXPECT_EQ(text_of(store->move(key("a"), second)), "fenced");
  EXPECT_EQ(text_of(store->move(key("unknown"), second)), "fenced");
  EXPECT_EQ(text_of(store->read(key("unknown"))), "none");
  EXPECT_EQ(text_of(store->move(key("new"), back)), "orders=0:5 g1");
}

TEST_P(CursorStores, HoldAsManyCursorsOfAPrincipalAsItMayHave) {
  const auto store = make({.ttl_ms = 3'600'000, .per_principal_max = 3});
  for (const std::string name : {"a", "b", "c"}) ASSERT_TRUE(store->move(key(name, "p"), orders({{0, 1}})));
  EXPECT_EQ(text_of(store->move(key("d", "p"), orders({{0, 1}}))), "quota");
  EXPECT_EQ(text_of(store->read(key("d", "p"))), "none");
  EXPECT_EQ(text_of(store->move(key("a", "p"), orders({{0, 2}}))), "orders=0:2 g1");
  EXPECT_EQ(text_of(store->move(key("d", "q"), orders({{0, 1}}))), "orders=0:1 g1");
  ASSERT_TRUE(store->erase(key("b", "p")));
  EXPECT_EQ(text_of(store->move(key("d", "p"), orders({{0, 1}}))), "orders=0:1 g2");
}

TEST_P(CursorStores, SayWhetherOneMoreHasRoomAndKeepNoneForIt) {
  const auto store = make({.ttl_ms = 3'600'000, .per_principal_max = 2});
  for (const std::string name : {"a", "b", "c", "d"}) EXPECT_EQ(text_of(store->find_room(key(name, "p"))), "none");
  for (const std::string name : {"a", "b"}) ASSERT_TRUE(store->move(key(name, "p"), orders({{0, 1}})));
  EXPECT_EQ(text_of(store->find_room(key("c", "p"))), "quota");
  EXPECT_EQ(text_of(store->find_room(key("a", "p"))), "none");
  EXPECT_EQ(text_of(store->find_room(key("c", "q"))), "none");
  ASSERT_TRUE(store->erase(key("a", "p")));
  EXPECT_EQ(text_of(store->find_room(key("c", "p"))), "none");
}

// C3: what was meant for the one that was deleted does not move the one that is made after it.
TEST_P(CursorStores, BeginAboveEveryGenerationThatWasErased) {
  const auto store = make();
  auto back = orders({{0, 1}});
  back.is_reset = true;
  ASSERT_TRUE(store->move(key("a", "p"), orders({{0, 42}})));
  ASSERT_EQ(text_of(store->move(key("a", "p"), back)), "orders=0:1 g2");
  ASSERT_TRUE(store->move(key("old", "p"), orders({{0, 42}})));
  EXPECT_EQ(text_of(store->erase(key("a", "p"))), "none");
  EXPECT_EQ(text_of(store->erase(key("old", "p"))), "none");
  EXPECT_EQ(text_of(store->erase(key("never", "p"))), "none");
  EXPECT_EQ(text_of(store->move(key("a", "p"), orders({{0, 5}}))), "orders=0:5 g3");
  for (std::int64_t generation = 1; generation <= 2; ++generation) {
    auto stale = orders({{0, 50}});
    stale.generation = generation;
    EXPECT_EQ(text_of(store->move(key("a", "p"), stale)), "fenced") << generation;
  }
  EXPECT_EQ(text_of(store->read(key("a", "p"))), "orders=0:5 g3");
  EXPECT_EQ(text_of(store->move(key("b", "p"), back)), "orders=0:1 g3");
  EXPECT_EQ(text_of(store->move(key("a", "q"), orders({{0, 5}}))), "orders=0:5 g1");
  EXPECT_EQ(text_of(store->erase(key("a", "p"))), "none");
  EXPECT_EQ(text_of(store->move(key("a", "p"), orders({{0, 6}}))), "orders=0:6 g4");
}

TEST_P(CursorStores, ForgetWhatIsIdleAndMakeRoom) {
  const auto store = make({.ttl_ms = 1'000, .per_principal_max = 1});
  ASSERT_TRUE(store->move(key("a", "p"), orders({{0, 1}})));
  // Made when the first one was there already: once its place is free, that of the first one is too. A value lasts a
  // millisecond longer than its place.
  ASSERT_TRUE(store->move(key("a", "q"), orders({{0, 1}})));
  EXPECT_EQ(text_of(store->move(key("b", "q"), orders({{0, 1}}))), "quota");
  EXPECT_TRUE(eventually([&] { return text_of(store->move(key("b", "q"), orders({{0, 1}}))) == "orders=0:1 g1"; }));
  EXPECT_EQ(text_of(store->move(key("b", "p"), orders({{0, 1}}))), "orders=0:1 g1");
  EXPECT_TRUE(eventually([&] { return text_of(store->read(key("a", "p"))) == "none"; }));
}

TEST_P(CursorStores, RefuseMorePartitionsThanAnIdMayName) {
  const auto store = make();
  TopicPosition many;
  for (std::int32_t p = 0; p < 200; ++p) many[p] = p;
  ASSERT_TRUE(store->move(key("a"), orders(many, 200)));
  CursorMove other;
  other.position["payments"] = many;
  EXPECT_EQ(text_of(store->move(key("a"), other)), "too_wide");
  const auto found = store->read(key("a"));
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((**found).position.size(), 1u);
}

TEST_P(CursorStores, KeepPrincipalsApartWhateverTheyAreCalled) {
  const auto store = make();
  const std::vector<std::string> principals{
      "", "a", "a:b", "a}", "{a}", "a%3Ab", "*", "\r\n", {"\0x", 2}, "tailgate:cursor:{a:n}", "a:n", "\xff"};
  Offset offset = 0;
  for (const std::string& principal : principals) {
    ASSERT_EQ(text_of(store->read(key("n", principal))), "none") << principal;
    ASSERT_TRUE(store->move(key("n", principal), orders({{0, offset++}}))) << principal;
  }
  offset = 0;
  for (const std::string& principal : principals) {
    EXPECT_EQ(text_of(store->read(key("n", principal))), "orders=0:" + std::to_string(offset++) + " g1") << principal;
  }
}

// C1: many replicas move the same cursor; whoever reads sees it go forward only.
TEST_P(CursorStores, NeverGoBackUnderManyWhoMoveAtOnce) {
  constexpr int kMovers = 4;
  constexpr Offset kSteps = 150;
  std::vector<std::unique_ptr<Replica>> replicas;
  for (int i = 0; i <= kMovers; ++i) replicas.push_back(make());
  std::atomic<int> moving{kMovers};
  std::vector<std::thread> movers;
  for (int i = 0; i < kMovers; ++i) {
    movers.emplace_back([&, i] {
      for (Offset step = 0; step < kSteps; ++step) {
        const Offset offset = (step * 7919 + i * 31) % 1'000 + step;  // all over, each its own way
        const auto answer = replicas[static_cast<std::size_t>(i)]->move(key("hot"), orders({{0, offset}, {1, step}}));
        ASSERT_TRUE(answer && *answer);
        EXPECT_GE((**answer).position.at("orders").at(0), offset);
      }
      --moving;
    });
  }
  TopicPosition last{{0, kNothingPassed}, {1, kNothingPassed}};
  while (moving > 0) {
    const auto found = replicas.back()->read(key("hot"));
    ASSERT_TRUE(found);
    if (!*found) continue;
    const TopicPosition& now = (**found).position.at("orders");
    EXPECT_GE(now.at(0), last.at(0));
    EXPECT_GE(now.at(1), last.at(1));
    last = now;
  }
  for (std::thread& mover : movers) mover.join();
  EXPECT_EQ(text_of(replicas.back()->read(key("hot"))).substr(0, 9), "orders=0:");
  EXPECT_EQ((**replicas.back()->read(key("hot"))).position.at("orders").at(1), kSteps - 1);
}

INSTANTIATE_TEST_SUITE_P(All, CursorStores, testing::Values(Kind::memory, Kind::redis),
                         [](const auto& kind) { return kind.param == Kind::redis ? "Redis" : "Memory"; });

}  // namespace
}  // namespace tailgate::test
