// Followers that are read in the place of their leader, on librdkafka's mock cluster. It sends everybody to them, with
// a rack and without, so what they do not have at all cannot be shown here.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "streams/scripted/mock_cluster_test.h"

namespace tailgate {
namespace {

class Followers : public scripted::MockClusterTest {
 protected:
  static constexpr int kLeader = 1;
  static constexpr int kFollower = 2;

  void SetUp() override {
    open_cluster(3);
    ASSERT_TRUE(cluster_->create_topic(partition_.topic, 1));
    ASSERT_TRUE(cluster_->set_leader(partition_.topic, 0, kLeader));
    ASSERT_EQ(rd_kafka_mock_partition_set_follower(&cluster_->mock(), partition_.topic.c_str(), 0, kFollower),
              RD_KAFKA_RESP_ERR_NO_ERROR);
    open_streams({{"client.rack", "here"}});
    ASSERT_TRUE(run_until([&] { return streams_->catalog().topics()->by_name.contains(partition_.topic); }));
    follow_ = streams_->tails().follow(partition_, loop_, [] {});
    ASSERT_TRUE(run_until([&] { return follow_->log().epoch() == 1 && follow_->log().at_end(); }));
    cursor_ = follow_->log().seek(0);
  }
  void produce_and_expect_all(int count) {
    produce(partition_, count);
    produced_ += count;
    EXPECT_TRUE(run_until([&] {
      take(*follow_, cursor_, tailed_);
      return static_cast<Offset>(tailed_.size()) >= produced_;
    }));
    EXPECT_EQ(tailed_, all_up_to(produced_));
    EXPECT_EQ(history_up_to(partition_, produced_), all_up_to(produced_));
    EXPECT_EQ(follow_->log().epoch(), 1U) << "no continuity was lost";
  }
  // The errors that the follower still has to answer fetches with.
  std::size_t errors_left() {
    std::size_t left = 0;
    EXPECT_EQ(rd_kafka_mock_broker_error_stack_cnt(&cluster_->mock(), kFollower, kFetch, &left),
              RD_KAFKA_RESP_ERR_NO_ERROR);
    return left;
  }

  static constexpr std::int16_t kFetch = 1;
  const TopicPartition partition_{"followed", 0};
  std::unique_ptr<Follow> follow_;
  RecordLog::Cursor cursor_;
  std::vector<Offset> tailed_;
  Offset produced_ = 0;
};

TEST_F(Followers, AFollowerWhoseOffsetsAreNotAvailableLosesAndRepeatsNothing) {
  produce_and_expect_all(10);
  constexpr std::size_t kErrors = 3;
  for (std::size_t i = 0; i < kErrors; ++i) {
    ASSERT_EQ(rd_kafka_mock_broker_push_request_error_rtts(&cluster_->mock(), kFollower, kFetch, 1,
                                                           RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE, /*rtt_ms=*/0),
              RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  ASSERT_TRUE(run_until([&] { return errors_left() < kErrors; })) << "the follower is not read";

  produce_and_expect_all(10);
}

}  // namespace
}  // namespace tailgate
