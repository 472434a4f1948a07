#include "bench/storm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

namespace tailgate::bench {
namespace {

// Nothing costs or takes anything but what a test says.
StormOptions free_of_cost() {
  StormOptions options;
  options.replicas = 1;
  options.threads = 1;
  options.disaster = Disaster::balancer;
  options.back_s = 0;
  options.retry = {1'000, 1'000};
  options.round_trip = {0, 0};
  options.events_per_second = 0;
  options.connect_us = 0;
  options.accept_us = 0;
  options.replayed_us = 0;
  options.redis_round_trip_ms = 0;
  return options;
}

void expect_conserved(const StormOptions& options, const StormResult& result) {
  EXPECT_EQ(result.connected, options.clients);
  EXPECT_EQ(result.back, result.cut);
  EXPECT_EQ(result.tries, result.back + result.refused + result.unheard + result.left);
  EXPECT_LE(result.silence_s.p50, result.silence_s.p99);
  EXPECT_LE(result.silence_s.p99, result.silence_s.max * 1.01);
}

TEST(Storm, EveryClientHasOneStreamInTheEnd) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    for (const Disaster disaster : {Disaster::killed, Disaster::balancer, Disaster::rolling}) {
      StormOptions options;
      options.seed = seed;
      options.replicas = 5;
      options.threads = 2;
      options.clients = 2'000;
      options.disaster = disaster;
      options.lost = 1 + static_cast<int>(seed % 4);
      options.back_s = static_cast<double>(seed % 3);
      options.choice = seed % 2 == 0 ? Choice::random : Choice::least_connections;
      options.retry = {500, 4'000};
      options.handshake_us = 10'000;  // connections wait so long that some give up
      options.patience_s = 1;
      options.backlog = 50;
      options.accept_us = 1'000;
      options.redis = static_cast<int>(seed % 3);
      options.script_us = 1'000;

      const StormResult result = run_storm(options);

      SCOPED_TRACE(seed);
      expect_conserved(options, result);
      EXPECT_GT(result.cut, 0U);
      EXPECT_GE(result.silence_s.p50, 0.5);
    }
  }
}

TEST(Storm, ConnectionsAreServedOneAfterTheOther) {
  StormOptions options = free_of_cost();
  options.clients = 100;
  options.connect_us = 10'000;

  const StormResult result = run_storm(options);

  EXPECT_NEAR(result.all_back_s, 1 + 100 * 0.010, 1e-6);
  EXPECT_NEAR(result.thread_wait_s, 99 * 0.010, 1e-6);
  EXPECT_NEAR(result.connect_cpu_s, 1, 1e-6);
  EXPECT_NEAR(result.silence_s.p50, 1.5, 0.02);
  EXPECT_EQ(result.connects_peak, 100);
}

TEST(Storm, ThreadsShareTheWorkAndLiveDeliveryTakesItsPart) {
  StormOptions options = free_of_cost();
  options.clients = 100;
  options.threads = 4;
  options.connect_us = 10'000;
  EXPECT_NEAR(run_storm(options).all_back_s, 1 + 25 * 0.010, 1e-6);

  options.threads = 1;
  options.clients = 101;
  options.replicas = 101;  // the one that dies leaves its client to one that delivers as long as it lets others work
  options.disaster = Disaster::killed;
  options.events_per_second = 1'000;
  options.event_us = 10'000;
  EXPECT_NEAR(run_storm(options).all_back_s, 1 + 0.020, 1e-6);
}

TEST(Storm, AFullAcceptQueueCostsASecond) {
  StormOptions options = free_of_cost();
  options.clients = 20;
  options.backlog = 10;
  options.accept_us = 100'000;

  const StormResult result = run_storm(options);

  EXPECT_EQ(result.dropped, 10U);
  EXPECT_NEAR(result.all_back_s, 3, 1e-6) << "ten accepted from 1 s to 2 s, the others from 2 s to 3 s";
}

TEST(Storm, WhoFindsNobodyWaitsAgain) {
  StormOptions options = free_of_cost();
  options.clients = 10;
  options.back_s = 2.5;

  const StormResult result = run_storm(options);

  EXPECT_EQ(result.refused, 20U) << "after one second, and after two";
  EXPECT_NEAR(result.all_back_s, 3, 1e-6);
}

TEST(Storm, WhoWaitsTooLongForAThreadComesAgain) {
  StormOptions options = free_of_cost();
  options.clients = 3;
  options.connect_us = 1'500'000;
  options.patience_s = 2;

  const StormResult result = run_storm(options);

  EXPECT_EQ(result.left, 1U) << "the third would wait for 3 s";
  EXPECT_NEAR(result.all_back_s, 1 + 3 * 1.5, 1e-6) << "closed upon at 3 s, it comes at 4 s, when the second is done";
}

TEST(Storm, PagesAreReadOnceForAllWhoWait) {
  StormOptions options = free_of_cost();
  options.clients = 1'000;
  options.disaster = Disaster::killed;
  options.back_s = 1.5;
  options.retry = {1'700, 1'700};
  options.events_per_second = 100;
  options.record_bytes = 100;
  options.page_bytes = 10'000;  // a second
  options.page_ms = 40;

  const StormResult result = run_storm(options);

  EXPECT_EQ(result.kafka_pages, 2U)
      << "what came between 0 s and 1.7 s, when its first subscriber came; what came later is in memory";
  EXPECT_NEAR(result.all_back_s, 1.74, 1e-6);
}

TEST(Storm, ReplicasThatStayHaveWhatIsMissedInMemory) {
  StormOptions options = free_of_cost();
  options.clients = 1'000;
  options.replicas = 10;
  options.disaster = Disaster::killed;
  options.events_per_second = 100;
  EXPECT_EQ(run_storm(options).kafka_pages, 0U);
}

TEST(Storm, ARedisThatIsLateIsGoneWithout) {
  StormOptions options = free_of_cost();
  options.clients = 1;
  options.disaster = Disaster::killed;
  options.back_s = 0.5;
  options.redis = 1;
  options.script_us = 100'000;

  const StormResult result = run_storm(options);

  EXPECT_EQ(result.scripts, 1U) << "the second question finds no link";
  EXPECT_EQ(result.without_redis, 2U);
  EXPECT_NEAR(result.all_back_s, 1.05, 1e-6);
}

TEST(Storm, AnIdleRedisAnswersAll) {
  StormOptions options = free_of_cost();
  options.clients = 1'000;
  options.retry = {1'000, 11'000};
  options.redis = 1;
  options.disaster = Disaster::killed;
  options.back_s = 0.5;

  const StormResult result = run_storm(options);

  EXPECT_EQ(result.scripts, 2'000U);
  EXPECT_EQ(result.without_redis, 0U);
}

TEST(Storm, ADrainCutsNobodyItselfAndTellsEachClientItsOwnWait) {
  StormOptions options = free_of_cost();
  options.clients = 1'000;
  options.replicas = 4;
  options.disaster = Disaster::rolling;
  options.back_s = 5;
  options.drain_retry = {500, 700};

  const StormResult result = run_storm(options);

  EXPECT_GE(result.cut, 750U);
  EXPECT_EQ(result.refused, 0U);
  EXPECT_GE(result.silence_s.p50, 0.5);
  EXPECT_LE(result.silence_s.max, 0.7 + 1e-6);
}

TEST(Storm, WhoStillWaitsAtAReplicaThatStopsBeginsAnew) {
  StormOptions options = free_of_cost();
  options.clients = 200;
  options.replicas = 2;
  options.disaster = Disaster::rolling;
  options.drain_delay_s = 0;
  options.drain_s = 0.5;
  options.back_s = 0.5;
  options.drain_retry = {100, 100};
  options.retry = {100, 100};
  options.connect_us = 100'000;  // those of the first replica take the second one 10 s, and it stops after one
  options.patience_s = 1'000;

  const StormResult result = run_storm(options);

  expect_conserved(options, result);
  EXPECT_GT(result.refused, 50U);
}

TEST(Storm, TheFewestConnectionsDrawAllWhoComeToAReplicaThatIsBack) {
  StormOptions options = free_of_cost();
  options.clients = 1'000;
  options.replicas = 10;
  options.disaster = Disaster::killed;
  options.back_s = 0.5;
  EXPECT_EQ(run_storm(options).replica_peak, 100);

  options.choice = Choice::random;
  EXPECT_LT(run_storm(options).replica_peak, 40);
}

TEST(Storm, IsTheSameForTheSameSeed) {
  const auto figures = [](std::uint64_t seed) {
    StormOptions options;
    options.seed = seed;
    options.replicas = 3;
    options.clients = 3'000;
    options.redis = 1;
    const StormResult result = run_storm(options);
    return std::tuple{result.all_back_s, result.silence_s.p99, result.tries, result.scripts, result.dropped};
  };
  EXPECT_EQ(figures(7), figures(7));
  EXPECT_NE(figures(7), figures(8));
}

}  // namespace
}  // namespace tailgate::bench
