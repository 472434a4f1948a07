// Cursors in Redis: what only Redis can do wrong, and what others may have left there.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/cursor_replicas.h"
#include "tests/support/redis_server.h"

namespace tailgate::test {
namespace {

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

// Not even into Lua: a script that copies megabytes holds up whoever else is asking.
TEST_F(RedisCursorTest, WhatIsHugeIsNotEvenRead) {
  const std::string key_text = hash();
  const std::vector<std::string> huge{"'orders:0', string.rep('1', 8000000)", "string.rep('x', 8000000), '1'",
                                      "'g', string.rep('1', 8000000)"};
  for (const std::string& field : huge) {
    set({"DEL", key_text});
    set({"EVAL", "redis.call('HSET', KEYS[1], 'g', 1, 'u', 1, " + field + ")", "1", key_text});
    EXPECT_EQ(text_of(replica.read(key("a"))), "damaged") << field;
    EXPECT_EQ(text_of(replica.move(key("a"), orders({{0, 1}}))), "damaged") << field;
  }
  set({"DEL", key_text});
  set({"EVAL", "for i = 1, 5000 do redis.call('HSET', KEYS[1], 'orders:' .. i, i) end", "1", key_text});
  EXPECT_EQ(text_of(replica.read(key("a"))), "damaged");
  EXPECT_EQ(redis.command({"INFO", "commandstats"}).find("cmdstat_hgetall"), std::string::npos);
  EXPECT_EQ(replica.caller().counters().connects.get(), 1u);
  EXPECT_EQ(text_of(replica.erase(key("a"))), "none");
  EXPECT_EQ(text_of(replica.read(key("a"))), "none");
}

TEST_F(RedisCursorTest, TheWidestCursorThatMayBeIsNotTooLargeToRead) {
  CursorMove widest;
  for (int i = 0; i < static_cast<int>(kCursorPartitionsMax); ++i) {
    const std::string topic = std::string(246, 't') + std::to_string(100 + i);
    widest.position[topic] = {{std::numeric_limits<std::int32_t>::max(), std::numeric_limits<Offset>::max()}};
    widest.partitions[topic] = std::numeric_limits<std::int32_t>::max();
  }
  ASSERT_TRUE(replica.move(key("a"), widest));
  const auto found = replica.read(key("a"));
  ASSERT_TRUE(found && *found) << text_of(found);
  EXPECT_EQ((**found).position, widest.position);
  EXPECT_LT(std::stoll(redis.command({"MEMORY", "USAGE", hash(), "SAMPLES", "0"})), 524'288 / 2);
}

TEST_F(RedisCursorTest, AnIndexThatIsNoneIsMadeAnew) {
  set({"SET", replica.cursors().index_of(""), "text"});
  EXPECT_EQ(text_of(replica.find_room(key("a"))), "none");
  EXPECT_EQ(text_of(replica.move(key("a"), orders({{0, 1}}))).substr(0, 11), "orders=0:1 ");
  EXPECT_EQ(redis.command({"ZRANGE", replica.cursors().index_of(""), "0", "-1"}), ":\na\n");
}

TEST_F(RedisCursorTest, NamesInTheIndexThatWouldNeverEndTakeNobodysPlace) {
  RedisReplica few{redis.url(), {.per_principal_max = 2}};
  const std::string index = few.cursors().index_of("");
  for (const auto* end : {"inf", "1e300", "99999999999999"}) set({"ZADD", index, end, std::string{"x"} + end});
  EXPECT_EQ(text_of(few.move(key("a"), orders({{0, 1}}))), "orders=0:1 g1");
  EXPECT_EQ(text_of(few.move(key("b"), orders({{0, 1}}))), "orders=0:1 g1");
  EXPECT_EQ(text_of(few.move(key("c"), orders({{0, 1}}))), "quota");
}

// The time is above every generation that was counted.
TEST_F(RedisCursorTest, WhatIsMadeAfterSomethingUnreadableBeginsAtTheTime) {
  const std::string index = replica.cursors().index_of("");
  const auto generation_once_erased = [&] {
    EXPECT_EQ(text_of(replica.erase(key("a"))), "none");
    const auto made = replica.move(key("a"), orders({{0, 1}}));
    EXPECT_TRUE(made && *made) << text_of(made);
    return made && *made ? (**made).generation : 0;
  };
  const std::vector<std::vector<std::string>> hostile{
      {"SET", index, "text"},
      {"HSET", index, ":", "1"},
      {"ZADD", index, "0", ":"},
      {"ZADD", index, "-1", ":"},
      {"ZADD", index, "1.5", ":"},
      {"ZADD", index, "inf", ":"},
      {"ZADD", index, "-inf", ":"},
      {"ZADD", index, "1e300", ":"},
      {"ZADD", index, "9007199254740992", ":"},
      {"HSET", hash(), "g", "x"},
      {"HSET", hash(), "g", "9007199254740992"},
  };
  std::int64_t last = 1'700'000'000'000;
  for (const auto& words : hostile) {
    set({"DEL", index});
    set(words);
    const std::int64_t generation = generation_once_erased();
    EXPECT_GE(generation, last) << words.back();
    last = generation;
  }
  EXPECT_EQ(generation_once_erased(), last + 1);
}

// A link that is cut at one of the calls, or before which something else happens.
class TurnedLink final : public RedisLink {
 public:
  using IsCut = std::function<bool(int call)>;
  TurnedLink(RedisCaller& caller, IsCut is_cut) : caller_{caller}, is_cut_{std::move(is_cut)} {}
  Ask<RedisAnswer> run(RedisCall call, std::function<void(RedisAnswer)> then) override {
    if (!is_cut_(calls_++)) return caller_.link().run(std::move(call), std::move(then));
    auto [ask, reply] = make_ask<RedisAnswer>(caller_.thread().loop(), std::move(then));
    reply(Error{ErrorCode::upstream_down, "cut"});
    return std::move(ask);
  }
  RedisState state() const override { return RedisState::up; }

 private:
  RedisCaller& caller_;
  const IsCut is_cut_;
  int calls_ = 0;
};

class TurnedReplica final : public Replica {
 public:
  // With `confirming` replicas of Redis only what they have to confirm goes over the turned link.
  TurnedReplica(const std::string& url, TurnedLink::IsCut is_cut, int confirming = 0)
      : caller_{url},
        link_{caller_, std::move(is_cut)},
        store_{confirming > 0 ? caller_.link() : static_cast<RedisLink&>(link_),
               link_,
               caller_.thread().loop(),
               "tailgate",
               {},
               confirming} {}
  ~TurnedReplica() override { caller_.thread().stop(); }

 private:
  LoopThread& thread() override { return caller_.thread(); }
  CursorStore& store() override { return store_; }
  RedisCaller caller_;
  TurnedLink link_;
  RedisCursors store_;
};

TEST_F(RedisCursorTest, AnEraseThatIsCutOffAnywhereCanBeAskedAgain) {
  std::int64_t last = 0;
  for (int cut = 0; cut < 4; ++cut) {  // asking, raising, deleting, forgetting
    const auto made = replica.move(key("a"), orders({{0, 1}}));
    ASSERT_TRUE(made && *made);
    EXPECT_GT((**made).generation, last) << cut;
    last = (**made).generation;
    TurnedReplica unlucky{redis.url(), [cut](int call) { return call == cut; }};
    EXPECT_EQ(text_of(unlucky.erase(key("a"))), "away") << cut;
    EXPECT_EQ(text_of(replica.read(key("a"))), cut < 3 ? text_of(made) : "none") << cut;
    EXPECT_EQ(text_of(unlucky.erase(key("a"))), "none") << cut;
    EXPECT_EQ(redis.command({"ZRANGE", replica.cursors().index_of(""), "0", "-1"}), ":\n") << cut;
  }
}

TEST_F(RedisCursorTest, WhatNeedsNoConfirmationDoesNotWaitBehindWhatDoes) {
  ASSERT_TRUE(replica.move(key("a"), orders({{0, 9}})));
  TurnedReplica unconfirmed{redis.url(), [](int) { return true; }, 1};
  EXPECT_EQ(text_of(unconfirmed.move(key("a"), orders({{0, 12}}))), "away");
  EXPECT_EQ(text_of(unconfirmed.read(key("a"))), "orders=0:9 g1");
  EXPECT_EQ(text_of(unconfirmed.find_room(key("b"))), "none");
}

TEST_F(RedisCursorTest, AResetInTheMiddleOfAnEraseIsBelowWhatIsMadeNext) {
  ASSERT_TRUE(replica.move(key("a"), orders({{0, 9}})));
  auto reset = orders({{0, 1}});
  reset.is_reset = true;
  TurnedReplica slow{redis.url(), [&](int call) {
                       if (call == 2) {
                         EXPECT_EQ(text_of(replica.move(key("a"), reset)), "orders=0:1 g2");
                       }
                       return false;
                     }};
  EXPECT_EQ(text_of(slow.erase(key("a"))), "none");
  EXPECT_EQ(text_of(replica.move(key("a"), orders({{0, 5}}))), "orders=0:5 g3");
}

TEST_F(RedisCursorTest, AnEraseGivesUpOnACursorThatIsResetAllTheTime) {
  ASSERT_TRUE(replica.move(key("a"), orders({{0, 9}})));
  auto reset = orders({{0, 1}});
  reset.is_reset = true;
  TurnedReplica slow{redis.url(), [&](int) {
                       EXPECT_TRUE(replica.move(key("a"), reset));
                       return false;
                     }};
  EXPECT_EQ(text_of(slow.erase(key("a"))), "away");
}

// docs/operations.md names these.
TEST_F(RedisCursorTest, NeedNoMoreRightsThanTheManualAsksFor) {
  const std::string manual = read_file(TAILGATE_SOURCE_DIR "/docs/operations.md");
  const std::string rights =
      "+@scripting +@hash +@sortedset +@keyspace +@connection +time +wait +memory|usage +get +set";
  EXPECT_NE(manual.find(rights), std::string::npos);
  std::vector<std::string> words{"ACL", "SETUSER", "app", "on", ">pw", "~tailgate:*"};
  std::istringstream each{rights};
  for (std::string right; each >> right;) words.push_back(right);
  set(words);
  RedisReplica app{"redis://app:pw@127.0.0.1:" + std::to_string(redis.port())};
  EXPECT_EQ(text_of(app.move(key("a"), orders({{0, 1}}))), "orders=0:1 g1");
  EXPECT_EQ(text_of(app.read(key("a"))), "orders=0:1 g1");
  EXPECT_EQ(text_of(app.erase(key("a"))), "none");
  EXPECT_EQ(text_of(app.find_room(key("a"))), "none");
  EXPECT_EQ(redis.command({"ACL", "LOG"}), "\n");
  // Some services do not tell how much memory a key takes.
  set({"ACL", "SETUSER", "app", "-memory|usage"});
  EXPECT_EQ(text_of(app.move(key("b"), orders({{0, 1}}))), "orders=0:1 g2");
}

TEST_F(RedisCursorTest, EverythingExpires) {
  ASSERT_TRUE(replica.move(key("b"), orders({{0, 1}})));
  ASSERT_TRUE(replica.erase(key("b")));
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
