// Topics of a real Kafka that change while they are read: retention, growth, deletion, recreation.
#include <gtest/gtest.h>

#include <numeric>

#include "tests/integration/kafka_reading.h"
#include "tests/support/kafka_admin.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/producer.h"

namespace tailgate::test {
namespace {

std::vector<NewRecord> numbered(int count) {
  std::vector<NewRecord> records;
  for (int i = 0; i < count; ++i) records.push_back(NewRecord{.value = std::to_string(i)});
  return records;
}

std::vector<Offset> offsets_of(const std::vector<KafkaReading::Read>& records) {
  std::vector<Offset> offsets;
  for (const auto& record : records) offsets.push_back(record.offset);
  return offsets;
}

std::vector<Offset> from_to(Offset first, Offset last) {
  std::vector<Offset> all(static_cast<std::size_t>(last - first + 1));
  std::iota(all.begin(), all.end(), first);
  return all;
}

TEST(KafkaChanges, HistoryBelowTheLogsStartIsGoneAndSaysWhereItBegins) {
  KafkaAdmin admin{shared_kafka()};
  const TopicPartition partition{admin.make_topic("retention"), 0};
  Producer{shared_kafka()}.send(partition.topic, 0, numbered(100));
  admin.delete_records(partition.topic, 0, 40);
  KafkaReading reading{shared_kafka()};
  ASSERT_TRUE(reading.run_until_known(partition.topic));

  for (const Offset asked : {0, 39}) {
    const HistoryAnswer gone = reading.read(partition, asked);
    ASSERT_TRUE(std::holds_alternative<HistoryGone>(gone)) << gone.index();
    EXPECT_EQ(std::get<HistoryGone>(gone).begin, 40);
  }
  EXPECT_EQ(offsets_of(reading.read_all(partition, 40)), from_to(40, 99));
  const HistoryAnswer beyond = reading.read(partition, 101);
  ASSERT_TRUE(std::holds_alternative<HistoryBeyond>(beyond)) << beyond.index();
  EXPECT_EQ(std::get<HistoryBeyond>(beyond).end, 100);
  const auto ends = reading.ends({partition});
  ASSERT_TRUE(ends);
  EXPECT_EQ(ends->at(partition).begin, 40);
}

TEST(KafkaChanges, AStartByTimeIsTheFirstRecordThatIsNotOlder) {
  KafkaAdmin admin{shared_kafka()};
  const TopicPartition partition{admin.make_topic("times", {.config = {{"retention.ms", "-1"}}}), 0};
  Producer producer{shared_kafka()};
  for (const std::int64_t at_ms : {1'000'000, 2'000'000, 2'000'000, 3'000'000}) {
    producer.send(partition.topic, 0, NewRecord{.value = "x", .timestamp_ms = 1'700'000'000'000 + at_ms});
  }
  KafkaReading reading{shared_kafka()};
  ASSERT_TRUE(reading.run_until_known(partition.topic));

  const auto at = [&](std::int64_t at_ms) {
    const auto found = reading.offsets_at(partition, 1'700'000'000'000 + at_ms);
    EXPECT_TRUE(found);
    return found ? found->at(partition) : -1;
  };
  EXPECT_EQ(at(0), 0);
  EXPECT_EQ(at(1'000'000), 0);
  EXPECT_EQ(at(1'000'001), 1);
  EXPECT_EQ(at(2'000'000), 1);
  EXPECT_EQ(at(2'500'000), 3);
  EXPECT_EQ(at(3'000'001), 4) << "none so late: the readable end";
}

TEST(KafkaChanges, PartitionsThatAreAddedAreNoticed) {
  KafkaAdmin admin{shared_kafka()};
  const std::string topic = admin.make_topic("growth", {.partitions = 2});
  KafkaReading reading{shared_kafka()};
  ASSERT_TRUE(reading.run_until_known(topic, 2));
  ASSERT_TRUE(reading.ends({{topic, 0}, {topic, 1}})) << "what the lookups remember of the topic is of now";
  int changes = 0;
  const auto watch = reading.catalog().watch(reading.loop(), [&] { ++changes; });
  const std::uint64_t version = reading.catalog().topics()->version;

  admin.set_partitions(topic, 5);
  const auto refreshed =
      reading.ask<Catalog::TopicsAnswer>([&](auto then) { return reading.catalog().refresh(reading.loop(), then); });

  EXPECT_EQ(refreshed->by_name.at(topic).partitions, 5);
  EXPECT_GT(refreshed->version, version);
  ASSERT_TRUE(reading.run_until([&] { return changes > 0; }));
  Producer{shared_kafka()}.send(topic, 4, numbered(3));
  EXPECT_EQ(offsets_of(reading.read_all({topic, 4}, 0)), from_to(0, 2));
  // Nobody tails or reads a partition whose ends cannot be had.
  ASSERT_TRUE(reading.run_until([&] {
    const auto ends = reading.ends({{topic, 4}});
    return ends && ends->at({topic, 4}).end == 3;
  }));
}

TEST(KafkaChanges, ADeletedTopicLeavesTheCatalogAndOneMadeAnewIsTailedFromItsReadableEnd) {
  KafkaAdmin admin{shared_kafka()};
  const TopicPartition partition{admin.make_topic("recreated"), 0};
  Producer producer{shared_kafka()};
  producer.send(partition.topic, 0, numbered(50));
  KafkaReading reading{shared_kafka()};
  ASSERT_TRUE(reading.run_until_known(partition.topic));
  TailOf tail{reading, partition};
  EXPECT_EQ(reading.read_all(partition, 0).size(), 50U);

  admin.delete_topic(partition.topic);
  ASSERT_TRUE(reading.run_until([&] { return !reading.catalog().topics()->by_name.contains(partition.topic); }));
  EXPECT_FALSE(reading.ends({partition}));
  admin.create_topic(partition.topic);
  producer.send(partition.topic, 0, numbered(7));
  ASSERT_TRUE(reading.run_until_known(partition.topic));
  ASSERT_TRUE(reading.run_until([&] { return tail.log().epoch() == 2 && tail.log().at_end(); }));

  EXPECT_LE(tail.log().next(), 7);
  EXPECT_FALSE(tail.read_to(51, in(std::chrono::milliseconds{0})) && !tail.is_lost)
      << "a cursor of the epoch before is lost";
  Producer{shared_kafka()}.send(partition.topic, 0, NewRecord{.value = "new"});
  tail.seek(7);
  ASSERT_TRUE(tail.read_to(8));
  EXPECT_EQ(tail.values.back(), "new");
  EXPECT_EQ(offsets_of(reading.read_all(partition, 0)), from_to(0, 7)) << "pages of the old log are forgotten";
}

TEST(KafkaChanges, RetentionThatPassesAStoppedRunIsNoticedWhenItGoesOn) {
  KafkaAdmin admin{shared_kafka()};
  const TopicPartition partition{admin.make_topic("passed"), 0};
  std::vector<NewRecord> records;
  for (int i = 0; i < 30'000; ++i) records.push_back(NewRecord{.value = std::string(400, 'x')});
  Producer{shared_kafka()}.send(partition.topic, 0, records);
  KafkaReading reading{shared_kafka()};
  ASSERT_TRUE(reading.run_until_known(partition.topic));
  const HistoryAnswer first = reading.read(partition, 0);
  ASSERT_TRUE(std::holds_alternative<std::shared_ptr<const HistoryPage>>(first));

  admin.delete_records(partition.topic, 0, 29'990);
  Offset next = std::get<std::shared_ptr<const HistoryPage>>(first)->next;
  HistoryAnswer answer = first;
  while (std::holds_alternative<std::shared_ptr<const HistoryPage>>(answer)) {
    next = std::get<std::shared_ptr<const HistoryPage>>(answer)->next;
    answer = reading.read(partition, next);
  }

  ASSERT_TRUE(std::holds_alternative<HistoryGone>(answer)) << answer.index() << " at " << next;
  EXPECT_EQ(std::get<HistoryGone>(answer).begin, 29'990);
}

}  // namespace
}  // namespace tailgate::test
