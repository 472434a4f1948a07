// What hangs is worse than what is dead, because its connections stay: a replica that is stopped, a Redis that says
// nothing, one whose place a replica of it takes while it hangs. Clients of every kind see every record once.
#include <csignal>

#include "tests/integration/chaos.h"
#include "tests/support/http_client.h"
#include "tests/support/redis_sentinels.h"

namespace tailgate::test {
namespace {

using namespace std::chrono_literals;

class ChaosOfStalls : public Chaos {
 protected:
  ChaosOfStalls() {
    start_kafka(1);
    expect_nobody_to_wait_for_its_end();
    start_replicas(redis.url());
  }

  // Its clients get on elsewhere: nothing is an outage to anybody.
  void stop_a_replica(TailgateProcess& replica) {
    timeline.note("a replica hangs");
    expect_progress([&] {
      replica.signal(SIGSTOP);
      let_pass(kLongFault);
      replica.signal(SIGCONT);
      timeline.note("it goes on");
      wait_for_traffic();
    });
  }

  void silence_redis() {
    redis.set_patience(1min);
    timeline.note("Redis hangs");
    expect_progress([&] {
      redis.master.pause();
      let_pass(8s);
      redis.master.resume();
      timeline.note("it goes on");
      wait_for_traffic();
    });
    redis.set_patience(1s);
  }

  void fail_redis_over() {
    timeline.note("the master of Redis hangs");
    expect_progress([&] {
      redis.master.pause();
      EXPECT_TRUE(eventually([&] { return redis.replica.command({"ROLE"}).starts_with("master"); }));
      timeline.note("another one is master");
      redis.set_patience(1min);  // it stays master, however slowly it answers
      wait_for_traffic();
      redis.master.resume();
      timeline.note("the old one goes on");
      EXPECT_TRUE(eventually([&] { return redis.master.command({"ROLE"}).starts_with("slave"); }));
      wait_for_traffic();
    });
  }

  void expect_redis_to_be_used() {
    for (const auto& replica : replicas) {
      const auto is_up = [&] {
        return fetch({.url = replica->admin_url("/readyz")}).body.find(R"("redis":"up")") != std::string::npos;
      };
      EXPECT_TRUE(eventually(is_up)) << replica->log();
    }
    // Leases of slots end by themselves where nobody gave them back.
    EXPECT_TRUE(eventually([&] {
      return redis.replica.command({"--scan", "--pattern", "tailgate:slots:*"}).empty();
    })) << redis.replica.command({"--scan", "--pattern", "tailgate:slots:*"});
  }

  RedisSentinels redis;
};

TEST_F(ChaosOfStalls, NobodyLosesARecordOrSeesOneTwiceOrWaitsForWhatHangs) {
  start_clients(chaos_setting("CHAOS_CLIENTS", 50));
  for (int round = 0; round < chaos_setting("CHAOS_ROUNDS", 1); ++round) {
    stop_a_replica(*replicas[static_cast<std::size_t>(round) % replicas.size()]);
    silence_redis();
    if (round == 0) fail_redis_over();
  }
  expect_all_to_be_well();
  expect_redis_to_be_used();
}

}  // namespace
}  // namespace tailgate::test
