// The offset ledger on real Kafka: many clients of every representation that are cut at any byte, replicas of which one
// is killed, transactions, and a retention that overtakes those who stay away. What they saw is held against what is
// true.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <random>
#include <thread>

#include "tests/ledger/checker.h"
#include "tests/ledger/committed_read.h"
#include "tests/ledger/payload.h"
#include "tests/ledger/swarm.h"
#include "tests/ledger/truth_producer.h"
#include "tests/support/kafka_admin.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/tailgate_process.h"

namespace tailgate {
namespace {

using namespace std::chrono_literals;

constexpr std::int32_t kPartitions = 12;
constexpr std::int32_t kOtherPartitions = 3;  // at first
constexpr std::int32_t kGrownPartitions = 5;
constexpr int kClients = 210;
constexpr int kWitnesses = 6;  // never cut, so that they show whether replicas keep up
constexpr std::uint64_t kCuts = 6000;

std::uint64_t seed_of_run() {
  const auto* const given = std::getenv("LEDGER_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

// Of every kind some; neighbours differ in everything.
ledger::ClientPlan plan_of(int number, const std::string& topic, const std::string& other) {
  ledger::ClientPlan plan;
  plan.topics = {topic};
  plan.shape.representation = std::array{ledger::Representation::sse, ledger::Representation::ndjson,
                                         ledger::Representation::long_poll}[static_cast<std::size_t>(number % 3)];
  const auto kind = number / 3;
  switch (kind % 7) {
    case 0:
      break;  // the whole topic
    case 1:
      plan.shape.is_envelope = true;
      break;
    case 2:
      plan.topics = topic < other ? std::vector{topic, other} : std::vector{other, topic};
      break;
    case 3:
      plan.key = std::to_string(kind % kPartitions) + "/" + std::to_string(number % 8);
      break;
    default:
      plan.partition = kind % kPartitions;
      break;
  }
  if (plan.topics.size() > 1) plan.shape.is_envelope = true;
  if (plan.shape.representation == ledger::Representation::sse) plan.shape.id_by_line = kind % 5 == 1;
  plan.from = kind % 4 == 0 ? "latest" : kind % 4 == 1 ? "-50" : "earliest";
  plan.is_h2 = kind % 5 == 0;
  plan.bytes_per_second = kind % 9 == 4 ? 20'000 : 0;
  plan.stays_away = kind % 4 == 3;
  return plan;
}

// Everything, at once, from any replica.
ledger::ClientPlan plan_of_witness(int number, const std::string& topic, const std::string& other) {
  auto plan = plan_of(2 * 3 + number % 3, topic, other);
  plan.from = "earliest";
  plan.bytes_per_second = 0;
  plan.stays_away = false;
  plan.is_cut = false;
  return plan;
}

// Writes plain records and transactions, committed and aborted, and deletes what is old, until it is stopped.
class Writers {
 public:
  Writers(const std::string& bootstrap, std::string topic, std::string other, std::uint64_t seed, ledger::Truth& truth)
      : bootstrap_{bootstrap}, topic_{std::move(topic)}, other_{std::move(other)}, seed_{seed}, truth_{truth} {
    for (std::int32_t p = 0; p < kPartitions; ++p) truth_.add_partition({topic_, p});
    for (std::int32_t p = 0; p < kOtherPartitions; ++p) truth_.add_partition({other_, p});
    producing_ = std::thread{[this] { produce(); }};
    deleting_ = std::thread{[this] { delete_old(); }};
  }
  ~Writers() { stop(); }

  // From now on the other topic has more partitions, and they are written to.
  void grow() {
    test::KafkaAdmin{bootstrap_}.set_partitions(other_, kGrownPartitions);
    for (auto p = kOtherPartitions; p < kGrownPartitions; ++p) truth_.add_partition({other_, p});
    other_partitions_ = kGrownPartitions;
  }
  void stop() {
    stopped_ = true;
    if (producing_.joinable()) producing_.join();
    if (deleting_.joinable()) deleting_.join();
  }
  // After stop().
  const std::string& failure() const { return failure_; }
  std::uint64_t aborted() const { return aborted_; }
  std::uint64_t produced() const { return produced_; }

 private:
  // One of the first so many, those of the topic before those of the other one.
  ledger::PartitionName some_partition(std::mt19937_64& random, std::int32_t partitions) {
    const auto p = static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(partitions));
    return p < kPartitions ? ledger::PartitionName{topic_, p} : ledger::PartitionName{other_, p - kPartitions};
  }

  void produce() {
    std::mt19937_64 random{seed_};
    ledger::TruthProducer plain{bootstrap_, truth_, "", "lz4"};
    ledger::TruthProducer transactional{bootstrap_, truth_, topic_ + "-transactions"};
    std::int64_t seq = 0;
    const auto send = [&](ledger::TruthProducer& producer) {
      const auto where = some_partition(random, kPartitions + other_partitions_);
      if (producer.produce(where, ledger::make_payload(where.partition, seq + 1, random() % 200))) ++seq;
    };
    while (!stopped_ && plain.failure().empty() && transactional.failure().empty()) {
      transactional.begin();
      const auto records = 1 + random() % 12;
      for (std::uint64_t i = 0; i < records; ++i) send(transactional);
      for (int i = 0; i < 12; ++i) send(plain);
      plain.poll();
      // Some stay open for a while: the readable end stands still and others' records wait behind it.
      std::this_thread::sleep_for(std::chrono::milliseconds{random() % 16 == 0 ? 300 : 10});
      if (random() % 4 == 0) {
        transactional.abort();
        aborted_ += records;
      } else {
        transactional.commit();
      }
    }
    plain.flush();
    failure_ = plain.failure() + transactional.failure();
    produced_ = static_cast<std::uint64_t>(seq);
  }

  void delete_old() {
    std::mt19937_64 random{seed_ + 1};
    test::KafkaAdmin admin{bootstrap_};
    while (!stopped_) {
      std::this_thread::sleep_for(100ms);
      // Not in those that are added: the client that deletes may not have heard of them.
      const auto where = some_partition(random, kPartitions + kOtherPartitions);
      const auto truth = truth_.take().at(where);
      if (truth.records.size() < 40) continue;
      auto last = truth.records.rbegin();
      std::advance(last, 20 + static_cast<int>(random() % 20));
      if (last->first <= truth.deleted_before(ledger::now_us())) continue;
      truth_.add_deletion(where, last->first, ledger::now_us());
      admin.delete_records(where.topic, where.partition, last->first);
    }
  }

  std::string bootstrap_;
  std::string topic_;
  std::string other_;
  std::uint64_t seed_;
  ledger::Truth& truth_;
  std::atomic<bool> stopped_{false};
  std::atomic<std::int32_t> other_partitions_{kOtherPartitions};
  std::string failure_;
  std::uint64_t aborted_ = 0;
  std::uint64_t produced_ = 0;
  std::thread producing_;
  std::thread deleting_;
};

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
  const auto seed = seed_of_run();
  RecordProperty("seed", std::to_string(seed));
  const auto& kafka = test::shared_kafka();
  test::KafkaAdmin admin{kafka};
  const auto topic = admin.make_topic("ledger", {.partitions = kPartitions});
  const auto other = admin.make_topic("other", {.partitions = kOtherPartitions});

  std::vector<std::string> timeline;
  const auto note = [&, start = ledger::now_us()](const std::string& what) {
    timeline.push_back(std::to_string((ledger::now_us() - start) / 1000) + " ms: " + what);
  };
  ledger::Rules rules;
  rules.silence_max_us = 8'000'000;  // heartbeats come every 2 s, and a long poll waits for 5

  std::vector<std::unique_ptr<test::TailgateProcess>> replicas;
  ledger::SwarmSettings settings;
  settings.seed = seed;
  for (int i = 0; i < 3; ++i) {
    test::TailgateOptions options;
    options.kafka = kafka;
    options.topics = topic + "," + other;
    options.flags = {"--heartbeat", "2s", "--retry", "100ms", "--threads", "2"};
    // One of them keeps so little that most of what clients come back for has to be read again from Kafka.
    if (i == 0)
      options.flags.insert(options.flags.end(), {"--max-event-bytes", "32KiB", "--feed-bytes", "64KiB",
                                                 "--record-bytes", "1MiB", "--history-bytes", "4MiB"});
    replicas.push_back(std::make_unique<test::TailgateProcess>(options));
    settings.ports.push_back(static_cast<std::uint16_t>(replicas.back()->port()));
  }

  ledger::Truth truth;
  Writers writers{kafka, topic, other, seed, truth};
  ledger::Ledger book;
  for (int i = 0; i < kClients; ++i) book.add_client(plan_of(i, topic, other));
  for (int i = 0; i < kWitnesses; ++i) book.add_client(plan_of_witness(i, topic, other));
  ledger::Swarm swarm{book, settings};
  note("the clients start");

  const auto has_cut = [&](std::uint64_t cuts) {
    return test::eventually([&] { return swarm.cuts() >= cuts; }, test::in(90s));
  };
  EXPECT_TRUE(has_cut(kCuts / 4)) << swarm.cuts();
  for (const std::size_t replica : {1U, 0U}) {
    note("replica " + std::to_string(replica) + " is killed");
    const auto killed_us = ledger::now_us();
    replicas[replica]->kill_hard();
    EXPECT_TRUE(has_cut(swarm.cuts() + kCuts / 8)) << swarm.cuts();
    rules.progress.push_back({killed_us, ledger::now_us(), 10'000'000});
    note("replica " + std::to_string(replica) + " is started again");
    replicas[replica]->restart();
    if (replica == 1) {
      note("the other topic grows");
      writers.grow();
    }
    EXPECT_TRUE(has_cut(swarm.cuts() + kCuts / 8)) << swarm.cuts();
  }
  EXPECT_TRUE(has_cut(kCuts)) << swarm.cuts();
  note("the writers stop, and nobody is cut any more");
  writers.stop();
  EXPECT_EQ(writers.failure(), "");
  const auto partitions = truth.take();
  swarm.settle();
  const auto all_have_passed = [&] {
    const auto ids = swarm.last_ids();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (!ledger::has_passed_all(book.plans()[i], ids[i], partitions)) return false;
    }
    return true;
  };
  EXPECT_TRUE(test::eventually(all_have_passed, test::in(60s)));
  note("the clients stop");
  swarm.stop();

  for (const auto& [name, partition] : partitions) {
    const auto held = ledger::read_committed(kafka, name);
    ASSERT_TRUE(held) << name.topic << "/" << name.partition;
    EXPECT_EQ(ledger::difference(*held, partition), "") << name.topic << "/" << name.partition;
  }
  const auto violations = ledger::check(book, partitions, rules);
  EXPECT_TRUE(violations.empty()) << ledger::report(book, violations, seed, timeline);
  if (!violations.empty()) {
    const auto path = testing::TempDir() + "tailgate-ledger-" + std::to_string(seed);
    EXPECT_TRUE(book.write(path));
    ADD_FAILURE() << "the whole ledger is in " << path;
  }
  // What makes the run worth something.
  EXPECT_GT(swarm.cuts_inside(), kCuts / 4);
  EXPECT_GT(writers.aborted(), 100U);
  EXPECT_GT(count_of(book, ledger::Seen::Kind::gap), 20U);
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
