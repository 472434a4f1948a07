// Leaders that move, on librdkafka's mock cluster of three brokers.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "streams/scripted/mock_cluster_test.h"

namespace tailgate {
namespace {

class LeaderMoves : public scripted::MockClusterTest {
 protected:
  void SetUp() override {
    open_cluster(3);
    ASSERT_TRUE(cluster_->create_topic(partition_.topic, 1));
    ASSERT_TRUE(cluster_->set_leader(partition_.topic, 0, 1));
    open_streams();
    ASSERT_TRUE(run_until([&] { return streams_->catalog().topics()->by_name.contains(partition_.topic); }));
  }

  const TopicPartition partition_{"moves", 0};
};

TEST_F(LeaderMoves, ALeaderThatMovesEverySecondLosesAndRepeatsNothing) {
  const auto follow = streams_->tails().follow(partition_, loop_, [] {});
  ASSERT_TRUE(run_until([&] { return follow->log().epoch() == 1 && follow->log().at_end(); }));
  auto cursor = follow->log().seek(0);
  std::vector<Offset> tailed;
  std::size_t sent = 0;
  for (int second = 0; second < 6; ++second) {
    ASSERT_TRUE(cluster_->set_leader(partition_.topic, 0, 1 + (second + 1) % 3));
    const auto until = SteadyClock::now() + std::chrono::seconds{1};
    ASSERT_TRUE(run_until([&] {
      for (int i = 0; i < 5; ++i) send(partition_, std::to_string(sent++));
      static_cast<void>(rd_kafka_poll(producer_.get(), 0));
      take(*follow, cursor, tailed);
      return SteadyClock::now() > until;
    }));
  }
  ASSERT_TRUE(run_until([&] { return is_flushed(); }));
  ASSERT_TRUE(run_until([&] {
    take(*follow, cursor, tailed);
    return tailed.size() >= sent;
  })) << tailed.size()
      << " of " << sent;

  const auto end = static_cast<Offset>(tailed.size());
  EXPECT_EQ(tailed, all_up_to(end)) << "each once, in order";
  EXPECT_EQ(follow->log().epoch(), 1U) << "no continuity was lost";
  EXPECT_EQ(history_up_to(partition_, end), all_up_to(end));
}

}  // namespace
}  // namespace tailgate
