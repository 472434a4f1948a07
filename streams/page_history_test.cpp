#include "streams/page_history.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <vector>

#include "streams/scripted/kafka_side_test.h"

namespace tailgate {
namespace {

using scripted::ScriptedConsumer;
using Page = std::shared_ptr<const HistoryPage>;

class PageHistoryTest : public scripted::KafkaSideTest {
 protected:
  // An asker and what it got.
  struct Asked {
    Ask<HistoryAnswer> ask;
    std::optional<HistoryAnswer> answer;
    bool is_page() const { return answer && std::holds_alternative<Page>(*answer); }
    const HistoryPage& page() const { return *std::get<Page>(*answer); }
  };

  PageHistoryTest() {
    options.chunk_bytes_first = 10'000;
    options.chunk_bytes_max = 40'000;
    options.page_bytes_asked = 2'000;
    options.ahead_bytes_max = 160'000;
    catalog.known[partition] = {0, 1'000'000, 1'000'000};
    make_history();
  }
  void make_history() { history.emplace(std::vector<Consumer*>{&consumer}, catalog, own, clock, reports, options); }
  bool step() override { return history->step(); }
  Page find(Offset offset, Headers headers = Headers::left_out) { return history->find(partition, offset, headers); }
  std::unique_ptr<Asked> read(Offset offset, Headers headers = Headers::left_out) {
    return read(partition, offset, headers);
  }
  std::unique_ptr<Asked> read(const TopicPartition& of, Offset offset, Headers headers = Headers::left_out) {
    auto asked = std::make_unique<Asked>();
    asked->ask = history->read(of, offset, headers, io,
                               [to = asked.get()](HistoryAnswer answer) { to->answer = std::move(answer); });
    return asked;
  }
  // The page of ten records of 1,000 bytes from there, at whose end the log is.
  std::unique_ptr<Asked> read_ten(Offset first, Headers headers = Headers::left_out) {
    auto asked = read(first, headers);
    settle();
    consumer.records(partition, first, first + 9, 1'000);
    consumer.end(partition, first + 10);
    settle();
    return asked;
  }
  static std::vector<Offset> offsets_of(const HistoryPage& page) {
    std::vector<Offset> offsets;
    for (std::size_t at = page.begin; at < page.end;) offsets.push_back(page.records->read(at).offset);
    return offsets;
  }

  static std::string headers_in(const HistoryPage& page) {
    std::size_t at = page.begin;
    return std::string{page.records->read(at).headers};
  }

  HistoryOptions options;
  std::optional<PageHistory> history;
};

TEST_F(PageHistoryTest, APageHoldsWhatTheFetchBroughtAndTheRunLeavesTheConsumer) {
  const auto asked = read(50);
  settle();
  ASSERT_EQ(consumer.started.at(partition), 50);
  consumer.records(partition, 50, 79, 1'000);  // 31 KB
  settle();

  ASSERT_TRUE(asked->is_page());
  EXPECT_EQ(asked->page().first, 50);
  EXPECT_GT(asked->page().next, 55);
  EXPECT_FALSE(consumer.started.contains(partition));
  Offset next = asked->page().next;
  while (const Page page = find(next)) next = page->next;
  EXPECT_EQ(next, 80) << "nothing of the fetch was thrown away";
  EXPECT_EQ(consumer.starts.size(), 1U);
}

TEST_F(PageHistoryTest, AllWhoAskForWhatIsBeingReadShareTheRead) {
  const auto first = read(50);
  const auto same = read(50);
  settle();
  consumer.records(partition, 50, 51, 300);
  settle();
  const auto inside = read(51);
  const auto next = read(52);
  settle();
  consumer.records(partition, 52, 60, 1'000);
  settle();

  for (const auto* asked : {&first, &same, &inside, &next}) {
    ASSERT_TRUE((*asked)->is_page());
    EXPECT_EQ(&(*asked)->page(), &first->page());
  }
  EXPECT_EQ(consumer.starts.size(), 1U);
  EXPECT_EQ(history->counts().misses, 4U);
}

TEST_F(PageHistoryTest, HeadersAreReadForWhoNeedsThem) {
  const auto without = read_ten(50);
  ASSERT_TRUE(without->is_page());
  EXPECT_EQ(headers_in(without->page()), "");

  EXPECT_FALSE(find(50, Headers::read));
  const auto with = read_ten(50, Headers::read);
  ASSERT_TRUE(with->is_page());
  EXPECT_EQ(headers_in(with->page()), ScriptedConsumer::kHeaders);
  EXPECT_EQ(find(50).get(), &with->page()) << "it is for all";
  EXPECT_EQ(find(50, Headers::read).get(), &with->page());
  EXPECT_EQ(consumer.starts.size(), 2U);
}

TEST_F(PageHistoryTest, WhoWaitsForARunGetsHeadersToo) {
  const auto without = read(50);
  settle();
  consumer.record(partition, 50, 300);
  settle();
  ASSERT_FALSE(without->answer);
  const auto with = read_ten(55, Headers::read);

  ASSERT_TRUE(with->is_page());
  EXPECT_EQ(headers_in(with->page()), ScriptedConsumer::kHeaders);
  consumer.records(partition, 50, 54, 1'000);
  settle();
  ASSERT_TRUE(without->is_page());
  EXPECT_EQ(without->page().first, 50) << "from where it asked, whatever was read of it before";
  EXPECT_EQ(headers_in(without->page()), ScriptedConsumer::kHeaders) << "a run of the same partition";
}

TEST_F(PageHistoryTest, HeadersAreReadUntilNobodyHasNeededThemForLong) {
  const auto with = read_ten(50, Headers::read);
  const auto soon = read_ten(60);
  ASSERT_TRUE(soon->is_page());
  EXPECT_EQ(headers_in(soon->page()), ScriptedConsumer::kHeaders);

  pass(options.rest_ms + options.kept_ms + 1'000);
  const auto later = read_ten(60);
  ASSERT_TRUE(later->is_page());
  EXPECT_EQ(headers_in(later->page()), "");
}

TEST_F(PageHistoryTest, ARunThatComesToPagesOfAnotherPassesThemBy) {
  const auto later = read_ten(60);
  const auto earlier = read(50);
  settle();
  consumer.records(partition, 50, 52, 300);
  settle();
  const auto behind = read(75);  // the run from 50 will pass it
  settle();
  consumer.records(partition, 53, 79, 1'000);
  settle();

  ASSERT_TRUE(earlier->is_page());
  EXPECT_EQ(earlier->page().next, 60);
  EXPECT_EQ(find(65).get(), &later->page());
  ASSERT_TRUE(behind->is_page());
  EXPECT_EQ(behind->page().first, 70);
  EXPECT_EQ(offsets_of(behind->page()).front(), 70);
  EXPECT_EQ(history->counts().records, 30U) << "none of them twice";
  EXPECT_EQ(consumer.starts.size(), 2U);
}

TEST_F(PageHistoryTest, WhoWaitsForWhatAnotherRunHasReadMeanwhileGetsThat) {
  ScriptedConsumer second;
  history.emplace(std::vector<Consumer*>{&consumer, &second}, catalog, own, clock, reports, options);
  const auto first = read(50);
  const auto inside = read(65);
  settle();
  const auto faster = read(30);
  settle();
  ASSERT_EQ(second.started.at(partition), 30);
  second.records(partition, 30, 79, 1'000);
  settle();
  ASSERT_TRUE(faster->is_page());
  ASSERT_FALSE(inside->answer) << "their own run will say";
  consumer.record(partition, 50, 1'000);
  settle();

  ASSERT_TRUE(first->is_page());
  ASSERT_TRUE(inside->is_page());
  EXPECT_EQ(&inside->page(), find(65).get());
  EXPECT_EQ(history->counts().records, 50U);
  history.reset();
}

TEST_F(PageHistoryTest, HolesBelongToThePageBeforeTheNextRecord) {
  const auto asked = read(50);
  settle();
  consumer.records(partition, 50, 51, 4'000);
  consumer.record(partition, 9'000, 4'000);  // aborted or compacted between
  settle();

  ASSERT_TRUE(asked->is_page());
  EXPECT_EQ(asked->page().next, 9'000);
  EXPECT_EQ(offsets_of(asked->page()), (std::vector<Offset>{50, 51}));
  const Page inside = find(4'711);
  EXPECT_EQ(inside.get(), &asked->page());
}

TEST_F(PageHistoryTest, ARunGoesOnUntilARecordOrTheEndHasPassedTheOffset) {
  const auto asked = read(100);
  settle();
  pass(4'000);  // inside an aborted transaction nothing comes
  EXPECT_FALSE(asked->answer);
  EXPECT_TRUE(consumer.started.contains(partition));
  consumer.end(partition, 5'000);
  settle();

  ASSERT_TRUE(asked->is_page());
  EXPECT_EQ(asked->page().first, 100);
  EXPECT_EQ(asked->page().next, 5'000);
  EXPECT_EQ(asked->page().end, 0U);
}

TEST_F(PageHistoryTest, ALongSilenceIsToldAndTheRunGoesOnForWhoAsksAgain) {
  const auto asked = read(100);
  settle();
  pass(6'000);
  ASSERT_TRUE(asked->answer);
  EXPECT_TRUE(std::holds_alternative<HistoryDown>(*asked->answer));
  ASSERT_TRUE(consumer.started.contains(partition)) << "it may be passing an aborted transaction";

  const auto again = read(100);
  settle();
  consumer.records(partition, 900, 910, 1'000);
  settle();

  EXPECT_TRUE(again->is_page());
  EXPECT_EQ(consumer.starts.size(), 1U);
}

TEST_F(PageHistoryTest, ASilentRunThatNobodyWaitsForEnds) {
  const auto asked = read(100);
  settle();
  pass(70'000);
  EXPECT_FALSE(consumer.started.contains(partition));
}

TEST_F(PageHistoryTest, TheReadableEndIsNotYet) {
  const auto asked = read(100);
  settle();
  consumer.end(partition, 100);
  settle();

  ASSERT_TRUE(asked->answer);
  ASSERT_TRUE(std::holds_alternative<HistoryNotYet>(*asked->answer));
  EXPECT_EQ(std::get<HistoryNotYet>(*asked->answer).readable, 100);
  EXPECT_FALSE(consumer.started.contains(partition)) << "one that waits at an end keeps the others waiting";
}

TEST_F(PageHistoryTest, AnOffsetThatIsNotReadableYetIsAnsweredFromTheEnds) {
  catalog.known[partition] = {0, 200, 90};
  const auto asked = read(150);  // Kafka says nothing between the stable offset and the high watermark
  settle();
  pass(6'000);

  ASSERT_TRUE(asked->answer);
  ASSERT_TRUE(std::holds_alternative<HistoryNotYet>(*asked->answer));
  EXPECT_EQ(std::get<HistoryNotYet>(*asked->answer).readable, 90);
}

TEST_F(PageHistoryTest, OneWhoAsksBeyondTheEndIsNotAnsweredByARunThatStandsThere) {
  const auto at_end = read(100);
  settle();
  consumer.records(partition, 100, 104, 300);
  consumer.end(partition, 105);
  settle();
  catalog.known[partition] = {0, 105, 105};

  const auto beyond = read(106);
  settle();
  ASSERT_EQ(consumer.started.at(partition), 106) << "a run of its own";
  consumer.out_of_range(partition, 106);
  settle();

  ASSERT_TRUE(beyond->answer);
  ASSERT_TRUE(std::holds_alternative<HistoryBeyond>(*beyond->answer));
  EXPECT_EQ(std::get<HistoryBeyond>(*beyond->answer).end, 105);
}

TEST_F(PageHistoryTest, BelowTheLogsStartIsGone) {
  catalog.known[partition] = {500, 600, 600};
  const auto asked = read(100);
  settle();
  consumer.out_of_range(partition, 100);
  settle();

  ASSERT_TRUE(asked->answer);
  ASSERT_TRUE(std::holds_alternative<HistoryGone>(*asked->answer));
  EXPECT_EQ(std::get<HistoryGone>(*asked->answer).begin, 500);
}

TEST_F(PageHistoryTest, ARefusalThatIsNotTrueAnyMoreIsTriedAgainButNotForEver) {
  const auto asked = read(100);
  settle();
  consumer.out_of_range(partition, 100);
  settle();
  ASSERT_TRUE(consumer.started.contains(partition)) << "the offset is good, as the ends say";
  for (int i = 0; i < 5 && !asked->answer; ++i) {
    consumer.out_of_range(partition, 100);
    settle();
  }

  ASSERT_TRUE(asked->answer);
  EXPECT_TRUE(std::holds_alternative<HistoryDown>(*asked->answer));
}

TEST_F(PageHistoryTest, OneWhoReadsPageAfterPageIsReadAheadOf) {
  Offset produced = 0;
  Offset next = 0;
  int waits = 0;
  for (int i = 0; i < 100; ++i) {
    const auto asked = read(next);
    if (!find(next)) ++waits;
    settle();
    // Faster than who reads, for as long as it is wanted.
    while (consumer.started.contains(partition)) {
      produced = std::max(produced, consumer.starts.back());
      consumer.records(partition, produced, produced + 9, 1'000);
      produced += 10;
      settle();
    }
    ASSERT_TRUE(asked->is_page());
    next = asked->page().next;
  }

  EXPECT_GT(next, 2'000);
  EXPECT_LT(waits, 10) << "its next page was there";
  EXPECT_LE(consumer.starts.size(), 60U) << "and a start served several";
}

TEST_F(PageHistoryTest, ReadingAheadIsBounded) {
  auto asked = read(0);
  settle();
  Offset produced = 0;
  const auto feed = [&] {
    for (int i = 0; i < 100 && consumer.started.contains(partition); ++i) {
      consumer.records(partition, produced, produced + 9, 1'000);
      produced += 10;
      settle();
    }
  };
  feed();
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(asked->is_page());
    asked = read(asked->page().next);
    settle();
    feed();
  }
  feed();

  EXPECT_FALSE(consumer.started.contains(partition));
  EXPECT_LT(history->counts().memory_bytes, 600'000U);
}

TEST_F(PageHistoryTest, PagesOfOneWhoReadsOnShareAChunkThatIsCountedOnce) {
  options.chunk_bytes_first = options.chunk_bytes_max = 100'000;
  make_history();
  std::vector<Page> pages;
  for (Offset first = 0; first < 50; first += 10) {
    const auto asked = read(first);
    settle();
    consumer.records(partition, first, first + 9, 1'000);
    settle();
    ASSERT_TRUE(asked->is_page());
    pages.push_back(std::get<Page>(*asked->answer));
  }

  EXPECT_NE(pages[0]->records, pages[1]->records) << "who asks for a second page may not ask for a third";
  EXPECT_EQ(pages[2]->records, pages[3]->records);
  EXPECT_EQ(pages[3]->records, pages[4]->records);
  EXPECT_EQ(offsets_of(*pages[4]), (std::vector<Offset>{40, 41, 42, 43, 44, 45, 46, 47, 48, 49}));
  EXPECT_GE(history->counts().memory_bytes, 100'000U) << "all of the chunk";
  EXPECT_LE(history->counts().memory_bytes, 100'000U + 2 * 12'000U) << "and once";

  history->drop(partition);
  settle();
  pages.erase(pages.begin(), pages.end() - 1);
  EXPECT_EQ(history->counts().memory_bytes, 100'000U + PageCache::kPageOverhead) << "one page holds all of its chunk";
  pages.clear();

  EXPECT_EQ(history->counts().memory_bytes, 0U);
}

TEST_F(PageHistoryTest, PagesAreForgottenWhenTheirLogIsReplaced) {
  const auto asked = read(0);
  settle();
  consumer.records(partition, 0, 9, 1'000);
  settle();
  ASSERT_TRUE(find(0));

  history->drop(partition);

  EXPECT_FALSE(find(0));
}

TEST_F(PageHistoryTest, WhoWaitsForALogThatIsReplacedIsAnsweredFromTheNewOne) {
  const auto asked = read(5);
  settle();
  consumer.records(partition, 5, 6, 300);
  settle();
  history->drop(partition);
  settle();
  ASSERT_EQ(consumer.starts.size(), 2U);
  consumer.record(partition, 5, 3'000);
  settle();

  ASSERT_TRUE(asked->is_page());
  EXPECT_EQ(offsets_of(asked->page()), (std::vector<Offset>{5})) << "nothing of the old one";
}

TEST_F(PageHistoryTest, TheLeastUsedPagesGoWhenTheBoundIsReached) {
  options.history_bytes = 100'000;
  make_history();
  for (Offset first = 0; first < 200; first += 10) {
    const auto asked = read_ten(first);
    ASSERT_TRUE(asked->is_page());
    ASSERT_TRUE(find(0)) << "it is used again and again";
  }

  EXPECT_LE(history->counts().memory_bytes, 100'000U);
  EXPECT_FALSE(find(20));
  EXPECT_TRUE(find(195));
}

TEST_F(PageHistoryTest, APageThatSomebodyHoldsStaysAndOthersGoForIt) {
  options.history_bytes = 100'000;
  make_history();
  const auto held = read_ten(0);
  for (Offset first = 10; first < 200; first += 10) {
    const auto asked = read_ten(first);
    ASSERT_TRUE(asked->is_page());
    EXPECT_LE(history->counts().memory_bytes, 100'000U);
  }

  EXPECT_EQ(find(0).get(), &held->page()) << "letting go of it would have freed nothing";
  EXPECT_FALSE(find(20));
}

TEST_F(PageHistoryTest, WhileThoseWhoAskedHoldAllThereIsReadsWaitForASecond) {
  options.history_bytes = 20'000;
  make_history();
  const auto read_page = [&](const TopicPartition& of) {
    auto asked = read(of, 0);
    settle();
    if (!consumer.started.contains(of)) return asked;
    consumer.more(of, 10, 1'000);
    settle();
    return asked;
  };
  std::vector<std::unique_ptr<Asked>> held;
  for (std::int32_t i = 0; i < 5; ++i) held.push_back(read_page({"held", i}));
  for (const auto& asked : held) ASSERT_TRUE(asked->is_page()) << "one read at a time goes on";
  EXPECT_GT(history->counts().memory_bytes, 50'000U) << "what is held counts";

  const auto stuck = read({"stuck", 0}, 0);  // its leader says nothing
  settle();
  ASSERT_TRUE(consumer.started.contains({"stuck", 0}));
  const auto waiting = read_page({"waiting", 0});
  EXPECT_FALSE(consumer.started.contains({"waiting", 0}));
  pass(1'300);
  ASSERT_TRUE(consumer.started.contains({"waiting", 0})) << "not for ever";
  const auto second = read_page({"second", 0});
  EXPECT_FALSE(consumer.started.contains({"second", 0}));
  held.clear();
  pass(200);
  EXPECT_TRUE(consumer.started.contains({"second", 0})) << "there is room again";
}

// Readers that take page after page of partitions of their own, and now and then let one lie for a second.
TEST_F(PageHistoryTest, EveryReaderGetsOnWhateverTheOthersHold) {
  options.history_bytes = 60'000;
  std::mt19937 random{1};
  const auto chance = [&random](unsigned in) { return random() % in == 0; };
  for (int round = 0; round < 5; ++round) {
    make_history();
    consumer = ScriptedConsumer{};
    struct Reader {
      TopicPartition of;
      Offset next = 0;
      int pages = 0;
      std::unique_ptr<Asked> asked = {};
      std::int64_t until_ms = 0;  // it holds what it has got
    };
    std::vector<Reader> readers;
    for (std::int32_t i = 0; i < 12; ++i) readers.push_back({{"orders", i}});
    for (int turn = 0; turn < 300; ++turn) {
      std::map<const RecordChunk*, std::size_t> held;
      for (Reader& reader : readers) {
        if (!reader.asked) reader.asked = read(reader.of, reader.next);
        if (!reader.asked->answer) continue;
        ASSERT_TRUE(reader.asked->is_page());
        const HistoryPage& page = reader.asked->page();
        ASSERT_TRUE(page.first <= reader.next && reader.next < page.next);
        if (reader.until_ms == 0 && chance(2)) reader.until_ms = clock.steady_ms() + 1'000;
        if (clock.steady_ms() < reader.until_ms) {
          held[page.records.get()] = page.records->capacity_bytes();
          continue;
        }
        reader.next = page.next;
        reader.until_ms = 0;
        ++reader.pages;
        reader.asked.reset();
      }
      std::size_t held_bytes = 0;
      for (const auto& [chunk, bytes] : held) held_bytes += bytes;
      const std::size_t memory_bytes = history->counts().memory_bytes;
      EXPECT_GE(memory_bytes, held_bytes);
      EXPECT_LE(memory_bytes, options.history_bytes + held_bytes + readers.size() * options.chunk_bytes_first);
      for (const Reader& reader : readers) {
        if (consumer.started.contains(reader.of) && chance(2))
          consumer.more(reader.of, static_cast<Offset>(random() % 12), 1'000);
      }
      settle();
      if (chance(3)) pass(100);
    }
    for (const Reader& reader : readers) EXPECT_GE(reader.pages, 3) << reader.of.partition;
    readers.clear();
    pass(130'000);  // runs that have come to nothing end, and then their pages are old
    EXPECT_EQ(history->counts().memory_bytes, 0U);
  }
}

TEST_F(PageHistoryTest, PagesAreNotGivenWhenTheyAreOld) {
  auto asked = read(0);
  settle();
  consumer.records(partition, 0, 9, 1'000);
  settle();
  pass(59'000);
  EXPECT_TRUE(find(0));
  pass(2'000);
  EXPECT_FALSE(find(0)) << "compaction may have changed what they hold";
  EXPECT_GT(history->counts().memory_bytes, 10'000U) << "who asked still has it";
  asked.reset();
  EXPECT_EQ(history->counts().memory_bytes, 0U);
}

TEST_F(PageHistoryTest, PartitionsTakeTurnsWhenTheConsumerHasNoPlaceLeft) {
  options.runs_per_consumer = 1;
  make_history();
  const TopicPartition other{"views", 0};
  const auto first = read(0);
  const auto second = read(other, 0);
  settle();
  ASSERT_TRUE(consumer.started.contains(partition));
  ASSERT_FALSE(consumer.started.contains(other));
  consumer.records(partition, 0, 9, 1'000);
  settle();

  EXPECT_TRUE(first->is_page());
  ASSERT_TRUE(consumer.started.contains(other));
  consumer.records(other, 0, 9, 1'000);
  settle();
  EXPECT_TRUE(second->is_page());
}

// Several wait for each of them, and ask again a little after they were told: at no time is there nobody who waits.
TEST_F(PageHistoryTest, PartitionsWhoseLeaderIsAwayLeaveRoomForTheOthers) {
  options.runs_per_consumer = 4;
  make_history();
  struct Waiting {
    TopicPartition of;
    std::int64_t ask_ms;
    std::unique_ptr<Asked> asked = {};
  };
  std::vector<Waiting> all;
  for (std::int32_t p = 0; p < 6; ++p) {
    for (int i = 0; i < 3; ++i) all.push_back({{"away", p}, clock.steady_ms() + 700 * i});
  }
  const auto ask_again = [&] {
    for (Waiting& one : all) {
      if (one.asked && one.asked->answer) {
        EXPECT_TRUE(std::holds_alternative<HistoryDown>(*one.asked->answer));
        one.asked.reset();
        one.ask_ms = clock.steady_ms() + 500;
      }
      if (!one.asked && one.ask_ms <= clock.steady_ms()) one.asked = read(one.of, 0);
    }
  };
  for (int i = 0; i < 20; ++i) {
    ask_again();
    pass(100);
  }
  ASSERT_EQ(consumer.started.size(), 4U);
  for (int round = 0; round < 10; ++round) {
    const std::int64_t begun_ms = clock.steady_ms();
    const Offset next = 10 * round;
    auto asked = read(next);
    while (!asked->is_page() && clock.steady_ms() - begun_ms < 100'000) {
      if (asked->answer) asked = read(next);
      ask_again();
      pass(100);
      if (!consumer.started.contains(partition)) continue;
      consumer.records(partition, next, next + 9, 1'000);
      consumer.end(partition, next + 10);
      settle();
    }
    EXPECT_TRUE(asked->is_page()) << round;
    EXPECT_LT(clock.steady_ms() - begun_ms, round == 0 ? 12'000 : 1'000) << round;
  }
  EXPECT_GE(consumer.started.size(), 2U) << "they are still tried";
  // Their leader is back.
  const auto is_answered = [](const Waiting& one) { return one.asked && one.asked->is_page(); };
  const std::int64_t back_ms = clock.steady_ms();
  while (!std::all_of(all.begin(), all.end(), is_answered) && clock.steady_ms() - back_ms < 100'000) {
    for (Waiting& one : all) {
      if (!one.asked || (one.asked->answer && !one.asked->is_page())) one.asked = read(one.of, 0);
      if (!consumer.started.contains(one.of)) continue;
      consumer.records(one.of, 0, 9, 1'000);
      consumer.end(one.of, 10);
      settle();
    }
    pass(100);
  }
  EXPECT_LT(clock.steady_ms() - back_ms, 1'000);
}

TEST_F(PageHistoryTest, ARecordLargerThanAPageGetsAPageOfItsSize) {
  const auto asked = read(0);
  settle();
  consumer.record(partition, 0, 300'000);
  consumer.record(partition, 1, 10);
  settle();

  ASSERT_TRUE(asked->is_page());
  EXPECT_EQ(offsets_of(asked->page()), (std::vector<Offset>{0}));
}

}  // namespace
}  // namespace tailgate
