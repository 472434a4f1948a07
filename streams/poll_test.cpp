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
  std::unique_ptr<Poll> ask(const PollOptions& how = {}) {
    FeedSpec spec;
    spec.topics = {"a"};
    spec.format = EventFormat::json;
    auto poll = std::make_unique<Poll>(feed(spec), Position{{"a", {{0, -1}}}}, how,
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

// It is gone only when its connection has sent what it answered.
TEST_F(PollTest, AnAnsweredOneDoesNotAnswerToWhatComesBehind) {
  const auto poll = ask();
  append(0, 0);
  tell(0);
  ASSERT_TRUE(answer);
  answer.reset();
  append(0, 1);
  tell(0);
  pass(60'000);
  EXPECT_FALSE(answer);
}

// The same range gives the same text, whether the log went on meanwhile or not.
TEST_F(PollTest, OfAClosedRangeIsCaughtUpWithTheRange) {
  append(0, 0);
  append(0, 1);
  tell(0);
  PollOptions range;
  range.is_closed_range = true;
  range.subscriber.until = Position{{"a", {{0, 1}}}};
  const auto at_the_end = ask(range);
  ASSERT_TRUE(answer);
  const std::string body = answer->body;
  EXPECT_TRUE(body.ends_with(R"("next":"0:1","caught_up":true,"end":true})")) << body;
  EXPECT_FALSE(answer->has_events);
  answer.reset();
  range.limit = 2;
  const auto limited_at_the_end = ask(range);
  ASSERT_TRUE(answer);
  const std::string limited = answer->body;
  EXPECT_EQ(answer->why_ended, "limit");
  EXPECT_TRUE(limited.ends_with(R"("next":"0:1","caught_up":false})")) << limited;

  append(0, 2);
  tell(0);
  answer.reset();
  const auto limited_within = ask(range);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, limited);
  answer.reset();
  range.limit = 500;
  const auto within = ask(range);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, body);
}

// Each poll is answered at once, as another partition is busy: none of them lasts for the ten seconds.
TEST_F(PollTest, AnIdBeyondTheEndIsResetHoweverShortThePollsAre) {
  catalog.set({{"a", 2}});
  log(1).start(0);
  FeedSpec spec;
  spec.topics = {"a"};
  spec.format = EventFormat::json;
  Position passed{{"a", {{0, 100}, {1, -1}}}};
  Feed& both = feed(spec);
  Offset seen = -1;
  for (int second = 0; second < 9; ++second) {
    append(1, ++seen);
    tell(1);
    pass(1'000);
    answer.reset();
    std::optional<Poll> poll;
    poll.emplace(both, passed, PollOptions{}, [this](PollAnswer given) { answer = std::move(given); });
    run();
    EXPECT_EQ(answer.has_value(), second == 0) << "Kafka is asked once there has been time";
    answer_ends({0, 0, 0});
    poll.reset();
    ASSERT_TRUE(answer) << second;
    EXPECT_EQ(answer->records, 1U) << second;
    EXPECT_EQ(answer->body.find("reset"), std::string::npos) << second << answer->body;
    passed["a"][1] = seen;
  }
  pass(5'000);
  append(1, ++seen);
  tell(1);
  answer.reset();
  const Poll poll{both, passed, PollOptions{}, [this](PollAnswer given) { answer = std::move(given); }};
  run();
  EXPECT_FALSE(answer) << "what Kafka says now decides";
  ASSERT_FALSE(catalog.asked.empty());
  catalog.asked.back().reply(std::map<TopicPartition, PartitionEnds>{{source("a", 0), {0, 0, 0}}});
  run();
  ASSERT_TRUE(answer);
  EXPECT_NE(answer->body.find(R"({"event":"reset","topic":"a","partition":0,"asked":101,"from":0,)"), std::string::npos)
      << answer->body;
  EXPECT_NE(answer->next.find("0:-"), std::string::npos) << answer->next;
  EXPECT_EQ(answer->records, 1U) << answer->body;
}

TEST_F(PollTest, AnIdBeyondTheEndIsResetHoweverRareThePollsAre) {
  catalog.set({{"a", 2}});
  log(1).start(0);
  FeedSpec spec;
  spec.topics = {"a"};
  spec.format = EventFormat::json;
  Position passed{{"a", {{0, 100}, {1, -1}}}};
  bool is_reset = false;
  Offset polls = 0;
  while (!is_reset && polls < 10) {
    append(1, polls);
    tell(1);
    pass(30'000);
    answer.reset();
    const Poll poll{feed(spec), passed, PollOptions{}, [this](PollAnswer given) { answer = std::move(given); }};
    run();
    answer_ends({0, 0, 0});
    ASSERT_TRUE(answer);
    is_reset = answer->body.find("reset") != std::string::npos;
    passed["a"][1] = polls++;
  }
  EXPECT_EQ(polls, 6) << "one that notices, and five times that Kafka says so";
}

TEST_F(PollTest, AClosedRangeEndsWhereItsBoundsSayHoweverManyBytesItHas) {
  const std::string value(4'096, 'x');
  for (Offset offset = 0; offset < 200; ++offset) append(0, offset, value);  // more than is looked through in a turn
  tell(0);
  PollOptions range;
  range.limit = 500;
  range.bytes_max = std::size_t{1} << 20;
  range.is_closed_range = true;
  range.subscriber.until = Position{{"a", {{0, 199}}}};
  const auto poll = ask(range);
  loop.run();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->why_ended, "until");
  EXPECT_EQ(answer->records, 200U);
}

TEST_F(PollTest, WhatHasNoRoomIsLeftForTheNextAnswer) {
  ByteBudget budget{10'000};
  ByteBudget::Share others{budget};
  ASSERT_TRUE(others.resize(8'000));
  for (Offset offset = 0; offset < 100; ++offset) append(0, offset);
  tell(0);
  PollOptions how;
  how.budget = &budget;
  auto poll = ask(how);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->why_ended, "no_room");
  EXPECT_FALSE(answer->is_refused());
  EXPECT_GT(answer->records, 1U);
  EXPECT_LT(answer->records, 100U);
  EXPECT_NE(answer->body.find(R"("next":"0:)" + std::to_string(answer->records - 1) + R"(","caught_up":false)"),
            std::string::npos)
      << answer->body;
  EXPECT_LE(budget.held_bytes(), 10'000U);
  EXPECT_GE(budget.held_bytes(), 8'000 + answer->body.size());
  poll.reset();
  EXPECT_GT(budget.held_bytes(), 8'000U) << "held by the answer";
  answer.reset();
  EXPECT_EQ(budget.held_bytes(), 8'000U);
}

TEST_F(PollTest, WithoutRoomForOneRecordItIsRefused) {
  ByteBudget budget{10'000};
  ByteBudget::Share others{budget};
  ASSERT_TRUE(others.resize(10'000));
  append(0, 0);
  tell(0);
  PollOptions how;
  how.budget = &budget;
  const auto poll = ask(how);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->is_refused());
  EXPECT_EQ(answer->records, 0U);
  ASSERT_TRUE(others.resize(0));
  const auto alone = ask(how);
  EXPECT_FALSE(answer->is_refused());
  EXPECT_EQ(answer->records, 1U);
}

}  // namespace
}  // namespace tailgate
