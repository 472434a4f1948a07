#include "streams/feed_log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/clock.h"
#include "streams/feed_chunk_pool.h"
#include "streams/step_loop.h"

namespace tailgate {
namespace {

const std::string kFront(100, 'f');
constexpr std::string_view kTail = "id: 1\n\n";

void fill(FeedLog& log, Offset from, int records, Slot slot = 0) {
  for (Offset offset = from; records > 0; --records, ++offset) log.append_record(slot, offset, kFront, kTail);
}

class FeedLogTest : public testing::Test {
 protected:
  ManualClock clock;
  StepLoop loop{clock, 0};
  FeedChunkPool pool{loop};
};

TEST_F(FeedLogTest, AnEntrySaysWhereItsBytesAndItsTailAre) {
  FeedLog log{pool};
  log.append_record(2, 41, "data: x\n", kTail);
  log.append_record(2, 42, "data: yy\n", kTail);
  FeedLog::Place place = log.enter();

  const FeedChunk& chunk = *place.chunk;
  ASSERT_EQ(chunk.entries.size(), 2U);
  const FeedEntry& entry = chunk.entries[1];
  EXPECT_EQ(entry.slot, 2);
  EXPECT_EQ(entry.offset, 42);
  EXPECT_EQ(chunk.view(chunk.begin_of(1), entry.end), "data: yy\nid: 1\n\n");
  EXPECT_EQ(chunk.view(entry.end - entry.tail_bytes, entry.end), kTail);
  log.leave(place);
}

TEST_F(FeedLogTest, ThePositionAtAPlaceIsTheChunksStartAndTheEntriesBeforeIt) {
  FeedLog log{pool};
  log.append_record(0, 8, "a", "b");
  log.append_barrier(0, 9);
  log.append_record(1, 4, "a", "b");
  FeedLog::Place place = log.enter();
  log.append_progress(0, 15);
  log.append_record(3, 0, "a", "b");

  EXPECT_EQ(log.position_at(place), (std::vector<Offset>{9, 4}));
  EXPECT_EQ(log.head_position(), (std::vector<Offset>{15, 4, kNotStarted, 0}));
  place.entry = 1;
  EXPECT_EQ(log.position_at(place), (std::vector<Offset>{8}));
  place.entry = 5;
  EXPECT_EQ(log.position_at(place), log.head_position());
  log.leave(place);
}

TEST_F(FeedLogTest, ThePositionHoldsInEveryChunk) {
  FeedLog log{pool};
  FeedLog::Place place = log.enter();
  fill(log, 0, 60);
  ASSERT_GT(log.chunks(), 2U);

  Offset last = kNotStarted;
  while (true) {
    const auto position = log.position_at(place);
    if (last != kNotStarted) {
      EXPECT_EQ(position, std::vector<Offset>{last});
    }
    if (place.entry < place.chunk->entries.size()) {
      last = place.chunk->entries[place.entry++].offset;
    } else if (!log.advance(place)) {
      break;
    }
  }
  EXPECT_EQ(last, 59);
  log.leave(place);
}

TEST_F(FeedLogTest, KeepsWhatSomebodyStandsBeforeAndDropsTheRest) {
  FeedLog log{pool};
  FeedLog::Place slow = log.enter();
  fill(log, 0, 60);
  FeedLog::Place fast = log.enter();
  const std::size_t chunks = log.chunks();
  const std::size_t bytes = log.bytes();
  ASSERT_GT(chunks, 2U);

  log.leave(slow);

  EXPECT_EQ(log.chunks(), 1U);
  EXPECT_LT(log.bytes(), bytes);
  log.leave(fast);
}

TEST_F(FeedLogTest, AnIdleLogKeepsOneChunk) {
  FeedLog log{pool};
  fill(log, 0, 200);
  EXPECT_EQ(log.chunks(), 1U);
  EXPECT_EQ(log.oldest(), nullptr);
}

TEST_F(FeedLogTest, AFeedOfOneInStepStaysSmallHoweverLongItLives) {
  FeedLog log{pool};
  FeedLog::Place place = log.enter();
  for (Offset offset = 0; offset < 10'000; ++offset) {
    fill(log, offset, 1);
    while (log.advance(place)) place.entry = static_cast<std::uint32_t>(place.chunk->entries.size());
    ASSERT_LE(log.bytes(), 2'500U) << "after " << offset;
  }
  log.leave(place);
}

TEST_F(FeedLogTest, SmallChunksAreUsedAgainButNotInTheTurnThatTheyWereLeftIn) {
  FeedLog log{pool};
  FeedLog::Place place = log.enter();
  const auto read_on = [&] {
    while (log.advance(place)) place.entry = static_cast<std::uint32_t>(place.chunk->entries.size());
  };
  fill(log, 0, 1, 3);
  read_on();
  FeedChunk* const first = place.chunk;
  const char* const bytes = first->bytes.get();
  const std::string before{first->view(0, first->used())};
  for (Offset offset = 1; log.chunks() == 1; ++offset) fill(log, offset, 1, 3);
  read_on();
  ASSERT_NE(place.chunk, first);
  EXPECT_EQ(std::string_view(bytes, before.size()), before) << "a write may refer to it";
  EXPECT_EQ(pool.spare(), 0U);
  loop.run();
  EXPECT_EQ(pool.spare(), 1U);

  const Offset last = log.head_position()[3];
  for (Offset offset = last + 1; log.chunks() == 1; ++offset) fill(log, offset, 1, 3);
  read_on();

  ASSERT_EQ(place.chunk, first) << "it is in use again";
  EXPECT_EQ(first->bytes.get(), bytes);
  EXPECT_EQ(log.position_at(place), log.head_position());
  EXPECT_EQ(first->subscribers, 1U);
  EXPECT_EQ(first->barriers, 0U);
  EXPECT_EQ(first->next, nullptr);
  EXPECT_EQ(first->entries.size(), 1U);
  log.leave(place);
}

TEST_F(FeedLogTest, AFeedOfManyOrOfOneThatFallsBehindHasFewChunks) {
  FeedLog many{pool};
  std::vector<FeedLog::Place> places(100);
  for (FeedLog::Place& place : places) place = many.enter();
  fill(many, 0, 500);  // 53 KB
  EXPECT_LE(many.chunks(), 2U);
  for (const FeedLog::Place& place : places) many.leave(place);

  FeedLog behind{pool};
  const FeedLog::Place place = behind.enter();
  fill(behind, 0, 5'000);  // 530 KB
  EXPECT_LE(behind.chunks(), 20U);
  behind.leave(place);
}

TEST_F(FeedLogTest, AdvancingTellsWhetherThereIsSomethingAtThePlace) {
  FeedLog log{pool};
  FeedLog::Place place = log.enter();
  EXPECT_FALSE(log.advance(place));
  log.append_record(0, 0, "a", "b");
  // The first record needs room: it went into a chunk of its own.
  EXPECT_TRUE(log.advance(place));
  EXPECT_TRUE(log.advance(place));
  place.entry = 1;
  EXPECT_FALSE(log.advance(place));
  log.leave(place);
}

TEST_F(FeedLogTest, AnEventLargerThanAnyChunkHasOneOfItsOwn) {
  FeedLog log{pool};
  FeedLog::Place place = log.enter();
  const std::string large(3'000'000, 'l');
  log.append_record(0, 0, "a", "b");
  log.append_record(0, 1, large, "tail");
  log.append_record(0, 2, "a", "b");

  ASSERT_TRUE(log.advance(place));
  place.entry = 1;
  ASSERT_TRUE(log.advance(place));
  EXPECT_EQ(place.chunk->view(0, place.chunk->entries[0].end), large + "tail");
  log.leave(place);
}

TEST_F(FeedLogTest, EvictionGoesToTheChunkBehind) {
  FeedLog log{pool};
  FeedLog::Place place = log.enter();
  fill(log, 0, 60);
  FeedChunk* const oldest = log.oldest();
  ASSERT_EQ(oldest, place.chunk);

  const FeedLog::Place to = log.after(place);
  log.leave(place);

  EXPECT_NE(log.oldest(), oldest);
  EXPECT_EQ(to.entry, 0U);
  log.leave(to);
}

}  // namespace
}  // namespace tailgate
