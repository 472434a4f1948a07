#include "server/handlers/cursor_commits.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cursors/id.h"
#include "server/handlers/known_catalog.h"

namespace tailgate {
namespace {

// Keeps what it is asked, and answers what the test says.
class ToldStore final : public CursorStore {
 public:
  explicit ToldStore(Loop& loop) : loop_{loop} {}
  Ask<CursorAnswer> read(const CursorKey&, Then then) override { return answer(std::move(then)); }
  Ask<CursorAnswer> erase(const CursorKey&, Then then) override { return answer(std::move(then)); }
  Ask<CursorAnswer> find_room(const CursorKey&, Then then) override { return answer(std::move(then)); }
  Ask<CursorAnswer> move(const CursorKey& key, CursorMove move, Then then) override {
    moves.push_back(key.name + " " + format_id(move.position, IdForm::topics) +
                    (move.generation ? " g" + std::to_string(*move.generation) : ""));
    if (room == 0) return answer(CursorError{CursorRefusal::away, "full"}, std::move(then));
    --room;
    loop_.post([this] { ++room; });
    return answer(std::move(then));
  }

  std::vector<std::string> moves;
  std::optional<CursorRefusal> refusal;
  std::int64_t generation = 1;
  std::size_t room = 1'000;  // moves at a time, as many as a link to Redis takes

 private:
  Ask<CursorAnswer> answer(Then then) {
    Cursor cursor;
    cursor.generation = generation;
    return answer(refusal ? CursorAnswer{CursorError{*refusal, ""}} : CursorAnswer{std::optional{cursor}},
                  std::move(then));
  }
  Ask<CursorAnswer> answer(CursorAnswer what, Then then) {
    auto [ask, reply] = make_ask<CursorAnswer>(loop_, std::move(then));
    reply(std::move(what));
    return std::move(ask);
  }
  Loop& loop_;
};

struct CursorCommitsTest : testing::Test {
  CursorCommitsTest() {
    catalog.known.version = 1;
    catalog.known.by_name = {{"orders", {"orders", "internal.orders", 2}}};
    catalog.answer = {{{"internal.orders", 0}, {0, 10, 10}}, {{"internal.orders", 1}, {0, 20, 20}}};
  }
  void run_posted() {
    loop.context().restart();
    loop.context().poll();
  }
  void pass_second() {
    clock.advance(CursorCommits::kSaveMs + Timers::kSlotMs);
    loop.timers().run_due();
    run_posted();
  }
  static Position at(TopicPosition parts) { return {{"orders", std::move(parts)}}; }

  ManualClock clock;
  IoLoop loop{clock, 0};
  KnownCatalog catalog;
  ToldStore store{loop};
  CursorCounters counters;
  CursorCommits commits{store, catalog, loop, counters};
  const CursorKey key{"", "c"};
};

using Moves = std::vector<std::string>;

TEST_F(CursorCommitsTest, TheFirstPositionIsSavedAtOnceAndWhatFollowsOnceASecond) {
  for (Offset offset = 1; offset <= 9; ++offset) {
    commits.note(key, std::nullopt, at({{0, offset}, {1, 9 - offset}}));
    run_posted();
  }
  EXPECT_EQ(store.moves, (Moves{"c orders=0:1,1:8"}));
  pass_second();
  EXPECT_EQ(store.moves, (Moves{"c orders=0:1,1:8", "c orders=0:9,1:7"}));
  EXPECT_EQ(counters.saves.get(), 2u);
  pass_second();
  pass_second();
  EXPECT_EQ(store.moves.size(), 2u);
  EXPECT_TRUE(commits.is_idle());
}

TEST_F(CursorCommitsTest, WhatTheStoreWasAwayForIsTriedAgainWithWhatHasComeSince) {
  store.refusal = CursorRefusal::away;
  commits.note(key, std::nullopt, at({{0, 5}}));
  run_posted();
  commits.note(key, std::nullopt, at({{0, 4}, {1, 7}}));
  pass_second();
  store.refusal.reset();
  pass_second();
  EXPECT_EQ(store.moves, (Moves{"c orders=0:5", "c orders=0:5,1:7", "c orders=0:5,1:7"}));
  EXPECT_EQ(counters.retries.get(), 2u);
  EXPECT_EQ(counters.saves.get(), 1u);
}

TEST_F(CursorCommitsTest, WhatTheStoreRefusesIsNotTriedAgain) {
  store.refusal = CursorRefusal::fenced;
  commits.note(key, 1, at({{0, 5}}));
  run_posted();
  pass_second();
  pass_second();
  EXPECT_EQ(store.moves, (Moves{"c orders=0:5 g1"}));
  EXPECT_EQ(counters.refused.get(), 1u);
  EXPECT_TRUE(commits.is_idle());
}

TEST_F(CursorCommitsTest, AnIdProvesNothingBeyondTheEndAndCoversWhatItDoesNotName) {
  commits.prove(key, at({{0, 4'000}}), /*is_whole=*/true);
  run_posted();
  run_posted();
  EXPECT_EQ(store.moves, (Moves{"c orders=0:9,1:-"}));
  EXPECT_EQ(catalog.asked, (std::vector<TopicPartition>{{"internal.orders", 0}, {"internal.orders", 1}}));
  commits.prove({"", "one"}, at({{1, 3}, {7, 3}}), /*is_whole=*/false);
  run_posted();
  run_posted();
  EXPECT_EQ(store.moves.back(), "one orders=1:3");
}

TEST_F(CursorCommitsTest, WithoutKafkaNothingIsProven) {
  catalog.answer.reset();
  commits.prove(key, at({{0, 4}}), true);
  run_posted();
  EXPECT_TRUE(store.moves.empty());
  EXPECT_EQ(counters.dropped.get(), 1u);
  EXPECT_TRUE(commits.is_idle());
}

TEST_F(CursorCommitsTest, ABookmarkFollowsItsStreamAndIsSavedWhenItEnds) {
  Position now = at({{0, 1}});
  {
    const CursorCommits::Bookmark bookmark{commits, key, 3, [&] { return now; }};
    pass_second();
    pass_second();
    EXPECT_EQ(store.moves, (Moves{"c orders=0:1 g3"}));
    now = at({{0, 2}});
    pass_second();
    now = at({{0, 5}});
  }
  pass_second();
  EXPECT_EQ(store.moves, (Moves{"c orders=0:1 g3", "c orders=0:2 g3", "c orders=0:5 g3"}));
}

TEST_F(CursorCommitsTest, ABookmarkThatMadeItsCursorIsOfItsGenerationFromThenOn) {
  Position now = at({{0, 1}});
  const CursorCommits::Bookmark bookmark{commits, key, std::nullopt, [&] { return now; }};
  store.generation = 4;
  pass_second();
  now = at({{0, 2}});
  pass_second();
  EXPECT_EQ(store.moves, (Moves{"c orders=0:1", "c orders=0:2 g4"}));
}

TEST_F(CursorCommitsTest, MoreCursorsThanTheStoreTakesAtATimeAreAllSavedEachSecondAndByADrain) {
  constexpr std::size_t kStreams = 3'000;
  Offset now = 1;
  std::vector<std::unique_ptr<CursorCommits::Bookmark>> bookmarks;
  for (std::size_t i = 0; i < kStreams; ++i) {
    bookmarks.push_back(
        std::make_unique<CursorCommits::Bookmark>(commits, CursorKey{"", "c" + std::to_string(i)}, 1, [&] {
          return at({{0, now}});
        }));
  }
  for (; now < 4; ++now) {
    pass_second();
    EXPECT_EQ(counters.saves.get(), kStreams * static_cast<std::size_t>(now));
  }
  commits.flush();
  run_posted();
  EXPECT_EQ(counters.saves.get(), 4 * kStreams);
  EXPECT_EQ(counters.retries.get(), 0U);
  EXPECT_EQ(counters.refused.get(), 0U);
  EXPECT_TRUE(commits.is_idle());
}

TEST_F(CursorCommitsTest, ADrainSavesAllThatWaitsAndFromThenOnAtOnce) {
  Position now = at({{0, 1}});
  const CursorCommits::Bookmark bookmark{commits, {"", "b"}, 1, [&] { return now; }};
  commits.note(key, std::nullopt, at({{0, 1}}));
  run_posted();
  commits.note(key, std::nullopt, at({{0, 2}}));
  commits.flush();
  run_posted();
  EXPECT_EQ(store.moves, (Moves{"c orders=0:1", "b orders=0:1 g1", "c orders=0:2"}));
  EXPECT_TRUE(commits.is_idle());
  commits.note(key, std::nullopt, at({{0, 3}}));
  run_posted();
  EXPECT_EQ(store.moves.back(), "c orders=0:3");
  EXPECT_TRUE(commits.is_idle());
}

}  // namespace
}  // namespace tailgate
