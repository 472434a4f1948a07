#include "base/byte_budget.h"

#include <gtest/gtest.h>

#include <optional>

namespace tailgate {
namespace {

TEST(ByteBudget, GivesNoMoreThanThereIsAndTakesItBack) {
  ByteBudget budget{100};
  ByteBudget::Share first{budget};
  std::optional<ByteBudget::Share> second{budget};
  EXPECT_TRUE(first.resize(60));
  EXPECT_TRUE(second->resize(40));
  EXPECT_FALSE(second->resize(41));
  EXPECT_EQ(budget.held_bytes(), 100U) << "what is refused changes nothing";
  EXPECT_TRUE(first.resize(10));
  EXPECT_TRUE(second->resize(90));
  second.reset();

  EXPECT_EQ(budget.held_bytes(), 10U);
}

TEST(ByteBudget, OneThatIsAloneMayBeLarger) {
  ByteBudget budget{100};
  ByteBudget::Share large{budget};
  ByteBudget::Share other{budget};
  EXPECT_TRUE(large.resize(70));
  EXPECT_TRUE(large.resize(500));
  EXPECT_FALSE(other.resize(1));
  EXPECT_TRUE(large.resize(400)) << "to become smaller is always possible";
  EXPECT_EQ(budget.held_bytes(), 400U);
}

TEST(ByteBudget, WhatIsMovedIsHeldOnce) {
  ByteBudget budget{100};
  {
    ByteBudget::Share from{budget};
    ASSERT_TRUE(from.resize(30));
    ByteBudget::Share to{std::move(from)};
    ByteBudget::Share replaced{budget};
    ASSERT_TRUE(replaced.resize(20));
    replaced = std::move(to);
    EXPECT_EQ(budget.held_bytes(), 50U) << "each until it dies";
  }
  EXPECT_EQ(budget.held_bytes(), 0U);
}

TEST(ByteBudget, AShareOfNoneHoldsNothing) {
  ByteBudget::Share none;
  EXPECT_TRUE(none.resize(0));
  EXPECT_FALSE(none.resize(1));
}

}  // namespace
}  // namespace tailgate
