#include "streams/doubts.h"

#include <gtest/gtest.h>

namespace tailgate {
namespace {

TEST(Doubts, LastFromOneQuestionToTheNext) {
  Doubts doubts;
  EXPECT_EQ(doubts.since("a", 0, 7, 1'000), 1'000);
  EXPECT_EQ(doubts.since("a", 0, 7, 9'000), 1'000);
  EXPECT_EQ(doubts.since("a", 0, 8, 9'000), 9'000) << "another position";
  EXPECT_EQ(doubts.since("a", 1, 7, 9'000), 9'000) << "another partition";
  EXPECT_EQ(doubts.since("b", 0, 7, 9'000), 9'000) << "another topic";
  doubts.forget("a", 0, 7);
  EXPECT_EQ(doubts.since("a", 0, 7, 10'000), 10'000);
}

TEST(Doubts, BeginAnewAfterALongPause) {
  Doubts doubts;
  doubts.since("a", 0, 7, 0);
  EXPECT_EQ(doubts.since("a", 0, 7, Doubts::kKeptMs), 0);
  EXPECT_EQ(doubts.since("a", 0, 7, 2 * Doubts::kKeptMs), 0);
  EXPECT_EQ(doubts.since("a", 0, 7, 3 * Doubts::kKeptMs + 1), 3 * Doubts::kKeptMs + 1);
}

TEST(Doubts, OfMadeUpPositionsDoNotGrowAndDoNotDisplaceThoseInUse) {
  Doubts doubts;
  doubts.since("a", 0, 7, 0);
  const auto rounds = static_cast<Offset>(Doubts::kMax);
  for (Offset made_up = 0; made_up < rounds; ++made_up) {
    doubts.since("b", 0, made_up, 1);
    if (made_up % 1'000 == 0) {
      EXPECT_EQ(doubts.since("a", 0, 7, 1), 0) << made_up;
    }
  }
  EXPECT_EQ(doubts.since("b", 0, 0, 2), 2) << "forgotten";
  EXPECT_EQ(doubts.since("b", 0, rounds - 1, 2), 1);
}

}  // namespace
}  // namespace tailgate
