// Everything fails in turn, behind HAProxy: replicas are killed and replaced, leaders move, all brokers go away, Redis
// is killed and comes back empty. Clients of every kind see every record once, and are never turned away.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/integration/ledger_load.h"
#include "tests/support/balancers.h"
#include "tests/support/http_client.h"
#include "tests/support/kafka_admin.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/redis_server.h"
#include "tests/support/tailgate_process.h"

namespace tailgate {
namespace {

using namespace std::chrono_literals;

constexpr int kWitnesses = 6;  // nobody cuts them but what fails here

// CHAOS_CLIENTS=300 and CHAOS_ROUNDS=5 are the long form.
int setting(const char* name, int otherwise) {
  const auto* const given = std::getenv(name);
  return given != nullptr ? std::atoi(given) : otherwise;
}

class Chaos : public testing::Test {
 protected:
  Chaos() : kafka{{.brokers = 3, .properties = kReplicated}}, admin{kafka.bootstrap()} {
    topic = admin.make_topic("chaos", {.partitions = test::kPartitions, .replication = 3});
    other = admin.make_topic("other", {.partitions = test::kOtherPartitions, .replication = 3});
    std::vector<test::Backend> backends;
    for (int i = 0; i < 3; ++i) {
      test::TailgateOptions options;
      options.kafka = kafka.bootstrap();
      options.topics = topic + "," + other;
      options.drain_delay = "3s";
      options.flags = {"--heartbeat", "2s", "--retry", "100ms",     "--threads",       "2",
                       "--drain",     "4s", "--redis", redis.url(), "--limit-streams", "10000"};
      replicas.push_back(std::make_unique<test::TailgateProcess>(options));
      backends.push_back({replicas.back()->port(), replicas.back()->admin_port()});
    }
    balancer = test::Balancer::haproxy(backends);
    // A topic that was made a moment ago is not known to every broker, and so not to every replica.
    for (const auto& replica : replicas) {
      for (const auto& name : {topic, other}) {
        const auto is_known = [&] { return test::fetch({.url = replica->url("/topics/" + name)}).status == 200; };
        if (!test::eventually(is_known)) throw std::runtime_error{"a replica does not hear of " + name};
      }
    }
  }

  // What the clients do goes on for so long before the next thing happens: each of them has come by at least once.
  void wait_for_traffic() {
    const auto enough = swarm->cuts() + static_cast<std::uint64_t>(book.plans().size()) * 2;
    EXPECT_TRUE(test::eventually([&] { return swarm->cuts() >= enough; }, test::in(60s))) << swarm->cuts();
  }

  void kill_each_replica() {
    for (auto& replica : replicas) {
      timeline.note("a replica is killed");
      replica->kill_hard();
      wait_for_traffic();
      replica->restart();
      wait_for_traffic();
    }
  }

  void replace_each_replica() {
    for (auto& replica : replicas) {
      timeline.note("a replica drains");
      EXPECT_EQ(replica->stop(test::in(30s)), 0);
      replica->restart();
      wait_for_traffic();
    }
  }

  void lose_each_broker() {
    for (int broker = 1; broker <= kafka.brokers(); ++broker) {
      timeline.note("broker " + std::to_string(broker) + " is killed");
      kafka.kill_hard(broker);
      wait_for_traffic();
      kafka.start(broker);
    }
  }

  void lose_all_brokers(std::chrono::seconds span) {
    timeline.note("all brokers fall silent");
    const auto from_us = ledger::now_us();
    for (int broker = 1; broker <= kafka.brokers(); ++broker) kafka.pause(broker);
    EXPECT_FALSE(test::eventually([] { return false; }, test::in(span)));  // an outage is a matter of time
    for (int broker = 1; broker <= kafka.brokers(); ++broker) kafka.resume(broker);
    timeline.note("the brokers are back");
    rules.outages.emplace_back(from_us, ledger::now_us());
    wait_for_traffic();
  }

  void lose_redis() {
    timeline.note("Redis is killed");
    redis.kill_hard();
    wait_for_traffic();
    timeline.note("Redis is back, and empty");
    redis.start();
    wait_for_traffic();
  }

  // The gauges of open streams and their slots that are not 0, "" when all are.
  std::string streams_open() {
    std::string open;
    for (const auto& replica : replicas) {
      for (const std::string representation : {"sse", "sse_envelope", "ndjson", "json"}) {
        for (const std::string state : {"live", "ahead", "behind"}) {
          const auto name = "tailgate_streams{representation=\"" + representation + "\",state=\"" + state + "\"}";
          const auto value = replica->metric(name);
          if (value != 0) open += name + " " + (value ? std::to_string(*value) : "is missing") + "\n";
        }
      }
      if (replica->metric("tailgate_limit_slots") != 0) open += "slots of streams\n";
    }
    return open;
  }

  static const test::Properties kReplicated;

  test::KafkaCluster kafka;
  test::KafkaAdmin admin;
  test::RedisServer redis;
  std::string topic;
  std::string other;
  std::vector<std::unique_ptr<test::TailgateProcess>> replicas;
  std::unique_ptr<test::Balancer> balancer;
  ledger::Truth truth;
  ledger::Ledger book;
  ledger::Rules rules;
  std::unique_ptr<ledger::Swarm> swarm;
  test::Timeline timeline;
};

const test::Properties Chaos::kReplicated = {
    {"min.insync.replicas", "2"}, {"unclean.leader.election.enable", "false"}, {"default.replication.factor", "3"}};

TEST_F(Chaos, NobodyLosesARecordOrSeesOneTwiceOrIsTurnedAway) {
  const auto seed = test::seed_of_run();
  RecordProperty("seed", std::to_string(seed));
  // Heartbeats come every 2 s and a long poll waits for 5; the rest is for two instrumented cores.
  rules.silence_max_us = 12'000'000;
  rules.away_max_us = 12'000'000;
  rules.refusals_are_soft = true;

  test::Writers writers{
      kafka.bootstrap(), topic, other, seed, truth, {.has_transactions = false, .deletes_old = false, .pause = 100ms}};
  const auto clients = setting("CHAOS_CLIENTS", 94);
  for (int i = 0; i < clients; ++i) book.add_client(test::plan_of(i, topic, other));
  for (int i = 0; i < kWitnesses; ++i) book.add_client(test::plan_of_witness(i, topic, other));
  ledger::SwarmSettings settings;
  settings.seed = seed;
  settings.ports = {static_cast<std::uint16_t>(balancer->port())};
  settings.cut_bytes_max = 300'000;
  swarm = std::make_unique<ledger::Swarm>(book, settings);
  timeline.note("the clients start");
  wait_for_traffic();

  for (int round = 0; round < setting("CHAOS_ROUNDS", 1); ++round) {
    kill_each_replica();
    replace_each_replica();
    lose_redis();
    lose_each_broker();
    lose_all_brokers(20s);
  }
  ASSERT_NO_FATAL_FAILURE(
      test::expect_everything_seen_once({kafka.bootstrap(), seed, writers, truth, book, *swarm, timeline}, rules));
  EXPECT_GT(writers.produced(), 1000U);
  EXPECT_TRUE(test::eventually([&] { return streams_open().empty(); })) << streams_open();
  for (const auto& replica : replicas) EXPECT_TRUE(replica->is_running());
}

}  // namespace
}  // namespace tailgate
