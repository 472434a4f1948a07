#include "streams/tail_reader.h"

#include <gtest/gtest.h>

#include <optional>

#include "streams/page_history.h"
#include "streams/scripted/kafka_side_test.h"

namespace tailgate {
namespace {

class NoHistory final : public History {
 public:
  std::shared_ptr<const HistoryPage> find(const TopicPartition&, Offset, Headers) override { return nullptr; }
  Ask<HistoryAnswer> read(const TopicPartition&, Offset, Headers, Loop&, std::function<void(HistoryAnswer)>) override {
    return {};
  }
  void drop(const TopicPartition& partition) override { dropped.push_back(partition); }

  std::vector<TopicPartition> dropped;
};

class TailReaderTest : public scripted::KafkaSideTest {
 protected:
  TailReaderTest() {
    options.linger_ms = 60'000;
    catalog.known[partition] = {10, 100, 100};
    reader.emplace(consumer, catalog, history, own, clock, reports, options);
  }
  void make_reader() { reader.emplace(consumer, catalog, history, own, clock, reports, options); }
  bool step() override { return reader->step(); }
  std::unique_ptr<Follow> follow(Loop& loop) {
    return reader->follow(partition, loop, [this] { ++news; });
  }
  // At offset 110, which Kafka then says lies beyond its end; asked, it has `ends`.
  std::unique_ptr<Follow> follow_and_deny(const PartitionEnds& ends) {
    auto follow_it = follow(io);
    settle();
    consumer.records(partition, 100, 109);
    settle();
    catalog.known[partition] = ends;
    consumer.out_of_range(partition, 110);
    return follow_it;
  }
  std::vector<Offset> read_all(const RecordLog& log, RecordLog::Cursor& cursor) {
    std::vector<Offset> offsets;
    RecordView record;
    while (log.read(cursor, record) == RecordLog::Step::record) offsets.push_back(record.offset);
    return offsets;
  }

  NoHistory history;
  TailOptions options;
  std::optional<TailReader> reader;
  int news = 0;
};

TEST_F(TailReaderTest, ATailStartsAtTheReadableEndAndTellsItsFollowersOnceABatch) {
  catalog.known[partition] = {10, 120, 100};  // a transaction is open behind 100
  const auto follow_it = follow(io);
  EXPECT_EQ(follow_it->log().epoch(), 0U);
  settle();
  ASSERT_EQ(consumer.started.at(partition), 100);
  EXPECT_EQ(follow_it->log().epoch(), 1U);
  EXPECT_EQ(news, 1);

  consumer.records(partition, 100, 104);
  consumer.end(partition, 105);
  settle();

  EXPECT_EQ(news, 2);
  EXPECT_TRUE(follow_it->log().at_end());
  auto cursor = follow_it->log().seek(100);
  EXPECT_EQ(read_all(follow_it->log(), cursor), (std::vector<Offset>{100, 101, 102, 103, 104}));
}

TEST_F(TailReaderTest, ASecondFollowerSharesTheTailAndItsPast) {
  const auto first = follow(io);
  settle();
  consumer.records(partition, 100, 101);
  settle();

  const auto second = follow(io);

  EXPECT_EQ(&second->log(), &first->log());
  auto cursor = second->log().seek(100);
  EXPECT_EQ(read_all(second->log(), cursor).size(), 2U);
  EXPECT_EQ(consumer.starts.size(), 1U);
}

TEST_F(TailReaderTest, ALoopWithoutFollowersIsNotWoken) {
  StepLoop other{clock, 2};
  const auto stays = follow(io);
  auto goes = follow(other);
  settle();
  other.run();
  goes.reset();
  consumer.record(partition, 100);
  settle();

  EXPECT_FALSE(other.run());
}

TEST_F(TailReaderTest, AFollowerMayGoWhileItIsTold) {
  std::unique_ptr<Follow> goes;
  int told = 0;
  goes = reader->follow(partition, io, [&] {
    ++told;
    goes.reset();
  });
  const auto stays = follow(io);
  settle();

  EXPECT_EQ(told, 1);
  EXPECT_EQ(news, 1);
  consumer.record(partition, 100);
  settle();
  EXPECT_EQ(told, 1);
  EXPECT_EQ(news, 2);
}

TEST_F(TailReaderTest, AnEndThatIsNotNewIsNoNews) {
  const auto follow_it = follow(io);
  settle();
  ASSERT_EQ(news, 1) << "it starts at the readable end";
  consumer.end(partition, 100);
  settle();
  EXPECT_EQ(news, 1);
  consumer.end(partition, 103);  // markers
  settle();
  EXPECT_EQ(news, 2);
  EXPECT_EQ(follow_it->log().next(), 103);
}

TEST_F(TailReaderTest, WhatAnOpenTransactionHoldsBackIsCounted) {
  auto follow_it = follow(io);
  settle();
  consumer.ends_of_logs[partition] = 100;
  pass(1'000);
  EXPECT_EQ(reader->topic_counts()[partition.topic].unreadable, 0U);
  consumer.ends_of_logs[partition] = 107;
  pass(1'000);
  EXPECT_EQ(reader->topic_counts()[partition.topic].unreadable, 7U);

  consumer.records(partition, 100, 105);
  settle();
  pass(1'000);
  EXPECT_EQ(reader->topic_counts()[partition.topic].unreadable, 0U) << "behind, but nothing is held back";
  consumer.end(partition, 107);
  pass(1'000);

  EXPECT_EQ(reader->topic_counts()[partition.topic].unreadable, 0U);
  EXPECT_EQ(reader->topic_counts()[partition.topic].records, 6U);
  EXPECT_GT(reader->topic_counts()[partition.topic].bytes, 6U);
  follow_it.reset();
  pass(70'000);
  EXPECT_EQ(reader->counts().tailed, 0U);
  EXPECT_EQ(reader->topic_counts()[partition.topic].records, 6U) << "a counter never goes back";
}

TEST_F(TailReaderTest, ATailThatNobodyFollowsLingersForOneWhoComesBack) {
  auto follow_it = follow(io);
  settle();
  follow_it.reset();
  pass(50'000);
  EXPECT_TRUE(consumer.started.contains(partition));
  consumer.record(partition, 100);
  settle();

  follow_it = follow(io);
  auto cursor = follow_it->log().seek(100);
  EXPECT_EQ(read_all(follow_it->log(), cursor).size(), 1U);
  pass(100'000);
  EXPECT_TRUE(consumer.started.contains(partition)) << "it is followed";
  follow_it.reset();
  pass(61'000);

  EXPECT_FALSE(consumer.started.contains(partition));
  EXPECT_EQ(reader->counts().tailed, 0U);
  EXPECT_EQ(reader->counts().log_bytes, 0U);
}

TEST_F(TailReaderTest, ATailWhoseStartIsNotKnownYetAsksAgain) {
  catalog.is_down = true;
  const auto follow_it = follow(io);
  pass(3'000);
  EXPECT_EQ(follow_it->log().epoch(), 0U);
  EXPECT_GT(catalog.asked.size(), 2U);
  EXPECT_LT(catalog.asked.size(), 10U) << "with a pause between";
  catalog.is_down = false;
  pass(1'000);
  EXPECT_EQ(follow_it->log().epoch(), 1U);
}

TEST_F(TailReaderTest, RetentionThatPassesTheReaderStartsAnEpochAtTheLogsStart) {
  const auto follow_it = follow(io);
  settle();
  consumer.record(partition, 100);
  settle();
  auto cursor = follow_it->log().seek(101);
  catalog.known[partition] = {500, 600, 600};
  consumer.out_of_range(partition, 101);
  settle();

  EXPECT_EQ(follow_it->log().epoch(), 2U);
  EXPECT_EQ(follow_it->log().first(), 500);
  EXPECT_EQ(consumer.started.at(partition), 500);
  RecordView record;
  EXPECT_EQ(follow_it->log().read(cursor, record), RecordLog::Step::lost);
  EXPECT_TRUE(history.dropped.empty()) << "what was read before is still true";
  EXPECT_EQ(reader->counts().continuity_lost, 1U);
}

TEST_F(TailReaderTest, ALeaderThatLagsIsWaitedForAndNothingIsLost) {
  const auto follow_it = follow_and_deny({10, 105, 105});  // the new leader has less
  pass(5'000);
  EXPECT_FALSE(consumer.started.contains(partition));

  catalog.known[partition] = {10, 120, 120};
  pass(1'000);

  ASSERT_EQ(consumer.started.at(partition), 110);
  EXPECT_EQ(follow_it->log().next(), 110) << "goes on where it was";
  EXPECT_EQ(follow_it->log().first(), 110) << "what came before is asked of Kafka";
  EXPECT_EQ(reader->counts().continuity_lost, 0U);
}

TEST_F(TailReaderTest, ALeaderThatHasCaughtUpWhenItIsAskedCostsNothing) {
  const auto follow_it = follow_and_deny({10, 110, 110});
  settle();

  EXPECT_EQ(consumer.started.at(partition), 110);
  EXPECT_EQ(follow_it->log().epoch(), 1U);
  EXPECT_EQ(follow_it->log().first(), 100);
  EXPECT_TRUE(history.dropped.empty());
}

// Made anew between two reads of the metadata, it is never seen to be gone.
TEST_F(TailReaderTest, OfALogThatKafkaDeniesNobodyIsGivenAnyMore) {
  catalog.set({{"orders", 1}});
  const auto follow_it = follow(io);
  settle();
  consumer.records(partition, 100, 109);
  settle();
  auto cursor = follow_it->log().seek(100);
  catalog.known[partition] = {0, 3, 3};
  consumer.out_of_range(partition, 110);
  settle();

  EXPECT_EQ(follow_it->log().epoch(), 0U) << "nobody is to start at its end";
  EXPECT_EQ(follow_it->log().bytes(), 0U);
  EXPECT_TRUE(read_all(follow_it->log(), cursor).empty());
  EXPECT_EQ(history.dropped, (std::vector<TopicPartition>{partition}));
  catalog.set({});
  settle();
  catalog.known[partition] = {0, 120, 120};
  catalog.set({{"orders", 1}});
  settle();
  EXPECT_EQ(consumer.started.at(partition), 120) << "it was gone, so it does not go on at 110";
}

TEST_F(TailReaderTest, ALogThatStaysShorterWasTruncatedAndItsHistoryIsForgotten) {
  const auto follow_it = follow_and_deny({0, 50, 45});
  pass(9'000);
  EXPECT_EQ(follow_it->log().epoch(), 0U);
  EXPECT_EQ(reader->counts().continuity_lost, 0U);
  pass(2'000);

  EXPECT_EQ(reader->counts().continuity_lost, 1U);
  EXPECT_EQ(follow_it->log().epoch(), 2U);
  EXPECT_EQ(follow_it->log().first(), 45);
  EXPECT_EQ(consumer.started.at(partition), 45);
  EXPECT_EQ(history.dropped, (std::vector<TopicPartition>{partition, partition})) << "at once, and what came since";
}

// A broker that has not heard of it yet gives of the old log, for as long as the others deny it.
TEST_F(TailReaderTest, WhatWasReadOfALogWhileItWasDeniedIsForgottenWhenAnotherTakesItsPlace) {
  scripted::ScriptedConsumer catch_up;
  PageHistory pages{{&catch_up}, catalog, own, clock, reports, {}};
  reader.emplace(consumer, catalog, pages, own, clock, reports, options);
  const auto settle_both = [&] {
    do settle();
    while (pages.step());
  };
  const auto follow_it = follow(io);
  settle_both();
  consumer.records(partition, 100, 109);
  settle_both();
  catalog.known[partition] = {0, 3, 3};
  consumer.out_of_range(partition, 110);
  settle_both();
  ASSERT_EQ(follow_it->log().epoch(), 0U);

  bool is_answered = false;
  const auto asked =
      pages.read(partition, 50, Headers::left_out, io, [&](const HistoryAnswer&) { is_answered = true; });
  settle_both();
  catch_up.records(partition, 50, 60);
  catch_up.end(partition, 61);
  settle_both();
  ASSERT_TRUE(is_answered);
  ASSERT_NE(pages.find(partition, 55, Headers::left_out), nullptr);
  pass(11'000);
  ASSERT_EQ(follow_it->log().first(), 3) << "another log";

  EXPECT_EQ(pages.find(partition, 55, Headers::left_out), nullptr);
}

TEST_F(TailReaderTest, TwoLagsWithASilenceBetweenAreNoTruncation) {
  const auto follow_it = follow_and_deny({0, 50, 45});
  pass(1'000);
  catalog.known.erase(partition);  // the leader is away
  pass(12'000);
  catalog.known[partition] = {0, 50, 45};
  pass(3'000);
  EXPECT_FALSE(consumer.started.contains(partition));
  catalog.known[partition] = {0, 110, 110};
  pass(1'000);

  EXPECT_EQ(consumer.started.at(partition), 110);
  EXPECT_EQ(follow_it->log().next(), 110);
  EXPECT_EQ(reader->counts().continuity_lost, 0U);
}

TEST_F(TailReaderTest, APartitionWhoseTopicIsGoneIsReadNoMoreAndAnewWhenItIsBack) {
  catalog.set({{"orders", 1}});
  const auto follow_it = follow(io);
  settle();
  consumer.records(partition, 100, 109);
  settle();
  catalog.set({});
  settle();
  EXPECT_FALSE(consumer.started.contains(partition));
  EXPECT_EQ(history.dropped.size(), 1U);
  EXPECT_EQ(follow_it->log().epoch(), 0U) << "nobody is to start at its end, or to be given of it";

  catalog.known[partition] = {0, 3, 3};
  catalog.set({{"orders", 1}});
  settle();

  EXPECT_EQ(follow_it->log().epoch(), 2U);
  EXPECT_EQ(consumer.started.at(partition), 3);
}

TEST_F(TailReaderTest, TheOldestChunksOfAllLogsGoFirstWhenTheBoundIsReached) {
  options.record_bytes = 256 * 1024;
  make_reader();
  const TopicPartition other{"views", 0};
  catalog.known[other] = {0, 0, 0};
  const auto quiet = follow(io);
  const auto busy = reader->follow(other, io, [] {});
  settle();
  consumer.records(partition, 100, 139, 1'000);  // older than all that comes
  settle();
  for (Offset first = 0; first < 1'000; first += 10) {
    clock.advance(1);
    consumer.records(other, first, first + 9, 1'000);
    settle();
  }

  EXPECT_LE(reader->counts().log_bytes, options.record_bytes);
  EXPECT_GT(quiet->log().first(), 100) << "its sealed chunks were the oldest";
  EXPECT_GT(busy->log().first(), 0);
  auto cursor = busy->log().seek(busy->log().first());
  const auto held = read_all(busy->log(), cursor);
  EXPECT_EQ(held.size(), static_cast<std::size_t>(1'000 - busy->log().first())) << "what is held is without a hole";
}

TEST_F(TailReaderTest, WhatIsOldGoesEvenWhenThereIsRoom) {
  const auto follow_it = follow(io);
  settle();
  consumer.records(partition, 100, 199, 1'000);
  settle();
  const auto before = reader->counts().log_bytes;
  pass(10'000);
  EXPECT_EQ(reader->counts().log_bytes, before) << "kept for those who are a little behind";
  pass(60'000);

  EXPECT_LT(reader->counts().log_bytes, before);
  EXPECT_GT(follow_it->log().first(), 100);
}

TEST_F(TailReaderTest, WhatComesBelowThePositionIsPassedOver) {
  const auto follow_it = follow(io);
  settle();
  consumer.records(partition, 90, 102);
  consumer.records(partition, 101, 103);
  settle();

  auto cursor = follow_it->log().seek(100);
  EXPECT_EQ(read_all(follow_it->log(), cursor), (std::vector<Offset>{100, 101, 102, 103}));
}

TEST_F(TailReaderTest, ErrorsOfPartitionsAreCounted) {
  const auto follow_it = follow(io);
  settle();
  consumer.error(partition, "corrupt");
  consumer.record(partition, 100);
  settle();

  EXPECT_EQ(reader->counts().errors, 1U);
  EXPECT_EQ(reports.counts().at("partition"), 1U);
  EXPECT_EQ(follow_it->log().next(), 101);
}

}  // namespace
}  // namespace tailgate
