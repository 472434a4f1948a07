// What the tests of chaos share: three replicas behind HAProxy, a real Kafka, clients of every kind that read what is
// never stopped being written, and what all of that must look like when it is over.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/integration/ledger_load.h"
#include "tests/support/balancers.h"
#include "tests/support/kafka_admin.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/tailgate_process.h"

namespace tailgate::test {

// CHAOS_CLIENTS=300 and CHAOS_ROUNDS=5 are the long form.
int chaos_setting(const char* name, int otherwise);

class Chaos : public testing::Test {
 protected:
  void start_kafka(int brokers);
  void start_replicas(const std::string& redis_url);
  // Returns when each has come by at least once.
  void start_clients(int clients);
  // What the clients do goes on for so long before the next thing happens: each of them has come by at least once.
  void wait_for_traffic();
  // An outage is a matter of time.
  static void let_pass(std::chrono::milliseconds span);
  // While `fault` lasts and then, what is written reaches somebody within seconds.
  template <class Fault>
  void expect_progress(Fault fault) {
    const auto from_us = ledger::now_us();
    fault();
    rules.progress.push_back({from_us, ledger::now_us(), rules.silence_max_us});
  }
  // A fault that takes kLongFault: who waits until it is over has waited for too long, also where all else is slow.
  static constexpr std::chrono::seconds kLongFault{40};
  void expect_nobody_to_wait_for_its_end() {
    rules.silence_max_us = rules.away_max_us = std::chrono::microseconds{std::chrono::seconds{25}}.count();
  }
  // What is special about one of the three.
  virtual void adapt(int, TailgateOptions&) {}
  // Nobody missed anything, saw anything twice, was turned away or left alone; no stream or slot is left behind.
  void expect_all_to_be_well();

  std::unique_ptr<KafkaCluster> kafka;
  std::string topic;
  std::string other;
  std::vector<std::unique_ptr<TailgateProcess>> replicas;
  std::unique_ptr<Balancer> balancer;
  ledger::Rules rules;
  Timeline timeline;

 private:
  // The gauges of open streams and their slots that are not 0, "" when all are.
  std::string streams_open() const;

  const std::uint64_t seed_ = seed_of_run();
  ledger::Truth truth_;
  ledger::Ledger book_;
  std::optional<Writers> writers_;
  std::unique_ptr<ledger::Swarm> swarm_;
};

}  // namespace tailgate::test
