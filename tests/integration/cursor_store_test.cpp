// Both stores of cursors by the same tests, and what only Redis can do wrong.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "cursors/id.h"
#include "cursors/memory_cursors.h"
#include "cursors/redis_cursors.h"
#include "tests/integration/redis_caller.h"
#include "tests/support/redis_server.h"

namespace tailgate::test {
namespace {

CursorKey key(const std::string& name, const std::string& principal = "") { return {principal, name}; }

CursorMove orders(TopicPosition parts, std::int32_t partitions = 2) {
  CursorMove move;
  move.position["orders"] = std::move(parts);
  move.partitions["orders"] = partitions;
  return move;
}

std::string text_of(const CursorAnswer& answer) {
  if (!answer) {
    constexpr std::array<std::string_view, 5> kNames{"away", "fenced", "quota", "too_wide", "damaged"};
    return std::string{kNames[static_cast<std::size_t>(answer.error().refusal)]};
  }
  if (!*answer) return "none";
  return format_id((**answer).position, IdForm::topics) + " g" + std::to_string((**answer).generation);
}

// A replica's store, asked from the test's thread.
class Replica {
 public:
  virtual ~Replica() = default;
  CursorAnswer read(const CursorKey& of) {
    return ask([&](CursorStore& store, CursorStore::Then then) { return store.read(of, std::move(then)); });
  }
  CursorAnswer move(const CursorKey& of, const CursorMove& move) {
    return ask([&](CursorStore& store, CursorStore::Then then) { return store.move(of, move, std::move(then)); });
  }
  CursorAnswer erase(const CursorKey& of) {
    return ask([&](CursorStore& store, CursorStore::Then then) { return store.erase(of, std::move(then)); });
  }

 protected:
  using Question = std::function<Ask<CursorAnswer>(CursorStore&, CursorStore::Then)>;
  virtual LoopThread& thread() = 0;
  virtual CursorStore& store() = 0;

 private:
  CursorAnswer ask(const Question& question) {
    std::promise<CursorAnswer> promise;
    thread().on_loop(
        [&] { ask_ = question(store(), [&promise](CursorAnswer answer) { promise.set_value(std::move(answer)); }); });
    return promise.get_future().get();
  }
  Ask<CursorAnswer> ask_;
};

class MemoryReplica final : public Replica {
 public:
  explicit MemoryReplica(MemoryCursorTable& table) : store_{table, thread_.loop()} {}

 private:
  LoopThread& thread() override { return thread_; }
  CursorStore& store() override { return store_; }
  LoopThread thread_;
  MemoryCursors store_;
};

class RedisReplica final : public Replica {
 public:
  explicit RedisReplica(const std::string& url, CursorOptions options = {})
      : caller_{url},
        store_{std::make_unique<RedisCursors>(caller_.link(), caller_.thread().loop(), "tailgate", options, 0)} {}
  ~RedisReplica() override { caller_.thread().stop(); }
  RedisCaller& caller() { return caller_; }
  const RedisCursors& cursors() const { return *store_; }

 private:
  LoopThread& thread() override { return caller_.thread(); }
  CursorStore& store() override { return *store_; }
  RedisCaller caller_;
  std::unique_ptr<RedisCursors> store_;
};

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
  EXPECT_EQ(text_of(store->move(key("d", "p"), orders({{0, 1}}))), "orders=0:1 g1");
}

TEST_P(CursorStores, ForgetWhatIsIdleAndMakeRoom) {
  const auto store = make({.ttl_ms = 1'000, .per_principal_max = 1});
  ASSERT_TRUE(store->move(key("a", "p"), orders({{0, 1}})));
  // Made when the first one was there already: once its place is free, the first one is gone too.
  ASSERT_TRUE(store->move(key("a", "q"), orders({{0, 1}})));
  EXPECT_EQ(text_of(store->move(key("b", "q"), orders({{0, 1}}))), "quota");
  EXPECT_TRUE(eventually([&] { return text_of(store->move(key("b", "q"), orders({{0, 1}}))) == "orders=0:1 g1"; }));
  EXPECT_EQ(text_of(store->move(key("b", "p"), orders({{0, 1}}))), "orders=0:1 g1");
  EXPECT_EQ(text_of(store->read(key("a", "p"))), "none");
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

class RedisCursorTest : public testing::Test {
 protected:
  void set(const std::vector<std::string>& words) { EXPECT_NE(redis.command(words).find("ERR"), 0u); }
  std::string hash() const { return replica.cursors().key_of(key("a")); }

  RedisServer redis;
  RedisReplica replica{redis.url(), {}};
};

TEST_F(RedisCursorTest, KeyIsEncodedAndItsTagCannotBeMoved) {
  EXPECT_EQ(replica.cursors().key_of({"", "a"}), "tailgate:cursor:{:a}");
  EXPECT_EQ(replica.cursors().key_of({"a}b{:", "n"}), "tailgate:cursor:{a%7Db%7B%3A:n}");
  EXPECT_EQ(replica.cursors().index_of("a}b"), "tailgate:cursors:{a%7Db:}");
}

TEST_F(RedisCursorTest, WhatIsNoCursorIsToldAndAResetMakesItOne) {
  const std::string key_text = hash();
  const std::vector<std::vector<std::string>> hostile{
      {"SET", key_text, "text"},
      {"LPUSH", key_text, "1"},
      {"ZADD", key_text, "1", "x"},
      {"HSET", key_text, "orders:0", "5"},
      {"HSET", key_text, "g", "1", "u", "1", "orders:0", "nan"},
      {"HSET", key_text, "g", "1", "u", "1", "orders:0", "-1"},
      {"HSET", key_text, "g", "1", "u", "1", "orders:0", "1e300"},
      {"HSET", key_text, "g", "1", "u", "1", "orders:0", "007"},
      {"HSET", key_text, "g", "1", "u", "1", "orders:0", ""},
      {"HSET", key_text, "g", "1", "u", "1", "orders:0", "9223372036854775808"},
      {"HSET", key_text, "g", "1", "u", "1", "orders:99999999999", "1"},
      {"HSET", key_text, "g", "1", "u", "1", "orders:x", "1"},
      {"HSET", key_text, "g", "1", "u", "1", "orders", "1"},
      {"HSET", key_text, "g", "1", "u", "1", "or\r\nders:0", "1"},
      {"HSET", key_text, "g", "x", "u", "1", "orders:0", "1"},
      {"HSET", key_text, "g", "1", "u", "-", "orders:0", "1"},
      {"HSET", key_text, "g", "1", "u", "1", "i", "x", "orders:0", "1"},
  };
  for (const auto& words : hostile) {
    set({"DEL", key_text});
    set(words);
    EXPECT_EQ(text_of(replica.read(key("a"))), "damaged") << words.back();
    EXPECT_EQ(text_of(replica.move(key("a"), orders({{0, 9}}))), "damaged") << words.back();
    auto reset = orders({{0, 9}});
    reset.is_reset = true;
    const auto made = replica.move(key("a"), reset);
    ASSERT_TRUE(made && *made) << words.back() << " " << text_of(made);
    EXPECT_EQ((**made).position, reset.position) << words.back();
    EXPECT_EQ(text_of(replica.read(key("a"))), text_of(made));
  }
}

TEST_F(RedisCursorTest, WhatIsHugeNeverLeavesRedis) {
  const std::string key_text = hash();
  set({"EVAL", "redis.call('HSET', KEYS[1], 'g', 1, 'u', 1, 'orders:0', string.rep('1', 5000000))", "1", key_text});
  EXPECT_EQ(text_of(replica.read(key("a"))), "damaged");
  set({"DEL", key_text});
  set({"EVAL", "for i = 1, 5000 do redis.call('HSET', KEYS[1], 'orders:' .. i, i) end", "1", key_text});
  EXPECT_EQ(text_of(replica.read(key("a"))), "damaged");
  EXPECT_EQ(replica.caller().counters().connects.get(), 1u);
}

TEST_F(RedisCursorTest, AnIndexThatIsNoneIsMadeAnew) {
  set({"SET", replica.cursors().index_of(""), "text"});
  EXPECT_EQ(text_of(replica.move(key("a"), orders({{0, 1}}))), "orders=0:1 g1");
  EXPECT_EQ(redis.command({"ZRANGE", replica.cursors().index_of(""), "0", "-1"}), "a\n");
}

TEST_F(RedisCursorTest, NamesInTheIndexThatWouldNeverEndTakeNobodysPlace) {
  RedisReplica few{redis.url(), {.per_principal_max = 2}};
  const std::string index = few.cursors().index_of("");
  for (const auto* end : {"inf", "1e300", "99999999999999"}) set({"ZADD", index, end, std::string{"x"} + end});
  EXPECT_EQ(text_of(few.move(key("a"), orders({{0, 1}}))), "orders=0:1 g1");
  EXPECT_EQ(text_of(few.move(key("b"), orders({{0, 1}}))), "orders=0:1 g1");
  EXPECT_EQ(text_of(few.move(key("c"), orders({{0, 1}}))), "quota");
}

// docs/operations.md names these.
TEST_F(RedisCursorTest, NeedNoMoreRightsThanTheManualAsksFor) {
  const std::string manual = read_file(TAILGATE_SOURCE_DIR "/docs/operations.md");
  const std::string rights = "+@scripting +@hash +@sortedset +@keyspace +@connection +time +wait";
  EXPECT_NE(manual.find(rights), std::string::npos);
  std::vector<std::string> words{"ACL", "SETUSER", "app", "on", ">pw", "~tailgate:*"};
  std::istringstream each{rights};
  for (std::string right; each >> right;) words.push_back(right);
  set(words);
  RedisReplica app{"redis://app:pw@127.0.0.1:" + std::to_string(redis.port())};
  EXPECT_EQ(text_of(app.move(key("a"), orders({{0, 1}}))), "orders=0:1 g1");
  EXPECT_EQ(text_of(app.read(key("a"))), "orders=0:1 g1");
  EXPECT_EQ(text_of(app.erase(key("a"))), "none");
}

TEST_F(RedisCursorTest, EverythingExpires) {
  ASSERT_TRUE(replica.move(key("a"), orders({{0, 1}})));
  for (const std::string& name : {hash(), replica.cursors().index_of("")}) {
    EXPECT_GT(std::stoll(redis.command({"PTTL", name})), 29ll * 86'400'000) << name;
  }
}

// C4, C5: what comes back empty is older, never newer; and what is not confirmed is not told as done.
TEST_F(RedisCursorTest, ARedisThatIsAwayConfirmsNothingAndOneThatForgotStartsAnew) {
  ASSERT_TRUE(replica.move(key("a"), orders({{0, 42}})));
  redis.kill_hard();
  EXPECT_EQ(text_of(replica.move(key("a"), orders({{0, 43}}))), "away");
  EXPECT_EQ(text_of(replica.read(key("a"))), "away");
  EXPECT_EQ(text_of(replica.erase(key("a"))), "away");
  redis.start();
  EXPECT_TRUE(eventually([&] { return text_of(replica.read(key("a"))) == "none"; }));
  EXPECT_EQ(text_of(replica.move(key("a"), orders({{0, 30}}))), "orders=0:30 g1");
}

}  // namespace
}  // namespace tailgate::test
