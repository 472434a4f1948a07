#include "limits/memory_limits.h"

#include <gtest/gtest.h>

namespace tailgate {
namespace {

constexpr TokenRate kRate{.per_second = 1, .burst = 10};

TEST(LimitTable, OwesWhatWasTakenAndHasNotComeAgainOnce) {
  ManualClock clock;
  LimitTable table{clock};
  EXPECT_EQ(table.settle("k", kRate), 0);
  table.take("k", kRate, 6);
  clock.advance(2'000);
  EXPECT_DOUBLE_EQ(table.settle("k", kRate), 4);
  EXPECT_EQ(table.settle("k", kRate), 0) << "somebody else accounts for it";
  table.take("k", kRate, 1);
  EXPECT_DOUBLE_EQ(table.settle("k", kRate), 1);
  clock.advance(60'000);
  EXPECT_EQ(table.settle("k", kRate), 0);
}

TEST(LimitTable, WhatIsSettledElsewhereCanStillNotBeTakenTwiceHere) {
  ManualClock clock;
  LimitTable table{clock};
  EXPECT_EQ(table.take("k", kRate, 10).granted, 10);
  table.settle("k", kRate);
  EXPECT_EQ(table.take("k", kRate, 10).granted, 0);
}

TEST(LimitTable, OwesAgainWhatCouldNotBeSettled) {
  ManualClock clock;
  LimitTable table{clock};
  table.take("k", kRate, 6);
  const double owed = table.settle("k", kRate);
  table.take("k", kRate, 1);
  table.owe("k", kRate, owed);
  EXPECT_DOUBLE_EQ(table.settle("k", kRate), 7);
}

TEST(LimitTable, ForgetsBucketsThatAreFullAgain) {
  ManualClock clock;
  LimitTable table{clock};
  for (int i = 0; i < 1'000; ++i) table.take(std::to_string(i), kRate, 1);
  clock.advance(1'000);
  for (int i = 0; i < 100; ++i) table.take("new" + std::to_string(i), kRate, 1);
  EXPECT_LE(table.buckets(), 1'024U);
}

}  // namespace
}  // namespace tailgate
