// Everything dies in turn, behind HAProxy: replicas are killed and replaced, leaders move, all brokers go away, Redis
// is killed and comes back empty. Clients of every kind see every record once, and are never turned away.
#include "tests/integration/chaos.h"
#include "tests/support/redis_server.h"

namespace tailgate::test {
namespace {

using namespace std::chrono_literals;

class ChaosOfDeaths : public Chaos {
 protected:
  ChaosOfDeaths() {
    start_kafka(3);
    start_replicas(redis.url());
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
      EXPECT_EQ(replica->stop(), 0) << replica->log();
      replica->restart();
      wait_for_traffic();
    }
  }

  void lose_each_broker() {
    for (int broker = 1; broker <= kafka->brokers(); ++broker) {
      timeline.note("broker " + std::to_string(broker) + " is killed");
      kafka->kill_hard(broker);
      wait_for_traffic();
      kafka->start(broker);
    }
  }

  void lose_all_brokers(std::chrono::seconds span) {
    timeline.note("all brokers fall silent");
    const auto from_us = ledger::now_us();
    for (int broker = 1; broker <= kafka->brokers(); ++broker) kafka->pause(broker);
    let_pass(span);
    for (int broker = 1; broker <= kafka->brokers(); ++broker) kafka->resume(broker);
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

  RedisServer redis;
};

TEST_F(ChaosOfDeaths, NobodyLosesARecordOrSeesOneTwiceOrIsTurnedAway) {
  start_clients(chaos_setting("CHAOS_CLIENTS", 100));
  for (int round = 0; round < chaos_setting("CHAOS_ROUNDS", 1); ++round) {
    kill_each_replica();
    replace_each_replica();
    lose_redis();
    lose_each_broker();
    lose_all_brokers(20s);
  }
  expect_all_to_be_well();
}

}  // namespace
}  // namespace tailgate::test
