// A thousand topics of a real Kafka, exposed by a pattern.
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/kafka_reading.h"
#include "tests/support/kafka_admin.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/producer.h"

namespace tailgate::test {
namespace {

TEST(KafkaManyTopics, AThousandTopicsOfTwelvePartitionsAreKnownAndAllOfThemAreTailed) {
  constexpr int kTopics = 1'000;
  constexpr int kPartitions = 12;
  // What others have every half second takes half a processor with so many logs, and such a broker may be late to say
  // that it lives.
  KafkaCluster kafka{{.properties = {{"log.retention.check.interval.ms", "300000"},
                                     {"log.cleaner.backoff.ms", "15000"},
                                     {"broker.session.timeout.ms", "60000"}},
                      .java_options = "-Xms1g -Xmx2g"}};
  KafkaAdmin admin{kafka.bootstrap()};
  std::vector<std::string> names;
  for (int topic = 0; topic < kTopics; ++topic) names.push_back("many-" + std::to_string(topic));
  for (std::size_t i = 0; i < names.size(); i += 100) {  // a broker takes 10,000 partitions in a request
    admin.create_topics({names.begin() + i, names.begin() + i + 100}, {.partitions = kPartitions});
  }
  const KafkaStreamsOptions options;
  KafkaReading reading{kafka.bootstrap(), options, {"many-*"}};
  ASSERT_TRUE(reading.run_until([&] { return reading.catalog().topics()->by_name.size() == kTopics; }, in(kPatience)));

  const auto begun = Clock::now();
  std::map<TopicPartition, std::unique_ptr<Follow>> follows;
  for (const auto& name : names) {
    for (int partition = 0; partition < kPartitions; ++partition) {
      const TopicPartition of{name, partition};
      follows[of] = reading.tails().follow(of, reading.loop(), [] {});
    }
  }
  ASSERT_TRUE(reading.run_until(
      [&] {
        const TailCounts counts = reading.tails().counts();
        return counts.tailed == follows.size() && counts.behind == 0;
      },
      in(8 * kPatience)))
      << reading.tails().counts().behind << " are not at their end";
  std::cout << follows.size() << " partitions are at their ends after "
            << std::chrono::duration<double>(Clock::now() - begun).count() << " s\n";

  Producer producer{kafka.bootstrap()};
  const std::vector<TopicPartition> written{{"many-0", 0}, {"many-499", 5}, {"many-999", 11}};
  for (const auto& [topic, partition] : written) producer.send(topic, partition, NewRecord{.value = topic});
  for (const auto& of : written) {
    EXPECT_TRUE(reading.run_until([&] { return follows[of]->log().next() == 1; })) << of.topic;
  }
}

}  // namespace
}  // namespace tailgate::test
