#include "streams/key_index.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "streams/scripted/scripted_stream_test.h"

namespace tailgate {
namespace {

class KeyIndexTest : public scripted::StreamTest {
 protected:
  // What a feed that filters by `keys` would give, read as a feed does it; `looked`: at so many records.
  struct Reader {
    Reader(KeyIndex& index, std::vector<std::string> keys_in)
        : keys{std::move(keys_in)}, follow{index.follow(keys, [this] { ++news; })} {}
    void read() {
      const RecordLog& log = follow->log();
      RecordView record;
      while (true) {
        follow->skip(cursor);
        const RecordLog::Step step = log.read(cursor, record);
        if (step == RecordLog::Step::head) break;
        if (step == RecordLog::Step::lost) cursor = log.seek(log.first());
        if (step != RecordLog::Step::record) continue;
        ++looked;
        const bool is_match = record.key && std::find(keys.begin(), keys.end(), *record.key) != keys.end();
        if (is_match) got.push_back(record.offset);
      }
      cursor.chunk.reset();
    }

    std::vector<std::string> keys;
    int news = 0;
    int looked = 0;
    std::vector<Offset> got;
    std::unique_ptr<KeyedFollow> follow;
    RecordLog::Cursor cursor;
  };

  void start(Reader& reader) { reader.cursor = log(0).seek(log(0).next()); }

  KeyIndex& index() { return feeds.key_index(source("a", 0)); }

  // Of the keys k0, k1, ...: one each.
  std::vector<std::unique_ptr<Reader>> some_readers(int count) {
    std::vector<std::unique_ptr<Reader>> readers;
    for (int i = 0; i < count; ++i) {
      readers.push_back(std::make_unique<Reader>(index(), std::vector<std::string>{"k" + std::to_string(i)}));
      start(*readers.back());
    }
    return readers;
  }
};

TEST_F(KeyIndexTest, ARecordIsNewsForThoseOfItsKeyAlone) {
  log(0).start(0);
  auto readers = some_readers(100);
  // (Those who hear of records that are not for them have their turns; here nobody's time comes.)
  append(0, 0, "", "nobody's");
  tell(0);
  for (const auto& reader : readers) reader->news = 0;

  for (Offset offset = 1; offset <= 50; ++offset) append(0, offset, "", "k7");
  tell(0);

  EXPECT_EQ(readers[7]->news, 1);
  int others = -1;
  for (const auto& reader : readers) others += reader->news;
  EXPECT_EQ(others, 0);
}

TEST_F(KeyIndexTest, NoRecordOfOthersIsLookedAt) {
  log(0).start(0);
  Reader reader{index(), {"mine"}};
  start(reader);
  for (Offset offset = 0; offset < 5'000; ++offset) append(0, offset, "", offset % 1'000 == 0 ? "mine" : "other");
  tell(0);

  reader.read();

  EXPECT_EQ(reader.got, (std::vector<Offset>{0, 1'000, 2'000, 3'000, 4'000}));
  EXPECT_EQ(reader.looked, 5);
}

TEST_F(KeyIndexTest, MoreMatchesThanAreRememberedAreAllFound) {
  log(0).start(0);
  Reader reader{index(), {"mine"}};
  start(reader);
  std::vector<Offset> expected;
  for (Offset offset = 0; offset < 1'000; ++offset) {
    append(0, offset, "", offset % 3 == 0 ? "mine" : "other");
    if (offset % 3 == 0) expected.push_back(offset);
  }
  tell(0);

  reader.read();

  EXPECT_EQ(reader.got, expected);
}

TEST_F(KeyIndexTest, OneThatJoinsLaterLooksThroughWhatTheIndexHasPassed) {
  log(0).start(0);
  Reader first{index(), {"mine"}};
  start(first);
  append(0, 0, "", "mine");
  append(0, 1, "", "other");
  tell(0);

  Reader later{index(), {"mine"}};
  later.cursor = log(0).seek(0);
  append(0, 2, "", "mine");
  tell(0);
  later.read();

  EXPECT_EQ(later.got, (std::vector<Offset>{0, 2}));
}

TEST_F(KeyIndexTest, EveryoneHearsWithinASecondHowFarOthersRecordsGo) {
  log(0).start(0);
  auto readers = some_readers(100);
  append(0, 0, "", "other");
  tell(0);

  pass(KeyIndex::kProgressMs);

  for (const auto& reader : readers) {
    EXPECT_EQ(reader->news, 1) << reader->keys[0];
    reader->read();
    EXPECT_EQ(reader->looked, 0);
    EXPECT_EQ(reader->cursor.next, 1);
  }
}

TEST_F(KeyIndexTest, OneWithRecordsOfItsOwnIsNotWokenForOthersAsWellUntilItsOwnEnd) {
  log(0).start(0);
  Reader busy{index(), {"mine"}};
  start(busy);
  Reader quiet{index(), {"rare"}};
  start(quiet);
  Offset next = 0;
  for (int i = 0; i < 40; ++i) {
    append(0, next++, "", "mine");
    append(0, next++, "", "other");
    tell(0);
    busy.read();
    pass(KeyIndex::kProgressMs / 4);
  }
  append(0, next++, "", "other");
  tell(0);

  EXPECT_LE(busy.news, 42) << "40 of its own";
  EXPECT_GE(quiet.news, 8);

  pass(2 * KeyIndex::kProgressMs + 500);
  busy.read();
  EXPECT_EQ(busy.cursor.next, next);
  EXPECT_GE(busy.news, 41) << "the last one is of others";
}

TEST_F(KeyIndexTest, OneThatLeavesKeepsNobodyElseFromHearing) {
  log(0).start(0);
  auto readers = some_readers(100);
  append(0, 0, "", "other");
  tell(0);
  const auto heard = readers.begin() + 10;
  ASSERT_EQ((*heard)->news, 1);

  readers.erase(heard);
  pass(2 * KeyIndex::kProgressMs);

  for (const auto& reader : readers) EXPECT_GE(reader->news, 1) << reader->keys[0];
}

TEST_F(KeyIndexTest, OneThatComesKeepsNobodyElseFromHearing) {
  log(0).start(0);
  for (std::size_t turns = 0; turns < 20; ++turns) {
    const auto readers = some_readers(10);
    append(0, static_cast<Offset>(turns), "", "other");
    tell(0);
    pass(static_cast<std::int64_t>(turns) * 50);  // another turn begins with each
    Reader late{index(), {"late"}};
    start(late);
    pass(2 * KeyIndex::kProgressMs);

    for (const auto& reader : readers) EXPECT_GE(reader->news, 1) << reader->keys[0] << ", " << turns;
  }
}

TEST_F(KeyIndexTest, ANewEpochIsNewsForAllAndHidesNothing) {
  log(0).start(10);
  Reader reader{index(), {"mine"}};
  start(reader);
  append(0, 10, "", "mine");
  tell(0);
  log(0).start(3);
  append(0, 3, "", "other");
  append(0, 4, "", "mine");
  reader.news = 0;
  tell(0);

  EXPECT_EQ(reader.news, 1);
  reader.read();
  EXPECT_EQ(reader.got, (std::vector<Offset>{4}));
}

// Whatever comes when, a reader gets what one that looks at every record gets, or hears that the log was lost.
TEST_F(KeyIndexTest, GivesWhatLookingAtEveryRecordGives) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  const auto below = [&random](int n) { return std::uniform_int_distribution<int>{0, n - 1}(random); };
  log(0).start(0);
  std::vector<std::unique_ptr<Reader>> readers;
  std::vector<std::vector<Offset>> expected;
  Offset next = 0;
  for (int step = 0; step < 3'000; ++step) {
    switch (below(4)) {
      case 0:
        if (readers.size() == 20) break;
        readers.push_back(std::make_unique<Reader>(
            index(), below(2) == 0 ? std::vector<std::string>{"k0", "k1"}
                                   : std::vector<std::string>{"k" + std::to_string(below(8))}));
        start(*readers.back());
        expected.emplace_back();
        break;
      case 1:
        for (int records = below(200); records > 0; --records) {
          next += 1 + below(2);
          const std::string key = "k" + std::to_string(below(8));
          append(0, next - 1, std::string(static_cast<std::size_t>(below(300)), 'x'), key.c_str());
          for (std::size_t i = 0; i < readers.size(); ++i) {
            const auto& keys = readers[i]->keys;
            if (std::find(keys.begin(), keys.end(), key) != keys.end()) expected[i].push_back(next - 1);
          }
        }
        break;
      case 2:
        tell(0);
        break;
      default:
        if (!readers.empty()) readers[static_cast<std::size_t>(below(static_cast<int>(readers.size())))]->read();
    }
  }
  for (std::size_t i = 0; i < readers.size(); ++i) {
    readers[i]->read();
    EXPECT_EQ(readers[i]->got, expected[i]) << i;
  }
}

}  // namespace
}  // namespace tailgate
