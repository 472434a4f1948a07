// What partitions of a real Kafka hold, as tails and history give it: transactions, compaction, compression, odd
// records.
#include <gtest/gtest.h>

#include <numeric>

#include "tests/integration/kafka_reading.h"
#include "tests/support/kafka_admin.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/producer.h"

namespace tailgate::test {
namespace {

using Read = KafkaReading::Read;

std::vector<NewRecord> numbered(int count, std::size_t value_bytes = 0) {
  std::vector<NewRecord> records;
  for (int i = 0; i < count; ++i) {
    std::string value = std::to_string(i);
    value.resize(std::max(value.size(), value_bytes), '.');
    records.push_back(NewRecord{.value = value, .key = "k" + std::to_string(i)});
  }
  return records;
}

std::vector<NewRecord> values(const std::vector<std::string>& values) {
  std::vector<NewRecord> records;
  for (const auto& value : values) records.push_back(NewRecord{.value = value});
  return records;
}

TEST(KafkaRecords, MarkersAndAbortedOffsetsAreHolesInTailAndHistory) {
  KafkaAdmin admin{shared_kafka()};
  const TopicPartition partition{admin.make_topic("transactions"), 0};
  KafkaReading reading{shared_kafka()};
  ASSERT_TRUE(reading.run_until_known(partition.topic));
  TailOf tail{reading, partition};
  Producer producer{shared_kafka(), partition.topic};

  producer.begin();
  producer.send(partition.topic, 0, values({"a", "b"}));  // 0, 1 and a marker
  producer.commit();
  producer.begin();
  producer.send(partition.topic, 0, values({"aborted", "too"}));  // 3, 4 and a marker
  producer.abort();
  producer.begin();
  producer.send(partition.topic, 0, values({"c"}));  // 6 and a marker
  producer.commit();

  ASSERT_TRUE(tail.read_to(8)) << "the end of the partition moves the tail over the last marker; it is at "
                               << tail.next();
  EXPECT_EQ(tail.offsets, (std::vector<Offset>{0, 1, 6}));
  EXPECT_EQ(tail.values, (std::vector<std::string>{"a", "b", "c"}));
  Offset end = 0;
  EXPECT_EQ(reading.read_all(partition, 0, &end), (std::vector<Read>{{0, "a"}, {1, "b"}, {6, "c"}}));
  EXPECT_EQ(end, 8);
  EXPECT_EQ(reading.read_all(partition, 3), (std::vector<Read>{{6, "c"}})) << "from inside the aborted ones";
  EXPECT_EQ(reading.read_all(partition, 5), (std::vector<Read>{{6, "c"}})) << "from a marker";
  EXPECT_EQ(reading.read_all(partition, 7), (std::vector<Read>{})) << "from the last marker";
}

TEST(KafkaRecords, AnOpenTransactionIsTheReadableEndUntilItIsDecided) {
  KafkaAdmin admin{shared_kafka()};
  const TopicPartition partition{admin.make_topic("open"), 0};
  Producer{shared_kafka()}.send(partition.topic, 0, numbered(3));
  Producer producer{shared_kafka(), partition.topic};
  producer.begin();
  producer.send(partition.topic, 0, numbered(2));
  KafkaReading reading{shared_kafka()};
  ASSERT_TRUE(reading.run_until_known(partition.topic));

  const auto ends = reading.ends({partition});
  ASSERT_TRUE(ends);
  EXPECT_EQ(ends->at(partition).begin, 0);
  EXPECT_EQ(ends->at(partition).readable, 3);
  EXPECT_EQ(ends->at(partition).end, 5);
  TailOf tail{reading, partition};
  EXPECT_EQ(tail.log().first(), 3);
  const HistoryAnswer open = reading.read(partition, 3);
  ASSERT_TRUE(std::holds_alternative<HistoryNotYet>(open)) << open.index();
  EXPECT_EQ(std::get<HistoryNotYet>(open).readable, 3);

  producer.commit();

  ASSERT_TRUE(tail.read_to(6));
  EXPECT_EQ(tail.offsets, (std::vector<Offset>{3, 4}));
}

TEST(KafkaRecords, AnAbortedTransactionLargerThanAFetchIsPassedByBoth) {
  KafkaAdmin admin{shared_kafka()};
  const TopicPartition partition{admin.make_topic("aborted"), 0};
  KafkaReading reading{shared_kafka()};
  ASSERT_TRUE(reading.run_until_known(partition.topic));
  TailOf tail{reading, partition};
  Producer plain{shared_kafka()};
  plain.send(partition.topic, 0, values({"before"}));
  Producer producer{shared_kafka(), partition.topic};
  producer.begin();
  producer.send(partition.topic, 0, numbered(20'000, 1'000));  // 20 MB: many fetches without a record
  producer.abort();
  ASSERT_TRUE(tail.read_to(20'002))
      << tail.next();  // over the marker too, which Kafka writes when abort() has returned
  plain.send(partition.topic, 0, values({"behind"}));

  ASSERT_TRUE(tail.read_to(20'003)) << tail.next();
  EXPECT_EQ(tail.offsets, (std::vector<Offset>{0, 20'002}));
  EXPECT_EQ(reading.read_all(partition, 0), (std::vector<Read>{{0, "before"}, {20'002, "behind"}}));
  EXPECT_EQ(reading.read_all(partition, 1), (std::vector<Read>{{20'002, "behind"}}));
  EXPECT_EQ(reading.read_all(partition, 10'000), (std::vector<Read>{{20'002, "behind"}}));
}

TEST(KafkaRecords, AbortedOffsetsUpToTheEndAreNothingYet) {
  KafkaAdmin admin{shared_kafka()};
  const TopicPartition partition{admin.make_topic("aborted-end"), 0};
  Producer{shared_kafka()}.send(partition.topic, 0, values({"before"}));
  Producer producer{shared_kafka(), partition.topic};
  producer.begin();
  producer.send(partition.topic, 0, numbered(3'000, 1'000));
  producer.abort();
  KafkaReading reading{shared_kafka()};
  ASSERT_TRUE(reading.run_until_known(partition.topic));

  Offset end = 0;
  EXPECT_EQ(reading.read_all(partition, 0, &end), (std::vector<Read>{{0, "before"}}));
  EXPECT_EQ(end, 3'002);
  EXPECT_EQ(reading.read_all(partition, 17, &end), (std::vector<Read>{}));
  EXPECT_EQ(end, 3'002);
}

TEST(KafkaRecords, CompactionLeavesHolesThatAreNotMissed) {
  KafkaAdmin admin{shared_kafka()};
  const TopicPartition partition{admin.make_topic("compacted", {.config = {{"cleanup.policy", "compact"},
                                                                           {"segment.ms", "100"},
                                                                           {"min.cleanable.dirty.ratio", "0.001"},
                                                                           {"max.compaction.lag.ms", "100"}}}),
                                 0};
  KafkaReading reading{shared_kafka()};
  ASSERT_TRUE(reading.run_until_known(partition.topic));
  Producer producer{shared_kafka()};
  for (int round = 0; round < 5; ++round) {
    producer.send(partition.topic, 0, NewRecord{.value = "a" + std::to_string(round), .key = "a"});
    producer.send(partition.topic, 0, NewRecord{.value = "b" + std::to_string(round), .key = "b"});
  }
  Offset last = 9;

  // The cleaner leaves alone the segment that is written to: a record now and then rolls it, and each one more is more
  // to clean.
  std::vector<Read> read;
  Deadline next_roll{};
  ASSERT_TRUE(eventually(
      [&] {
        if (test::Clock::now() >= next_roll) {
          last = producer.send(partition.topic, 0, NewRecord{.value = "c", .key = "c"});
          next_roll = in(std::chrono::milliseconds{300});
        }
        reading.history().drop(partition);
        read = reading.read_all(partition, 0);
        return read.front().offset >= 8 && read.back().offset == last;
      },
      in(3 * kPatience)));

  EXPECT_EQ(read.front(), (Read{8, "a4"}));
  EXPECT_EQ(read.at(1), (Read{9, "b4"}));
  EXPECT_EQ(read.back().offset, last);
  EXPECT_EQ(reading.read_all(partition, 3).front(), (Read{8, "a4"})) << "from inside what compaction took";
}

class Compressed : public testing::TestWithParam<const char*> {};

TEST_P(Compressed, BatchesAreReadFromAnyOffsetInside) {
  KafkaAdmin admin{shared_kafka()};
  const TopicPartition partition{admin.make_topic("compressed"), 0};
  KafkaReading reading{shared_kafka()};
  ASSERT_TRUE(reading.run_until_known(partition.topic));
  TailOf tail{reading, partition};
  Producer producer{shared_kafka(), "", {{"compression.type", GetParam()}, {"linger.ms", "50"}}};
  producer.send(partition.topic, 0, numbered(5'000, 300));

  ASSERT_TRUE(tail.read_to(5'000));
  std::vector<Offset> all(5'000);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(tail.offsets, all);
  for (const Offset from : {0, 1, 777, 4'999}) {
    const auto read = reading.read_all(partition, from);
    ASSERT_EQ(read.size(), static_cast<std::size_t>(5'000 - from));
    EXPECT_EQ(read.front().offset, from);
    EXPECT_EQ(read.front().value->substr(0, read.front().value->find('.')), std::to_string(from));
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, Compressed, testing::Values("gzip", "snappy", "lz4", "zstd"),
                         [](const auto& codec) { return std::string{codec.param}; });

TEST(KafkaRecords, NullsHeadersBinaryAndOversizeRecordsKeepTheirShape) {
  KafkaAdmin admin{shared_kafka()};
  const TopicPartition partition{admin.make_topic("shapes", {.config = {{"max.message.bytes", "4000000"}}}), 0};
  KafkaReading reading{shared_kafka()};
  ASSERT_TRUE(reading.run_until_known(partition.topic));
  TailOf tail{reading, partition};
  Producer producer{shared_kafka(), "", {{"message.max.bytes", "4000000"}}};
  const std::string binary{"\0\xff\r\n\x80", 5};
  producer.send(partition.topic, 0, NewRecord{.value = std::nullopt, .key = "tombstone"});
  producer.send(partition.topic, 0, NewRecord{.value = std::nullopt});
  producer.send(partition.topic, 0, NewRecord{.value = "", .key = ""});
  producer.send(partition.topic, 0,
                NewRecord{.value = binary,
                          .key = binary,
                          .headers = {{"a", "1"}, {"a", std::nullopt}, {"", ""}},
                          .timestamp_ms = 1'700'000'000'123});
  producer.send(partition.topic, 0, NewRecord{.value = std::string(1'048'576, 'x')});
  producer.send(partition.topic, 0, NewRecord{.value = std::string(1'048'577, 'x'), .key = "big"});
  producer.send(partition.topic, 0,
                NewRecord{.value = "v", .key = "k", .headers = {{"big", std::string(1'500'000, 'h')}}});

  ASSERT_TRUE(tail.read_to(7));
  // Without headers what is shown without them is the same.
  const HistoryAnswer values = reading.read(partition, 6);
  ASSERT_TRUE(std::holds_alternative<std::shared_ptr<const HistoryPage>>(values));
  const HistoryPage& last = *std::get<std::shared_ptr<const HistoryPage>>(values);
  std::size_t begin = last.begin;
  const RecordView without = last.records->read(begin);
  EXPECT_EQ(without.offset, 6);
  EXPECT_EQ(without.value, "v");
  EXPECT_EQ(without.headers, "");
  EXPECT_FALSE(without.is_oversize());
  const HistoryAnswer answer = reading.read(partition, 0, Headers::read);
  ASSERT_TRUE(std::holds_alternative<std::shared_ptr<const HistoryPage>>(answer));
  RecordLog::Cursor cursor = tail.log().seek(0);
  for (Offset next = 0; next < 7;) {
    const HistoryAnswer one = reading.read(partition, next, Headers::read);
    ASSERT_TRUE(std::holds_alternative<std::shared_ptr<const HistoryPage>>(one)) << one.index();
    const auto page = std::get<std::shared_ptr<const HistoryPage>>(one);
    for (std::size_t at = page->begin; at < page->end;) {
      const RecordView record = page->records->read(at);
      if (record.offset < next) continue;
      RecordView live;
      ASSERT_EQ(tail.log().read(cursor, live), RecordLog::Step::record);
      EXPECT_EQ(live.offset, record.offset);
      EXPECT_EQ(live.key, record.key);
      EXPECT_EQ(live.value, record.value);
      EXPECT_EQ(live.headers, record.headers);
      EXPECT_EQ(live.timestamp_ms, record.timestamp_ms);
      EXPECT_EQ(live.oversize_bytes, record.oversize_bytes);
      switch (record.offset) {
        case 0:
          EXPECT_EQ(record.key, "tombstone");
          EXPECT_EQ(record.value, std::nullopt);
          EXPECT_FALSE(record.is_oversize());
          break;
        case 1:
          EXPECT_EQ(record.key, std::nullopt);
          EXPECT_EQ(record.value, std::nullopt);
          break;
        case 2:
          EXPECT_EQ(record.key, "");
          EXPECT_EQ(record.value, "");
          break;
        case 3: {
          EXPECT_EQ(record.key, binary);
          EXPECT_EQ(record.value, binary);
          EXPECT_EQ(record.timestamp_ms, 1'700'000'000'123);
          RecordHeaders headers{record.headers};
          ASSERT_TRUE(headers.next());
          EXPECT_EQ(headers.name, "a");
          EXPECT_EQ(headers.value, "1");
          ASSERT_TRUE(headers.next());
          EXPECT_EQ(headers.name, "a");
          EXPECT_EQ(headers.value, std::nullopt);
          ASSERT_TRUE(headers.next());
          EXPECT_EQ(headers.name, "");
          EXPECT_EQ(headers.value, "");
          EXPECT_FALSE(headers.next());
          break;
        }
        case 4:
          EXPECT_EQ(record.value->size(), 1'048'576U);
          break;
        case 5:
          EXPECT_EQ(record.oversize_bytes, 1'048'577U);
          EXPECT_EQ(record.value, std::nullopt);
          EXPECT_EQ(record.key, "big");
          break;
        default:
          EXPECT_GT(record.oversize_bytes, 1'500'000U);
          EXPECT_TRUE(record.has_oversize_headers);
          EXPECT_EQ(record.value, "v");
          EXPECT_EQ(record.headers, "");
          EXPECT_EQ(record.key, "k");
      }
    }
    next = page->next;
  }
}

}  // namespace
}  // namespace tailgate::test
