#include "streams/poll.h"

#include <gtest/gtest.h>

#include <optional>

#include "streams/scripted/scripted_stream_test.h"

namespace tailgate {
namespace {

class PollTest : public scripted::StreamTest {
 protected:
  PollTest() {
    catalog.set({{"a", 1}});
    log(0).start(0);
  }
  std::unique_ptr<Poll> ask() {
    FeedSpec spec;
    spec.topics = {"a"};
    spec.format = EventFormat::json;
    auto poll = std::make_unique<Poll>(feed(spec), Position{{"a", {{0, -1}}}}, PollOptions{},
                                       [this](PollAnswer given) { answer = std::move(given); });
    run();
    return poll;
  }
  std::optional<PollAnswer> answer;
};

TEST_F(PollTest, ADrainAnswersIt) {
  const auto poll = ask();
  ASSERT_FALSE(answer);
  feeds.drain().begin(1'000);
  run();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, R"({"records":[],"next":"0:-","caught_up":false})");
  EXPECT_EQ(answer->why_ended, "drain");
}

TEST_F(PollTest, AnAnsweredOneHasLeftTheDrain) {
  const auto poll = ask();
  append(0, 0);
  tell(0);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->records, 1U);
  feeds.drain().begin(1'000);
  run();
  EXPECT_EQ(answer->why_ended, "caught_up");
}

}  // namespace
}  // namespace tailgate
