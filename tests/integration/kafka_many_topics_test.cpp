// A thousand topics of a real Kafka, exposed by a pattern.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/integration/kafka_reading.h"
#include "tests/support/kafka_admin.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/producer.h"

namespace tailgate::test {
namespace {

TEST(KafkaManyTopics, AThousandTopicsOfTwelvePartitionsAreKnownAndAnyOfThemIsTailed) {
  constexpr int kTopics = 1'000;
  constexpr int kPartitions = 12;
  KafkaCluster kafka;
  KafkaAdmin admin{kafka.bootstrap()};
  std::vector<std::string> names;
  for (int topic = 0; topic < kTopics; ++topic) names.push_back("many-" + std::to_string(topic));
  for (std::size_t i = 0; i < names.size(); i += 100) {  // a broker takes 10,000 partitions in a request
    admin.create_topics({names.begin() + i, names.begin() + i + 100}, {.partitions = kPartitions});
  }
  KafkaStreamsOptions options;
  KafkaReading reading{kafka.bootstrap(), options, {"many-*"}};
  ASSERT_TRUE(reading.run_until([&] { return reading.catalog().topics()->by_name.size() == kTopics; }, in(kPatience)));

  std::vector<TopicPartition> partitions;  // of some of them, the first and the last among these
  for (int topic = 0; topic < kTopics; topic += 27) {
    for (int partition = 0; partition < kPartitions; ++partition)
      partitions.push_back({names[static_cast<std::size_t>(topic)], partition});
  }
  std::vector<std::unique_ptr<Follow>> follows;
  for (const auto& partition : partitions) follows.push_back(reading.tails().follow(partition, reading.loop(), [] {}));
  ASSERT_TRUE(reading.run_until(
      [&] {
        return std::all_of(follows.begin(), follows.end(), [](const auto& follow) { return follow->log().at_end(); });
      },
      in(8 * kPatience)));
  Producer producer{kafka.bootstrap()};
  producer.send("many-0", 0, NewRecord{.value = "first"});
  producer.send("many-999", 11, NewRecord{.value = "last"});

  ASSERT_TRUE(
      reading.run_until([&] { return follows.front()->log().next() == 1 && follows.back()->log().next() == 1; }));
}

}  // namespace
}  // namespace tailgate::test
