#include "streams/feed_log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tailgate {
namespace {

const std::string kFront(100, 'f');
constexpr std::string_view kTail = "id: 1\n\n";

void fill(FeedLog& log, Offset from, int records, Slot slot = 0) {
  for (Offset offset = from; records > 0; --records, ++offset) log.append_record(slot, offset, kFront, kTail);
}

TEST(FeedLog, AnEntrySaysWhereItsBytesAndItsTailAre) {
  FeedLog log;
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

TEST(FeedLog, ThePositionAtAPlaceIsTheChunksStartAndTheEntriesBeforeIt) {
  FeedLog log;
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

TEST(FeedLog, ThePositionHoldsInEveryChunk) {
  FeedLog log;
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

TEST(FeedLog, KeepsWhatSomebodyStandsBeforeAndDropsTheRest) {
  FeedLog log;
  FeedLog::Place slow = log.enter();
  fill(log, 0, 60);
  FeedLog::Place fast = log.enter();
  const std::size_t chunks = log.chunks();
  const std::size_t bytes = log.bytes();
  ASSERT_GT(chunks, 2U);
  EXPECT_FALSE(log.has_dropped());

  log.leave(slow);

  EXPECT_EQ(log.chunks(), 1U);
  EXPECT_LT(log.bytes(), bytes);
  EXPECT_EQ(log.take_dropped().size(), chunks - 1);
  EXPECT_FALSE(log.has_dropped());
  log.leave(fast);
}

TEST(FeedLog, AnIdleLogKeepsOneChunk) {
  FeedLog log;
  fill(log, 0, 200);
  EXPECT_EQ(log.chunks(), 1U);
  EXPECT_EQ(log.oldest(), nullptr);
}

TEST(FeedLog, AFeedOfOneInStepStaysSmallHoweverLongItLives) {
  FeedLog log;
  FeedLog::Place place = log.enter();
  for (Offset offset = 0; offset < 10'000; ++offset) {
    fill(log, offset, 1);
    while (log.advance(place)) place.entry = static_cast<std::uint32_t>(place.chunk->entries.size());
    ASSERT_LE(log.bytes(), 2'500U) << "after " << offset;
  }
  log.leave(place);
}

TEST(FeedLog, AFeedOfManyOrOfOneThatFallsBehindHasFewChunks) {
  FeedLog many;
  std::vector<FeedLog::Place> places(100);
  for (FeedLog::Place& place : places) place = many.enter();
  fill(many, 0, 500);  // 53 KB
  EXPECT_LE(many.chunks(), 2U);
  for (const FeedLog::Place& place : places) many.leave(place);

  FeedLog behind;
  const FeedLog::Place place = behind.enter();
  fill(behind, 0, 5'000);  // 530 KB
  EXPECT_LE(behind.chunks(), 20U);
  behind.leave(place);
}

TEST(FeedLog, AdvancingTellsWhetherThereIsSomethingAtThePlace) {
  FeedLog log;
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

TEST(FeedLog, AnEventLargerThanAnyChunkHasOneOfItsOwn) {
  FeedLog log;
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

TEST(FeedLog, EvictionGoesToTheChunkBehind) {
  FeedLog log;
  FeedLog::Place place = log.enter();
  fill(log, 0, 60);
  FeedChunk* const oldest = log.oldest();
  ASSERT_EQ(oldest, place.chunk);

  const FeedLog::Place to = log.after(place);
  log.leave(place);

  EXPECT_NE(log.oldest(), oldest);
  EXPECT_EQ(to.entry, 0U);
  EXPECT_EQ(log.take_dropped().size(), 1U);
  log.leave(to);
}

}  // namespace
}  // namespace tailgate
