#include "limits/gcra.h"

#include <gtest/gtest.h>

namespace tailgate {
namespace {

constexpr TokenRate kRate{.per_second = 10, .burst = 5};
constexpr double kSecond = 1e6;

TEST(Gcra, GivesABurstAndThenItsRate) {
  double full = 0;
  double now = 50 * kSecond;
  EXPECT_EQ(take_tokens(full, now, kRate, 3).left, 2);
  const TokenGrant rest = take_tokens(full, now, kRate, 9);
  EXPECT_EQ(rest.granted, 2);
  EXPECT_EQ(rest.left, 0);
  EXPECT_NEAR(static_cast<double>(rest.retry_us), 0.1 * kSecond, 2);
  std::int64_t granted = 0;
  for (int step = 0; step < 1'000; ++step) {
    now += 0.01 * kSecond;
    granted += take_tokens(full, now, kRate, 1).granted;
  }
  EXPECT_EQ(granted, 100) << "ten seconds";
}

TEST(Gcra, HasATokenAgainWhenItSays) {
  double full = 0;
  const double now = 50 * kSecond;
  const TokenGrant all = take_tokens(full, now, kRate, 5);
  double then_full = full;
  EXPECT_EQ(take_tokens(then_full, now + static_cast<double>(all.retry_us), kRate, 1).granted, 1);
  EXPECT_EQ(take_tokens(full, now + static_cast<double>(all.retry_us) - 1'000, kRate, 1).granted, 0);
}

TEST(Gcra, ThirdsOfASecondAddUp) {
  const TokenRate thirds{.per_second = 3, .burst = 1};
  double full = 0;
  std::int64_t granted = 0;
  for (int ms = 50'000; ms < 60'000; ++ms) granted += take_tokens(full, ms * 1'000.0, thirds, 1).granted;
  EXPECT_GE(granted, 30);
  EXPECT_LE(granted, 31);
}

TEST(Gcra, AClockThatWasSetBackLocksNobodyOutForLongerThanABurst) {
  double full = 0;
  EXPECT_EQ(take_tokens(full, 4'000 * kSecond, kRate, 5).granted, 5);
  const TokenGrant back = take_tokens(full, 400 * kSecond, kRate, 1);
  EXPECT_EQ(back.granted, 0);
  EXPECT_LE(back.retry_us, 0.1 * kSecond + 1);
  EXPECT_EQ(take_tokens(full, 400.5 * kSecond, kRate, 9).granted, 5);
}

}  // namespace
}  // namespace tailgate
