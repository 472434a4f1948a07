// What the tests with the offset ledger share: clients of every kind, writers that never stop, and the judgement.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/ledger/checker.h"
#include "tests/ledger/ledger.h"
#include "tests/ledger/swarm.h"
#include "tests/ledger/truth.h"
#include "tests/ledger/truth_producer.h"

namespace tailgate::test {

inline constexpr std::int32_t kPartitions = 12;      // of the topic
inline constexpr std::int32_t kOtherPartitions = 3;  // of the other one, at first
inline constexpr std::int32_t kGrownPartitions = 5;

// LEDGER_SEED, or another one each time.
std::uint64_t seed_of_run();

// Of every kind some; neighbours differ in everything.
ledger::ClientPlan plan_of(int number, const std::string& topic, const std::string& other);
// Everything, at once, from any replica.
ledger::ClientPlan plan_of_witness(int number, const std::string& topic, const std::string& other);

struct WriterOptions {
  // Off where brokers fail: what became of a transaction that failed is then not known.
  bool has_transactions = true;
  bool deletes_old = true;
  // Between a dozen records and the next, without transactions.
  std::chrono::milliseconds pause{20};
};

// Writes plain records and transactions, committed and aborted, and deletes what is old, until it is stopped.
class Writers {
 public:
  Writers(const std::string& bootstrap, std::string topic, std::string other, std::uint64_t seed, ledger::Truth& truth,
          WriterOptions options = {});
  ~Writers();
  Writers(const Writers&) = delete;
  Writers& operator=(const Writers&) = delete;

  // From now on the other topic has more partitions, and they are written to.
  void grow();
  void stop();
  // After stop().
  const std::string& failure() const { return failure_; }
  std::uint64_t aborted() const { return aborted_; }
  std::uint64_t produced() const { return produced_; }

 private:
  // One of the first so many, those of the topic before those of the other one.
  ledger::PartitionName some_partition(std::mt19937_64& random, std::int32_t partitions) const;
  void send(ledger::TruthProducer& producer, std::mt19937_64& random);
  void send_some(ledger::TruthProducer& producer, std::mt19937_64& random);
  void produce();
  void produce_with_transactions(ledger::TruthProducer& plain, std::mt19937_64& random);
  void delete_old();

  std::string bootstrap_;
  std::string topic_;
  std::string other_;
  std::uint64_t seed_;
  ledger::Truth& truth_;
  WriterOptions options_;
  std::atomic<bool> stopped_{false};
  std::atomic<std::int32_t> other_partitions_{kOtherPartitions};
  std::string failure_;
  std::int64_t seq_ = 0;
  std::uint64_t aborted_ = 0;
  std::uint64_t produced_ = 0;
  std::thread producing_;
  std::thread deleting_;
};

// What happened when, for the report.
class Timeline {
 public:
  void note(const std::string& what);
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::int64_t start_us_ = ledger::now_us();
  std::vector<std::string> lines_;
};

struct LedgerRun {
  std::string kafka;  // bootstrap servers
  std::uint64_t seed;
  Writers& writers;
  ledger::Truth& truth;
  ledger::Ledger& book;
  ledger::Swarm& swarm;
  Timeline& timeline;
};

// Stops the writers, waits until every client has passed what was written, stops the clients, and holds what they saw
// against the truth, and that against Kafka. A ledger with violations is kept in a file.
void expect_everything_seen_once(const LedgerRun& run, const ledger::Rules& rules);

}  // namespace tailgate::test
