#include "base/loop_pass.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/manual_loop.h"

namespace tailgate {
namespace {

using Turns = std::vector<int>;

class Visited final : public LoopPass::Member {
 public:
  Visited(int number, Turns& turns) : number_{number}, turns_{turns} {}
  void on_turn() override {
    turns_.push_back(number_);
    if (then) then();
  }

  std::function<void()> then;

 private:
  const int number_;
  Turns& turns_;
};

class LoopPassTest : public ::testing::Test {
 protected:
  LoopPassTest() {
    for (int i = 0; i < 300; ++i) members_.emplace_back(i, turns_);
  }
  // In the order in which they had their last turn, as who waits for the same news does.
  void add_again() {
    for (const int number : std::exchange(turns_, {})) pass_.add(members_[static_cast<std::size_t>(number)]);
  }

  testing::ManualLoop loop_;
  LoopPass pass_{loop_};
  Turns turns_;
  std::deque<Visited> members_;
};

TEST_F(LoopPassTest, WhoIsAddedTwiceHasOneTurn) {
  pass_.add(members_[0]);
  pass_.add(members_[1]);
  pass_.add(members_[0]);
  loop_.run();
  EXPECT_EQ(turns_, (Turns{0, 1}));
}

TEST_F(LoopPassTest, WhoWasLastOfAPassThatNobodyCameDuringIsTheFirstOfTheNext) {
  for (int i = 0; i < 3; ++i) pass_.add(members_[static_cast<std::size_t>(i)]);
  loop_.run();
  EXPECT_EQ(turns_, (Turns{0, 1, 2}));
  add_again();
  loop_.run();
  EXPECT_EQ(turns_, (Turns{2, 1, 0}));
  add_again();
  loop_.run();
  EXPECT_EQ(turns_, (Turns{0, 1, 2}));
}

// Under load: whoever had a turn has something again before the pass is over.
TEST_F(LoopPassTest, WhileEverybodyComesAgainNobodyWaitsLongerThanTheOthers) {
  for (Visited& member : members_) {
    member.then = [this, &member] { pass_.add(member); };
    pass_.add(member);
  }
  while (turns_.size() < 5 * members_.size() && loop_.turn()) continue;
  ASSERT_GE(turns_.size(), 5 * members_.size());
  for (std::size_t i = members_.size(); i < turns_.size(); ++i) {
    ASSERT_EQ(turns_[i], turns_[i - members_.size()]) << "turn " << i;
  }
}

TEST_F(LoopPassTest, OthersOfTheLoopHaveTheirTurnWithinAPass) {
  for (Visited& member : members_) pass_.add(member);
  std::size_t turns_before = 0;
  loop_.post([&] { turns_before = turns_.size(); });
  loop_.run();
  EXPECT_EQ(turns_.size(), members_.size());
  EXPECT_GT(turns_before, 0U);
  EXPECT_LT(turns_before, members_.size());
}

TEST_F(LoopPassTest, OfThoseWhoAreBehindAFewHaveATurnAfterEachStretchOfTheOthers) {
  for (int i = 0; i < 20; ++i) pass_.add_behind(members_[static_cast<std::size_t>(i)]);
  for (int i = 20; i < 300; ++i) pass_.add(members_[static_cast<std::size_t>(i)]);
  std::vector<std::size_t> behind_after;  // how many of the others each of them had before
  std::size_t others = 0;
  while (loop_.turn()) continue;
  for (const int number : turns_) {
    if (number < 20) {
      behind_after.push_back(others);
    } else {
      ++others;
    }
  }
  ASSERT_EQ(behind_after.size(), 20U);
  EXPECT_GT(behind_after.front(), 0U) << "the others come first";
  EXPECT_LT(behind_after.front(), 280U) << "but not all of them";
  EXPECT_EQ(behind_after.back(), 280U);
  std::erase_if(turns_, [](int number) { return number >= 20; });
  EXPECT_TRUE(std::is_sorted(turns_.begin(), turns_.end())) << "in the order in which they came";
}

TEST_F(LoopPassTest, WhoIsBehindAndIsAddedHasOneTurn) {
  pass_.add_behind(members_[0]);
  pass_.add(members_[0]);
  pass_.add(members_[1]);
  pass_.add_behind(members_[1]);
  loop_.run();
  EXPECT_EQ(turns_, (Turns{1, 0}));
}

TEST_F(LoopPassTest, WhoIsGoneHasNoTurn) {
  {
    Visited gone{-1, turns_};
    pass_.add(gone);
    pass_.add(members_[7]);
  }
  loop_.run();
  EXPECT_EQ(turns_, (Turns{7}));
}

}  // namespace
}  // namespace tailgate
