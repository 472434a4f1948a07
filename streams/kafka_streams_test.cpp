#include "streams/kafka_streams.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "streams/sample_producer.h"
#include "streams/scripted/mock_cluster_test.h"

namespace tailgate {
namespace {

class OnMockCluster : public scripted::MockClusterTest {
 protected:
  void SetUp() override {
    open_cluster(1);
    for (const SampleTopic& topic : SampleProducer::topics())
      ASSERT_TRUE(cluster_->create_topic(topic.name, topic.partitions));
    open_streams();
  }

  PartitionEnds ends_of(const TopicPartition& partition) {
    auto ends = ask<Catalog::EndsAnswer>([&](auto then) { return streams_->catalog().ends({partition}, loop_, then); });
    EXPECT_TRUE(ends);
    return ends ? ends->at(partition) : PartitionEnds{};
  }
};

TEST_F(OnMockCluster, TheCatalogKnowsTheTopicsOfTheSampleProducer) {
  const auto topics = streams_->catalog().topics();

  ASSERT_EQ(topics->by_name.size(), 4U);
  EXPECT_EQ(topics->by_name.at("orders").partitions, 3);
  EXPECT_TRUE(streams_->catalog().is_reachable());
}

TEST_F(OnMockCluster, ATailGivesEveryRecordThatIsProducedAfterItStarted) {
  const TopicPartition partition{"stock", 0};
  produce(partition, 5, 10);
  int news = 0;
  const auto follow = streams_->tails().follow(partition, loop_, [&] { ++news; });
  ASSERT_TRUE(run_until([&] { return follow->log().epoch() == 1 && follow->log().at_end(); }));
  EXPECT_EQ(follow->log().first(), 5);
  auto cursor = follow->log().seek(5);

  produce(partition, 1000, 100);

  ASSERT_TRUE(run_until([&] { return follow->log().next() == 1005 && follow->log().at_end() && news > 0; }));
  RecordView record;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(follow->log().read(cursor, record), RecordLog::Step::record);
    EXPECT_EQ(record.offset, 5 + i);
    EXPECT_EQ(record.value->substr(0, record.value->find(' ')), std::to_string(i));
  }
  EXPECT_EQ(follow->log().read(cursor, record), RecordLog::Step::head);
}

TEST_F(OnMockCluster, HistoryPagesJoinUpFromTheBeginningToTheEnd) {
  const TopicPartition partition{"stock", 0};
  produce(partition, 20'000, 200);
  Offset next = 0;
  int records = 0;
  int pages = 0;

  while (next < 20'000) {
    auto answer = ask<HistoryAnswer>(
        [&](auto then) { return streams_->history().read(partition, next, Headers::left_out, loop_, then); });
    ASSERT_TRUE(std::holds_alternative<std::shared_ptr<const HistoryPage>>(answer)) << answer.index() << " at " << next;
    const auto page = std::get<std::shared_ptr<const HistoryPage>>(answer);
    ASSERT_LE(page->first, next);
    for (std::size_t at = page->begin; at < page->end;) {
      const RecordView record = page->records->read(at);
      if (record.offset < next) continue;
      ASSERT_EQ(record.offset, records);
      ++records;
    }
    ASSERT_GT(page->next, next);
    next = page->next;
    ++pages;
  }
  auto at_end = ask<HistoryAnswer>(
      [&](auto then) { return streams_->history().read(partition, next, Headers::left_out, loop_, then); });

  EXPECT_EQ(records, 20'000);
  EXPECT_GE(pages, 4);
  ASSERT_TRUE(std::holds_alternative<HistoryNotYet>(at_end)) << at_end.index();
  EXPECT_EQ(std::get<HistoryNotYet>(at_end).readable, 20'000);
}

TEST_F(OnMockCluster, ManyWhoComeBackAtOnceToDifferentPlacesShareTheReads) {
  const TopicPartition partition{"stock", 0};
  produce(partition, 10'000, 200);
  const auto pages_before = streams_->history().counts().pages;
  std::vector<Ask<HistoryAnswer>> asks;
  int answered = 0;

  for (int i = 0; i < 500; ++i) {
    const Offset offset = i * 7919 % 10'000;
    asks.push_back(
        streams_->history().read(partition, offset, Headers::left_out, loop_, [&, offset](const HistoryAnswer& answer) {
          const auto* page = std::get_if<std::shared_ptr<const HistoryPage>>(&answer);
          ASSERT_NE(page, nullptr) << answer.index() << " at " << offset;
          EXPECT_LE((*page)->first, offset);
          EXPECT_GT((*page)->next, offset);
          ++answered;
        }));
  }

  ASSERT_TRUE(run_until([&] { return answered == 500; })) << answered;
  // 2.5 MB, which one reader alone gets in about ten pages.
  EXPECT_LT(streams_->history().counts().pages - pages_before, 60U);
}

TEST_F(OnMockCluster, OffsetsOutsideTheLogAreAnsweredWithWhereItBeginsOrEnds) {
  const TopicPartition partition{"stock", 0};
  produce(partition, 60'000, 200);  // more than the mock keeps
  const PartitionEnds ends = ends_of(partition);
  ASSERT_GT(ends.begin, 0);
  EXPECT_EQ(ends.end, 60'000);
  EXPECT_EQ(ends.readable, 60'000);

  auto below = ask<HistoryAnswer>(
      [&](auto then) { return streams_->history().read(partition, 0, Headers::left_out, loop_, then); });
  auto beyond = ask<HistoryAnswer>(
      [&](auto then) { return streams_->history().read(partition, 60'001, Headers::left_out, loop_, then); });

  ASSERT_TRUE(std::holds_alternative<HistoryGone>(below)) << below.index();
  EXPECT_EQ(std::get<HistoryGone>(below).begin, ends.begin);
  ASSERT_TRUE(std::holds_alternative<HistoryBeyond>(beyond)) << beyond.index();
  EXPECT_EQ(std::get<HistoryBeyond>(beyond).end, 60'000);
}

TEST_F(OnMockCluster, AStartByTimeIsFoundByReading) {
  const TopicPartition partition{"stock", 0};
  produce(partition, 10, 10);
  const std::int64_t between_ms = clock_.wall_ms() + 5;
  while (clock_.wall_ms() < between_ms + 5) std::this_thread::yield();
  produce(partition, 10, 10);

  const auto at = [&](std::int64_t wall_ms) {
    auto found = ask<Catalog::OffsetsAnswer>(
        [&](auto then) { return streams_->catalog().offsets_at({partition}, wall_ms, loop_, then); });
    EXPECT_TRUE(found);
    return found ? found->at(partition) : -1;
  };

  EXPECT_EQ(at(0), 0);
  EXPECT_EQ(at(between_ms), 10);
  EXPECT_EQ(at(between_ms + 3'600'000), 20);
}

TEST_F(OnMockCluster, AStartByTimeHasItsTurnHoweverManyAskForEnds) {
  const TopicPartition partition{"stock", 0};
  Catalog& catalog = streams_->catalog();
  rd_kafka_mock_broker_set_rtt(&cluster_->mock(), 1, 10);
  // Others ask for the ends all the time: there is always one that waits.
  std::vector<Ask<Catalog::EndsAnswer>> others;
  int answered = 0;
  const auto ask_for_ends = [&] {
    others.push_back(catalog.ends({partition}, loop_, [&](const Catalog::EndsAnswer&) { ++answered; }));
  };
  ASSERT_TRUE(run_until([&] {
    ask_for_ends();
    return answered > 10;
  }));
  for (std::int64_t wall_ms = 3; wall_ms > 0; --wall_ms) {
    std::optional<Catalog::OffsetsAnswer> found;
    const auto asking = catalog.offsets_at({partition}, wall_ms, loop_,
                                           [&](Catalog::OffsetsAnswer answer) { found = std::move(answer); });
    ASSERT_TRUE(run_until([&] {
      ask_for_ends();
      return found.has_value();
    }));
    EXPECT_TRUE(*found) << found->error().detail;
  }
}

TEST_F(OnMockCluster, NamesThatMetadataDoesNotHaveAreRefusedWithoutARequest) {
  auto unknown_topic = ask<Catalog::EndsAnswer>([&](auto then) {
    return streams_->catalog().ends({{"nothing", 0}}, loop_, then);
  });
  auto unknown_partition = ask<Catalog::EndsAnswer>([&](auto then) {
    return streams_->catalog().ends({{"orders", 3}}, loop_, then);
  });
  const auto topics = ask<Catalog::TopicsAnswer>([&](auto then) { return streams_->catalog().refresh(loop_, then); });

  ASSERT_FALSE(unknown_topic);
  EXPECT_EQ(unknown_topic.error().code, ErrorCode::not_found);
  EXPECT_FALSE(unknown_partition);
  EXPECT_EQ(topics->by_name.size(), 4U) << "the mock makes topics that it is asked for";
}

TEST_F(OnMockCluster, TheSampleProducerFillsItsTopicsAndStopsAtOnce) {
  auto producer = SampleProducer::open(cluster_->bootstrap());
  ASSERT_TRUE(producer);
  ASSERT_TRUE(run_until([&] { return ends_of({"page-views", 0}).end > 0 && ends_of({"stock", 0}).end > 0; }));

  const auto before = std::chrono::steady_clock::now();
  producer->reset();

  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds{1});
}

}  // namespace
}  // namespace tailgate
