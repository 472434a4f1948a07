#include "streams/cleanup_policies.h"

#include <gtest/gtest.h>

#include <optional>

#include "streams/step_loop.h"

namespace tailgate {
namespace {

using Names = std::vector<std::string>;

class CleanupPoliciesTest : public testing::Test {
 protected:
  std::optional<bool> ask(const Names& topics) {
    std::optional<bool> got;
    const auto asking = policies.are_uncompacted(topics, loop, [&](bool answer) { got = answer; });
    if (policies.has_questions()) policies.answer();
    while (loop.run()) {
    }
    return got;
  }

  ManualClock clock;
  StepLoop loop{clock, 0};
  std::set<std::string> uncompacted{"a", "b"};
  std::vector<std::set<std::string>> reads;
  CleanupPolicies policies{clock, [this](const std::set<std::string>& topics) {
                             reads.push_back(topics);
                             std::set<std::string> found;
                             for (const auto& topic : topics) {
                               if (uncompacted.contains(topic)) found.insert(topic);
                             }
                             return found;
                           }};
};

TEST_F(CleanupPoliciesTest, SaysYesOnlyWhenItIsKnownOfAllOfThem) {
  EXPECT_EQ(ask({"a", "b"}), true);
  EXPECT_EQ(ask({"a", "c"}), false);
  EXPECT_EQ(ask({"c"}), false);
}

TEST_F(CleanupPoliciesTest, AsksOnceInAWhileAndOnlyForWhatIsNotKnown) {
  ask({"a"});
  ask({"a", "c"});
  ask({"c"});
  EXPECT_EQ(reads, (std::vector<std::set<std::string>>{{"a"}, {"c"}})) << "what is not known is not asked again either";
  uncompacted = {"c"};
  clock.advance(CleanupPolicies::kUnknownMs - 1);
  EXPECT_EQ(ask({"c"}), false);
  clock.advance(1);
  EXPECT_EQ(ask({"c"}), true);
  EXPECT_EQ(reads.size(), 3U);
  clock.advance(CleanupPolicies::kKnownMs - CleanupPolicies::kUnknownMs - 1);
  EXPECT_EQ(ask({"a"}), true);
  clock.advance(1);
  EXPECT_EQ(ask({"a"}), false) << "it is compacted since";
  EXPECT_EQ(reads.size(), 4U);
}

TEST_F(CleanupPoliciesTest, QuestionsThatWaitAreAskedTogether) {
  std::vector<bool> got;
  const auto note = [&](bool answer) { got.push_back(answer); };
  const auto first = policies.are_uncompacted({"a"}, loop, note);
  const auto second = policies.are_uncompacted({"a", "c"}, loop, note);
  policies.answer();
  loop.run();
  EXPECT_EQ(got, (std::vector{true, false}));
  EXPECT_EQ(reads.size(), 1U);
}

}  // namespace
}  // namespace tailgate
