#include "streams/record_log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace tailgate {
namespace {

constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();

void append(RecordLog& log, Offset offset, std::size_t value_bytes = 10) {
  const std::string value(value_bytes, 'v');
  RecordView record;
  record.offset = offset;
  record.value = value;
  log.append(record, /*now_ms=*/offset);
}

// The offsets from the cursor to the head; -1 stands for a `lost`.
std::vector<Offset> read_all(const RecordLog& log, RecordLog::Cursor& cursor) {
  std::vector<Offset> offsets;
  RecordView record;
  while (true) {
    switch (log.read(cursor, record)) {
      case RecordLog::Step::record:
        offsets.push_back(record.offset);
        break;
      case RecordLog::Step::progress:
        break;
      case RecordLog::Step::head:
        return offsets;
      case RecordLog::Step::lost:
        offsets.push_back(-1);
        return offsets;
    }
  }
}

TEST(RecordLog, HasNoEpochBeforeItsStartIsKnown) {
  const RecordLog log;
  EXPECT_EQ(log.epoch(), 0U);
}

TEST(RecordLog, GivesWhatWasAppendedInOrderAndThenTheHead) {
  RecordLog log;
  log.start(5);
  auto cursor = log.seek(5);
  EXPECT_EQ(read_all(log, cursor), std::vector<Offset>{});

  append(log, 5);
  append(log, 7);
  append(log, 20);

  EXPECT_EQ(read_all(log, cursor), (std::vector<Offset>{5, 7, 20}));
  EXPECT_EQ(cursor.next, 21);
  EXPECT_EQ(log.next(), 21);
}

TEST(RecordLog, ReadsFromTheMiddleOfAChunk) {
  RecordLog log;
  log.start(0);
  for (Offset offset = 0; offset < 10; ++offset) append(log, 2 * offset);
  auto cursor = log.seek(7);
  EXPECT_EQ(read_all(log, cursor), (std::vector<Offset>{8, 10, 12, 14, 16, 18}));
}

TEST(RecordLog, TheEndMovesACursorOverOffsetsThatHoldNoRecord) {
  RecordLog log;
  log.start(0);
  append(log, 0);
  auto cursor = log.seek(0);
  read_all(log, cursor);
  EXPECT_FALSE(log.at_end());

  log.reach_end(100);

  RecordView record;
  EXPECT_TRUE(log.at_end());
  EXPECT_EQ(log.read(cursor, record), RecordLog::Step::progress);
  EXPECT_EQ(cursor.next, 100);
  EXPECT_EQ(log.read(cursor, record), RecordLog::Step::head);
  append(log, 120);
  EXPECT_FALSE(log.at_end());
  EXPECT_EQ(read_all(log, cursor), std::vector<Offset>{120});
}

TEST(RecordLog, ACursorGoesOnFromChunkToChunk) {
  RecordLog log;
  log.start(0);
  for (Offset offset = 0; offset < 100; ++offset) append(log, offset, 1'000);
  auto cursor = log.seek(0);
  const auto offsets = read_all(log, cursor);
  ASSERT_EQ(offsets.size(), 100U);
  for (Offset offset = 0; offset < 100; ++offset) EXPECT_EQ(offsets[static_cast<std::size_t>(offset)], offset);
}

TEST(RecordLog, WhatWasDroppedIsLostAndTheRestIsHeldFromFirstOn) {
  RecordLog log;
  log.start(0);
  for (Offset offset = 0; offset < 100; ++offset) append(log, offset, 1'000);
  const std::size_t bytes = log.bytes();
  EXPECT_EQ(log.first(), 0);

  const std::size_t freed = log.drop_oldest(kAll);

  EXPECT_GT(freed, 0U);
  EXPECT_EQ(log.bytes(), bytes - freed);
  EXPECT_GT(log.first(), 0);
  auto gone = log.seek(log.first() - 1);
  EXPECT_EQ(read_all(log, gone), std::vector<Offset>{-1});
  auto held = log.seek(log.first());
  const auto offsets = read_all(log, held);
  ASSERT_FALSE(offsets.empty());
  EXPECT_EQ(offsets.front(), log.first());
  EXPECT_EQ(offsets.back(), 99);
}

TEST(RecordLog, ACursorKeepsTheChunkThatItStandsInAlive) {
  RecordLog log;
  log.start(0);
  append(log, 0, 1'000);
  append(log, 1, 1'000);
  auto cursor = log.seek(0);
  RecordView record;
  ASSERT_EQ(log.read(cursor, record), RecordLog::Step::record);
  for (Offset offset = 2; offset < 100; ++offset) append(log, offset, 1'000);
  while (log.drop_oldest(kAll) > 0) {
  }

  ASSERT_EQ(log.read(cursor, record), RecordLog::Step::record);

  EXPECT_EQ(record.offset, 1);
  EXPECT_EQ(record.value, std::string(1'000, 'v'));
}

TEST(RecordLog, TheChunkThatIsWrittenToAndYoungOnesAreNotDropped) {
  RecordLog log;
  log.start(0);
  append(log, 0);
  EXPECT_EQ(log.drop_oldest(kAll), 0U);
  EXPECT_EQ(log.oldest_ms(), kAll);
  for (Offset offset = 1; offset < 100; ++offset) append(log, offset, 1'000);
  EXPECT_EQ(log.drop_oldest(log.oldest_ms()), 0U);
  EXPECT_GT(log.drop_oldest(log.oldest_ms() + 1), 0U);
}

TEST(RecordLog, EveryCursorOfAnEpochThatIsOverIsLost) {
  RecordLog log;
  log.start(0);
  append(log, 0);
  append(log, 1);
  auto inside = log.seek(0);
  RecordView record;
  ASSERT_EQ(log.read(inside, record), RecordLog::Step::record);
  auto at_head = log.seek(2);
  const auto epoch = log.epoch();

  log.start(2);  // even where the new one goes on at the same offset

  EXPECT_GT(log.epoch(), epoch);
  EXPECT_EQ(log.read(inside, record), RecordLog::Step::lost);
  EXPECT_EQ(log.read(at_head, record), RecordLog::Step::lost);
  EXPECT_EQ(log.bytes(), 0U);
  auto fresh = log.seek(log.first());
  EXPECT_EQ(log.read(fresh, record), RecordLog::Step::head);
}

TEST(RecordLog, APlaceThatItHasNeverReachedIsLost) {
  RecordLog log;
  log.start(10);
  RecordView record;
  auto beyond = log.seek(11);
  EXPECT_EQ(log.read(beyond, record), RecordLog::Step::lost);
  append(log, 12);
  auto before = log.seek(9);
  EXPECT_EQ(log.read(before, record), RecordLog::Step::lost);
  auto hole = log.seek(11);
  EXPECT_EQ(read_all(log, hole), std::vector<Offset>{12});
}

// Offsets are 3n + epoch's number in an epoch, so that a mix of two is seen.
TEST(RecordLog, AReaderOnAnotherThreadSeesEachEpochWithoutGapsWhateverTheWriterDoes) {
  RecordLog log;
  std::atomic<bool> is_over{false};
  std::thread writer{[&] {
    Offset next = 0;
    for (int epoch = 0; epoch < 30; ++epoch) {
      next += 1'000;
      log.start(next);
      for (int i = 0; i < 400; ++i, ++next) {
        append(log, next, 200);
        if (i % 50 == 49) log.drop_oldest(kAll);
        if (i % 64 == 0) log.reach_end(next + 1);
      }
    }
    is_over = true;
  }};
  RecordView record;
  std::uint64_t records = 0;
  auto cursor = log.seek(0);
  Offset last = -1;
  bool is_new = true;
  while (true) {
    const bool was_over = is_over;
    const auto step = log.read(cursor, record);
    if (step == RecordLog::Step::record) {
      if (!is_new) {
        ASSERT_EQ(record.offset, last + 1);
      }
      ASSERT_GT(record.offset, last);
      ASSERT_EQ(record.value->size(), 200U);
      last = record.offset;
      is_new = false;
      ++records;
    } else if (step == RecordLog::Step::lost) {
      cursor = log.seek(log.first());
      is_new = true;
    } else if (step == RecordLog::Step::head && was_over) {
      break;
    }
  }
  writer.join();
  EXPECT_GT(records, 0U);
  EXPECT_EQ(last, log.next() - 1);
}

}  // namespace
}  // namespace tailgate
