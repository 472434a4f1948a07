// The offset ledger on real Kafka: many clients of every representation that are cut at any byte, replicas of which one
// is killed, transactions, and a retention that overtakes those who stay away. What they saw is held against what is
// true.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/ledger_load.h"
#include "tests/support/kafka_admin.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/tailgate_process.h"

namespace tailgate {
namespace {

using namespace std::chrono_literals;

constexpr int kClients = 210;
constexpr int kWitnesses = 6;  // never cut, so that they show whether replicas keep up
constexpr std::uint64_t kCuts = 6000;

std::size_t count_of(const ledger::Ledger& ledger, ledger::Seen::Kind kind) {
  std::size_t count = 0;
  for (std::size_t client = 0; client < ledger.plans().size(); ++client) {
    for (const auto& entry : ledger.entries_of(static_cast<std::int32_t>(client))) {
      if (entry.kind == ledger::Entry::Kind::seen && entry.seen == kind) ++count;
    }
  }
  return count;
}

TEST(Ledger, ClientsThatAreCutAnywhereSeeEveryCommittedRecordOnceOrAGapThatNamesIt) {
  const auto seed = test::seed_of_run();
  RecordProperty("seed", std::to_string(seed));
  const auto& kafka = test::shared_kafka();
  test::KafkaAdmin admin{kafka};
  const auto topic = admin.make_topic("ledger", {.partitions = test::kPartitions});
  const auto other = admin.make_topic("other", {.partitions = test::kOtherPartitions});

  test::Timeline timeline;
  ledger::Rules rules;
  rules.silence_max_us = 8'000'000;  // heartbeats come every 2 s

  std::vector<std::unique_ptr<test::TailgateProcess>> replicas;
  ledger::SwarmSettings settings;
  settings.seed = seed;
  for (int i = 0; i < 3; ++i) {
    test::TailgateOptions options;
    options.kafka = kafka;
    options.topics = topic + "," + other;
    options.flags = {"--heartbeat", "2s", "--retry", "100ms", "--threads", "2", "--gzip=on", "--zstd=on"};
    // One of them keeps so little that most of what clients come back for has to be read again from Kafka.
    if (i == 0)
      options.flags.insert(options.flags.end(), {"--max-event-bytes", "32KiB", "--feed-bytes", "64KiB",
                                                 "--record-bytes", "1MiB", "--history-bytes", "4MiB"});
    replicas.push_back(std::make_unique<test::TailgateProcess>(options));
    settings.ports.push_back(static_cast<std::uint16_t>(replicas.back()->port()));
  }

  ledger::Truth truth;
  test::Writers writers{kafka, topic, other, seed, truth};
  ledger::Ledger book;
  for (int i = 0; i < kClients; ++i) book.add_client(test::plan_of(i, topic, other));
  for (int i = 0; i < kWitnesses; ++i) book.add_client(test::plan_of_witness(i, topic, other));
  ledger::Swarm swarm{book, settings};
  timeline.note("the clients start");

  const auto has_cut = [&](std::uint64_t cuts) {
    return test::eventually([&] { return swarm.cuts() >= cuts; }, test::in(90s));
  };
  EXPECT_TRUE(has_cut(kCuts / 4)) << swarm.cuts();
  for (const std::size_t replica : {1U, 0U}) {
    timeline.note("replica " + std::to_string(replica) + " is killed");
    const auto killed_us = ledger::now_us();
    replicas[replica]->kill_hard();
    EXPECT_TRUE(has_cut(swarm.cuts() + kCuts / 8)) << swarm.cuts();
    rules.progress.push_back({killed_us, ledger::now_us(), 10'000'000});
    timeline.note("replica " + std::to_string(replica) + " is started again");
    replicas[replica]->restart();
    if (replica == 1) {
      timeline.note("the other topic grows");
      writers.grow();
    }
    EXPECT_TRUE(has_cut(swarm.cuts() + kCuts / 8)) << swarm.cuts();
  }
  EXPECT_TRUE(has_cut(kCuts)) << swarm.cuts();
  ASSERT_NO_FATAL_FAILURE(
      test::expect_everything_seen_once({kafka, seed, writers, truth, book, swarm, timeline}, rules));
  // What makes the run worth something.
  EXPECT_GT(swarm.cuts_inside(), kCuts / 4);
  EXPECT_GT(writers.aborted(), 100U);
  EXPECT_GT(count_of(book, ledger::Seen::Kind::gap), 20U);
  for (const std::string coding : {"gzip", "zstd"})
    EXPECT_GT(replicas[2]->metric("tailgate_compressed_shared_bytes_total{coding=\"" + coding + "\"}"), 10'000)
        << coding;
  RecordProperty("produced", std::to_string(writers.produced()));
  RecordProperty("aborted", std::to_string(writers.aborted()));
  RecordProperty("cuts", std::to_string(swarm.cuts()));
  RecordProperty("cuts_inside_an_event", std::to_string(swarm.cuts_inside()));
  RecordProperty("lines", std::to_string(book.size()));
  RecordProperty("records", std::to_string(count_of(book, ledger::Seen::Kind::record)));
  RecordProperty("gaps", std::to_string(count_of(book, ledger::Seen::Kind::gap)));
}

}  // namespace
}  // namespace tailgate
