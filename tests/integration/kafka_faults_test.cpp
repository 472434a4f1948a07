// Brokers of a real Kafka that move leaders, go and come back, say nothing, or refuse.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <optional>
#include <thread>

#include "tests/integration/kafka_reading.h"
#include "tests/support/kafka_admin.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/producer.h"

namespace tailgate::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::vector<NewRecord> numbered(int count) {
  std::vector<NewRecord> records;
  for (int i = 0; i < count; ++i) records.push_back(NewRecord{.value = std::to_string(i)});
  return records;
}

std::vector<Offset> from_to(Offset first, Offset last) {
  std::vector<Offset> all(static_cast<std::size_t>(last - first + 1));
  std::iota(all.begin(), all.end(), first);
  return all;
}

std::vector<Offset> offsets_of(const std::vector<KafkaReading::Read>& records) {
  std::vector<Offset> offsets;
  for (const auto& record : records) offsets.push_back(record.offset);
  return offsets;
}

TEST(KafkaFaults, ALeaderThatMovesCostsNoRecordAndRepeatsNone) {
  KafkaCluster kafka{{.brokers = 3}};
  KafkaAdmin admin{kafka.bootstrap()};
  const TopicPartition partition{
      admin.make_topic("moves", {.replication = 3, .config = {{"min.insync.replicas", "1"}}}), 0};
  KafkaReading reading{kafka.bootstrap()};
  ASSERT_TRUE(reading.run_until_known(partition.topic));
  TailOf tail{reading, partition};
  Producer producer{kafka.bootstrap(), "", {{"enable.idempotence", "true"}}};
  producer.send(partition.topic, 0, numbered(100));

  const int leader = admin.leader(partition.topic, 0);
  kafka.stop(leader);
  producer.send(partition.topic, 0, numbered(100));
  ASSERT_TRUE(tail.read_to(200));
  ASSERT_TRUE(reading.run_until([&] { return reading.ends({partition}).has_value(); }));
  EXPECT_EQ(offsets_of(reading.read_all(partition, 0)), from_to(0, 199));

  kafka.start(leader);
  kafka.kill_hard(admin.leader(partition.topic, 0));
  producer.send(partition.topic, 0, numbered(100));

  ASSERT_TRUE(tail.read_to(300));
  EXPECT_EQ(tail.offsets, from_to(0, 299));
  EXPECT_EQ(tail.log().epoch(), 1U) << "continuity was never lost";
  reading.history().drop(partition);
  EXPECT_EQ(offsets_of(reading.read_all(partition, 0)), from_to(0, 299));
}

TEST(KafkaFaults, WhileKafkaIsAwayWhoAsksIsToldAndAfterwardsAllGoesOn) {
  KafkaCluster kafka;
  KafkaAdmin admin{kafka.bootstrap()};
  const TopicPartition partition{admin.make_topic("away"), 0};
  Producer producer{kafka.bootstrap()};
  producer.send(partition.topic, 0, numbered(10));
  KafkaReading reading{kafka.bootstrap()};
  ASSERT_TRUE(reading.run_until_known(partition.topic));
  std::optional<TailOf> tail{std::in_place, reading, partition};
  EXPECT_TRUE(reading.catalog().is_reachable());

  kafka.kill_hard(1);
  const auto asked = test::Clock::now();
  const auto ends = reading.ends({partition});
  ASSERT_FALSE(ends);
  EXPECT_EQ(ends.error().code, ErrorCode::upstream_down);
  EXPECT_LT(test::Clock::now() - asked, seconds{4}) << "the deadline is two seconds";
  EXPECT_TRUE(std::holds_alternative<HistoryDown>(reading.read(partition, 0)));
  ASSERT_TRUE(reading.run_until([&] { return !reading.catalog().is_reachable(); }));
  EXPECT_TRUE(reading.catalog().topics()->by_name.contains(partition.topic)) << "what was known stays";

  kafka.start(1);
  producer.send(partition.topic, 0, numbered(5));
  ASSERT_TRUE(tail->read_to(15));
  EXPECT_EQ(tail->offsets, from_to(10, 14));
  EXPECT_EQ(tail->log().epoch(), 1U);
  ASSERT_TRUE(reading.run_until([&] { return reading.catalog().is_reachable(); }));
  ASSERT_TRUE(reading.run_until(
      [&] { return std::holds_alternative<std::shared_ptr<const HistoryPage>>(reading.read(partition, 0)); }));
  EXPECT_EQ(offsets_of(reading.read_all(partition, 0)), from_to(0, 14));
  tail.reset();  // it does not outlive what it reads
  EXPECT_LT(reading.close_and_read_log().size(), 12U) << "a line of each kind, not of each attempt";
}

TEST(KafkaFaults, ALeaderThatSaysNothingDelaysOnlyItsOwnPartitions) {
  KafkaCluster kafka{{.brokers = 2}};
  KafkaAdmin admin{kafka.bootstrap()};
  const std::string topic = admin.make_topic("slow", {.partitions = 2});
  ASSERT_NE(admin.leader(topic, 0), admin.leader(topic, 1));
  KafkaReading reading{kafka.bootstrap()};
  ASSERT_TRUE(reading.run_until_known(topic, 2));
  ASSERT_TRUE(reading.ends({{topic, 0}, {topic, 1}}));
  TailOf tail{reading, {topic, 0}};
  Producer producer{kafka.bootstrap()};
  const int slow = admin.leader(topic, 1);
  producer.send(topic, 0, numbered(10));

  kafka.pause(slow);
  std::optional<Catalog::EndsAnswer> of_slow;
  const auto asking = reading.catalog().ends({{topic, 1}}, reading.loop(), [&](auto answer) { of_slow = answer; });
  for (int i = 0; i < 5; ++i) {
    const auto asked = test::Clock::now();
    EXPECT_TRUE(reading.ends({{topic, 0}}));
    EXPECT_LT(test::Clock::now() - asked, seconds{1});
  }
  producer.send(topic, 0, numbered(10));
  ASSERT_TRUE(tail.read_to(20, in(seconds{10})));
  ASSERT_TRUE(reading.run_until([&] { return of_slow.has_value(); }));
  EXPECT_FALSE(*of_slow);
  kafka.resume(slow);

  ASSERT_TRUE(reading.run_until([&] { return reading.ends({{topic, 1}}).has_value(); }));
}

class KafkaSecured : public testing::Test {
 protected:
  static KafkaCluster& kafka() {
    static KafkaCluster kafka{{.secure = true}};
    return kafka;
  }
  static KafkaStreamsOptions options(const std::string& password = kSecurePassword) {
    KafkaStreamsOptions options;
    options.kafka.properties = kafka().secure_properties(password);
    return options;
  }
};

TEST_F(KafkaSecured, TopicsAreReadThroughTlsAndScramAndADeniedOneIsLeftOutAndCounted) {
  KafkaAdmin admin{kafka().bootstrap()};
  const TopicPartition open{admin.make_topic("open"), 0};
  const TopicPartition denied{admin.make_topic("denied"), 0};
  admin.deny(denied.topic, kSecureUser);
  Producer{kafka().bootstrap()}.send(open.topic, 0, numbered(3));

  KafkaReading reading{kafka().secure_bootstrap(), options(), {open.topic, denied.topic}};

  ASSERT_TRUE(reading.run_until_known(open.topic));
  EXPECT_FALSE(reading.catalog().topics()->by_name.contains(denied.topic));
  EXPECT_EQ(reading.catalog().denied_topics(), 1U);
  EXPECT_TRUE(reading.ends({open}));
  EXPECT_EQ(offsets_of(reading.read_all(open, 0)), from_to(0, 2));
  TailOf tail{reading, open};
  Producer{kafka().bootstrap()}.send(open.topic, 0, numbered(2));
  ASSERT_TRUE(tail.read_to(5));
}

TEST_F(KafkaSecured, WrongCredentialsAreOneClearLineAndNoMetadata) {
  KafkaReading reading{kafka().secure_bootstrap(), options("wrong")};

  ASSERT_TRUE(reading.run_until([&] { return reading.reports().counts().contains("authentication"); }));
  ASSERT_TRUE(reading.run_until([&] { return reading.reports().counts().at("authentication") >= 4; }));

  EXPECT_EQ(reading.catalog().topics()->version, 0U);
  EXPECT_FALSE(reading.catalog().is_reachable());
  const auto& lines = reading.close_and_read_log();
  const auto is_about_credentials = [](const std::string& line) {
    return line.find("credentials") != std::string::npos;
  };
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(), is_about_credentials), 1);
  for (const auto& line : lines) EXPECT_EQ(line.find("wrong"), std::string::npos) << "a secret in the log: " << line;
}

TEST_F(KafkaSecured, ABrokerWhoseCertificateNobodyVouchesForIsNotSpokenTo) {
  KafkaStreamsOptions untrusting = options();
  untrusting.kafka.properties.erase("ssl.ca.location");
  KafkaReading reading{kafka().secure_bootstrap(), untrusting};

  ASSERT_TRUE(reading.run_until([&] { return reading.reports().counts().contains("tls"); }));
  EXPECT_EQ(reading.catalog().topics()->version, 0U);
}

}  // namespace
}  // namespace tailgate::test
