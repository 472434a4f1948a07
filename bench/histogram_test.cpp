#include "bench/histogram.h"

#include <gtest/gtest.h>

namespace tailgate::bench {
namespace {

TEST(Histogram, QuantilesAreWithinOnePercentOfTheTrueOnes) {
  Histogram histogram;
  for (std::int64_t i = 1; i <= 1'000'000; ++i) histogram.add(i * 37);

  EXPECT_NEAR(static_cast<double>(histogram.quantile(0.5)), 500'000 * 37.0, 500'000 * 37.0 * 0.01);
  EXPECT_NEAR(static_cast<double>(histogram.quantile(0.999)), 999'000 * 37.0, 999'000 * 37.0 * 0.01);
  EXPECT_EQ(histogram.quantile(1.0), 37'000'000);
  EXPECT_EQ(histogram.max(), 37'000'000);
  EXPECT_EQ(histogram.count(), 1'000'000U);
}

TEST(Histogram, SmallAndHugeValuesAreKeptExactlyOrWithinTheirBucket) {
  Histogram histogram;
  histogram.add(0);
  histogram.add(127);
  histogram.add(-5);
  histogram.add(INT64_MAX);

  EXPECT_EQ(histogram.quantile(0.5), 0);
  EXPECT_EQ(histogram.quantile(0.75), 127);
  EXPECT_EQ(histogram.quantile(1.0), INT64_MAX);
}

}  // namespace
}  // namespace tailgate::bench
