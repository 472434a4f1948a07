// One replica of three is behind a network that fails: cut off from Kafka, Redis and the balancer without a word, and
// then with 5 % of all packets lost. Clients of every kind see every record once.
#include "tests/integration/chaos.h"
#include "tests/support/far_network.h"
#include "tests/support/redis_server.h"

namespace tailgate::test {
namespace {

using namespace std::chrono_literals;

class ChaosOfTheNetwork : public Chaos {
 protected:
  void SetUp() override {
    if (const auto why = FarNetwork::why_not(); !why.empty()) GTEST_SKIP() << why;
    network = std::make_unique<FarNetwork>();
    redis = std::make_unique<RedisServer>();
    start_kafka(1);
    expect_nobody_to_wait_for_its_end();
    start_replicas(redis->url());
  }

  void adapt(int replica, TailgateOptions& options) override {
    if (replica != 0) return;
    options.host = kFarHost;
    options.starter = network->starter();
  }

  void cut_a_replica_off() {
    timeline.note("a replica is cut off");
    expect_progress([&] {
      network->cut();
      let_pass(kLongFault);
      EXPECT_GT(network->heal(), 0U);
      timeline.note("it is not any more");
      wait_for_traffic();
    });
    EXPECT_TRUE(eventually([&] { return replicas.front()->is_ready(); }));
  }

  void lose_packets() {
    timeline.note("5 % of all packets of a replica are lost");
    network->lose(0.05);
    let_pass(15s);
    wait_for_traffic();
    EXPECT_GT(network->heal(), 0U);
    timeline.note("none any more");
    wait_for_traffic();
  }

  std::unique_ptr<FarNetwork> network;
  std::unique_ptr<RedisServer> redis;
};

TEST_F(ChaosOfTheNetwork, NobodyLosesARecordOrSeesOneTwiceOrIsTurnedAway) {
  start_clients(chaos_setting("CHAOS_CLIENTS", 50));
  for (int round = 0; round < chaos_setting("CHAOS_ROUNDS", 1); ++round) {
    cut_a_replica_off();
    lose_packets();
  }
  expect_all_to_be_well();
}

}  // namespace
}  // namespace tailgate::test
