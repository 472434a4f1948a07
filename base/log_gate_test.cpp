#include "base/log_gate.h"

#include <gtest/gtest.h>

namespace tailgate {
namespace {

TEST(LogGate, LetsABurstThroughAndThenItsRateAndCountsTheOthers) {
  ManualClock clock;
  LogGate gate{clock, /*per_minute=*/120, /*burst=*/3};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(gate.admit(), 0u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(gate.admit(), std::nullopt);
  clock.advance(500);
  EXPECT_EQ(gate.admit(), 5u);
  EXPECT_EQ(gate.admit(), std::nullopt);
  clock.advance(3'600'000);
  EXPECT_EQ(gate.admit(), 1u);
  EXPECT_EQ(gate.admit(), 0u);
  EXPECT_EQ(gate.admit(), 0u);
  EXPECT_EQ(gate.admit(), std::nullopt);
}

}  // namespace
}  // namespace tailgate
