#include "streams/doubts.h"

#include <gtest/gtest.h>

namespace tailgate {
namespace {

class DoubtsTest : public testing::Test {
 protected:
  std::int64_t since(const std::string& topic, std::int32_t partition, Offset passed, std::int64_t now_ms) {
    return doubts.notice(topic, partition, passed, now_ms);
  }
  Doubts doubts;
};

TEST_F(DoubtsTest, LastFromOneQuestionToTheNext) {
  EXPECT_EQ(since("a", 0, 7, 1'000), 1'000);
  EXPECT_EQ(since("a", 0, 7, 9'000), 1'000);
  EXPECT_EQ(since("a", 0, 8, 9'000), 9'000) << "another position";
  EXPECT_EQ(since("a", 1, 7, 9'000), 9'000) << "another partition";
  EXPECT_EQ(since("b", 0, 7, 9'000), 9'000) << "another topic";
  doubts.forget("a", 0, 7, 9'000);
  EXPECT_EQ(since("a", 0, 7, 10'000), 10'000);
}

TEST_F(DoubtsTest, BeginAnewAfterALongPause) {
  since("a", 0, 7, 0);
  EXPECT_EQ(since("a", 0, 7, Doubts::kKeptMs), 0);
  EXPECT_EQ(since("a", 0, 7, 2 * Doubts::kKeptMs), 0);
  EXPECT_EQ(since("a", 0, 7, 3 * Doubts::kKeptMs + 1), 3 * Doubts::kKeptMs + 1);
}

// Nobody says that a position which was reset is in Kafka. Those without doubts must not pay for it for ever.
TEST_F(DoubtsTest, AreGoneWhenNobodyHasAskedForLong) {
  since("a", 0, 7, 0);
  doubts.deny("a", 0, 7, 1'000);
  EXPECT_EQ(doubts.size(), 1U);
  for (int minutes = 1; minutes < 7; ++minutes) doubts.forget("b", 0, 1, minutes * 60'000);
  EXPECT_EQ(doubts.size(), 0U);
}

TEST_F(DoubtsTest, OfMadeUpPositionsDoNotGrowAndDoNotDisplaceThoseInUse) {
  since("a", 0, 7, 0);
  const auto rounds = static_cast<Offset>(Doubts::kMax);
  for (Offset made_up = 0; made_up < rounds; ++made_up) {
    since("b", 0, made_up, 1);
    if (made_up % 1'000 == 0) {
      EXPECT_EQ(since("a", 0, 7, 1), 0) << made_up;
    }
  }
  EXPECT_EQ(since("b", 0, 0, 2), 2) << "forgotten";
  EXPECT_EQ(since("b", 0, rounds - 1, 2), 1);
}

TEST_F(DoubtsTest, KnowForHowLongKafkaHasSaidSo) {
  since("a", 0, 7, 1'000);
  EXPECT_EQ(doubts.deny("a", 0, 7, 5'000), 0);
  EXPECT_EQ(doubts.deny("a", 0, 7, 6'000), 1'000);
  EXPECT_EQ(doubts.deny("a", 0, 7, 6'000), 1'000) << "another stream's question";
  EXPECT_EQ(since("a", 0, 7, 7'000), 1'000);
  EXPECT_EQ(doubts.deny("a", 0, 7, 8'500), 3'500);
  doubts.forget("a", 0, 7, 9'000);
  EXPECT_EQ(doubts.deny("a", 0, 7, 9'500), 0);
  EXPECT_EQ(doubts.deny("a", 0, 7, 9'501 + Doubts::kKeptMs), 0) << "after a long pause";
}

// A broker that lagged before the silence and one that lags after it are not one that lagged all the while.
TEST_F(DoubtsTest, CountLittleOfATimeInWhichKafkaWasNotAsked) {
  EXPECT_EQ(doubts.deny("a", 0, 7, 0), 0);
  EXPECT_EQ(doubts.deny("a", 0, 7, 17'000), Denials::kSilenceMs);
  EXPECT_EQ(doubts.deny("a", 0, 7, 18'000), Denials::kSilenceMs + 1'000);
  EXPECT_EQ(doubts.deny("a", 0, 7, 60'000), 2 * Denials::kSilenceMs + 1'000);
}

}  // namespace
}  // namespace tailgate
