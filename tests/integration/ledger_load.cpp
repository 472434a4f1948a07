#include "tests/integration/ledger_load.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <utility>
#include <vector>

#include "tests/ledger/committed_read.h"
#include "tests/ledger/payload.h"
#include "tests/support/kafka_admin.h"
#include "tests/support/wait.h"

namespace tailgate::test {

using namespace std::chrono_literals;

std::uint64_t seed_of_run() {
  const auto* const given = std::getenv("LEDGER_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

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
  // Compressed bytes are cut anywhere, behind id lines too.
  const bool may_be_coded = plan.shape.representation != ledger::Representation::long_poll && !plan.shape.id_by_line;
  if (may_be_coded && kind % 3 == 1) plan.accept_encoding = kind % 2 == 0 ? "gzip" : "zstd";
  plan.bytes_per_second = kind % 9 == 4 ? 20'000 : 0;
  plan.stays_away = kind % 4 == 3;
  return plan;
}

ledger::ClientPlan plan_of_witness(int number, const std::string& topic, const std::string& other) {
  auto plan = plan_of(2 * 3 + number % 3, topic, other);
  plan.from = "earliest";
  plan.bytes_per_second = 0;
  plan.stays_away = false;
  plan.is_cut = false;
  return plan;
}

Writers::Writers(const std::string& bootstrap, std::string topic, std::string other, std::uint64_t seed,
                 ledger::Truth& truth, WriterOptions options)
    : bootstrap_{bootstrap},
      topic_{std::move(topic)},
      other_{std::move(other)},
      seed_{seed},
      truth_{truth},
      options_{options} {
  for (std::int32_t p = 0; p < kPartitions; ++p) truth_.add_partition({topic_, p});
  for (std::int32_t p = 0; p < kOtherPartitions; ++p) truth_.add_partition({other_, p});
  producing_ = std::thread{[this] { produce(); }};
  if (options_.deletes_old) deleting_ = std::thread{[this] { delete_old(); }};
}

Writers::~Writers() { stop(); }

void Writers::grow() {
  KafkaAdmin{bootstrap_}.set_partitions(other_, kGrownPartitions);
  for (auto p = kOtherPartitions; p < kGrownPartitions; ++p) truth_.add_partition({other_, p});
  other_partitions_ = kGrownPartitions;
}

void Writers::stop() {
  stopped_ = true;
  if (producing_.joinable()) producing_.join();
  if (deleting_.joinable()) deleting_.join();
}

ledger::PartitionName Writers::some_partition(std::mt19937_64& random, std::int32_t partitions) const {
  const auto p = static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(partitions));
  return p < kPartitions ? ledger::PartitionName{topic_, p} : ledger::PartitionName{other_, p - kPartitions};
}

void Writers::send(ledger::TruthProducer& producer, std::mt19937_64& random) {
  const auto where = some_partition(random, kPartitions + other_partitions_);
  if (producer.produce(where, ledger::make_payload(where.partition, seq_ + 1, random() % 200))) ++seq_;
}

void Writers::send_some(ledger::TruthProducer& producer, std::mt19937_64& random) {
  for (int i = 0; i < 12; ++i) send(producer, random);
  producer.poll();
}

void Writers::produce() {
  std::mt19937_64 random{seed_};
  ledger::TruthProducer plain{bootstrap_, truth_, "", "lz4"};
  if (options_.has_transactions) {
    produce_with_transactions(plain, random);
  } else {
    while (!stopped_ && plain.failure().empty()) {
      send_some(plain, random);
      std::this_thread::sleep_for(options_.pause);
    }
  }
  plain.flush();
  failure_ += plain.failure();
  produced_ = static_cast<std::uint64_t>(seq_);
}

void Writers::produce_with_transactions(ledger::TruthProducer& plain, std::mt19937_64& random) {
  ledger::TruthProducer transactional{bootstrap_, truth_, topic_ + "-transactions"};
  while (!stopped_ && plain.failure().empty() && transactional.failure().empty()) {
    transactional.begin();
    const auto records = 1 + random() % 12;
    for (std::uint64_t i = 0; i < records; ++i) send(transactional, random);
    send_some(plain, random);
    // Some stay open for a while: the readable end stands still and others' records wait behind it.
    std::this_thread::sleep_for(std::chrono::milliseconds{random() % 16 == 0 ? 300 : 10});
    if (random() % 4 == 0) {
      transactional.abort();
      aborted_ += records;
    } else {
      transactional.commit();
    }
  }
  failure_ += transactional.failure();
}

void Writers::delete_old() {
  std::mt19937_64 random{seed_ + 1};
  KafkaAdmin admin{bootstrap_};
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

void Timeline::note(const std::string& what) {
  lines_.push_back(std::to_string((ledger::now_us() - start_us_) / 1000) + " ms: " + what);
}

void expect_everything_seen_once(const LedgerRun& run, const ledger::Rules& rules) {
  run.timeline.note("the writers stop, and nobody is cut any more");
  run.writers.stop();
  EXPECT_EQ(run.writers.failure(), "");
  const auto partitions = run.truth.take();
  run.swarm.settle();
  const auto all_have_passed = [&] {
    const auto ids = run.swarm.last_ids();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (!ledger::has_passed_all(run.book.plans()[i], ids[i], partitions)) return false;
    }
    return true;
  };
  EXPECT_TRUE(eventually(all_have_passed, in(120s)));
  run.timeline.note("the clients stop");
  run.swarm.stop();

  for (const auto& [name, partition] : partitions) {
    const auto held = ledger::read_committed(run.kafka, name);
    ASSERT_TRUE(held) << name.topic << "/" << name.partition;
    EXPECT_EQ(ledger::difference(*held, partition), "") << name.topic << "/" << name.partition;
  }
  const auto violations = ledger::check(run.book, partitions, rules);
  EXPECT_TRUE(violations.empty()) << ledger::report(run.book, violations, run.seed, run.timeline.lines());
  if (!violations.empty()) {
    const auto path = testing::TempDir() + "tailgate-ledger-" + std::to_string(run.seed);
    EXPECT_TRUE(run.book.write(path));
    ADD_FAILURE() << "the whole ledger is in " << path;
  }
}

}  // namespace tailgate::test
