#include "streams/subscriber.h"

#include <gtest/gtest.h>

#include <string>

#include "streams/scripted/scripted_stream_test.h"

namespace tailgate {
namespace {

class SubscriberTest : public scripted::StreamTest {
 protected:
  SubscriberTest() { catalog.set({{"a", 2}}); }
  void start(Offset first, Offset second = 0) {
    log(0).start(first);
    log(1).start(second);
  }
  // Without the first block.
  std::unique_ptr<StreamBody> open_at(Offset first, Offset second, const StreamBodyOptions& how = {}) {
    auto body = open(feed(), {{"a", {{0, first}, {1, second}}}}, how);
    pull(*body);
    return body;
  }
  std::string event(std::int32_t partition, Offset offset, const std::string& id) {
    return "data: " + value_at(partition, offset) + "\nid: " + id + "\n\n";
  }
};

TEST_F(SubscriberTest, WhoStandsWhereTheFeedStandsIsLiveAtOnce) {
  start(5);
  EXPECT_TRUE(open_at(4, -1)->is_live());
}

TEST_F(SubscriberTest, WhoIsAheadSkipsWhatItHasPassed) {
  start(5);
  auto body = open_at(6, -1);
  EXPECT_FALSE(body->is_live());
  for (Offset offset = 5; offset < 9; ++offset) append(0, offset);
  tell(0);
  EXPECT_EQ(pull(*body), event(0, 7, "0:7,1:-") + event(0, 8, "0:8,1:-"));
  EXPECT_TRUE(body->is_live());
}

TEST_F(SubscriberTest, WhoIsAheadIsInStepWhenTheFeedPassesItOverAHole) {
  start(5);
  auto body = open_at(6, -1);
  append(0, 5);
  append(0, 9);
  tell(0);
  EXPECT_EQ(pull(*body), event(0, 9, "0:9,1:-"));
  EXPECT_TRUE(body->is_live());
}

TEST_F(SubscriberTest, WhoIsBehindReadsTheReadersRecordsAndIsLive) {
  start(5);
  for (Offset offset = 5; offset < 8; ++offset) append(0, offset);
  auto body = open(feed(), {{"a", {{0, 5}, {1, -1}}}});
  pull(*body, 64);
  EXPECT_TRUE(history.asked.empty());
  EXPECT_TRUE(body->is_live());
  EXPECT_EQ(body->records(), 2U);
}

TEST_F(SubscriberTest, WhatTheReaderNoLongerHasIsReadFromHistoryWhileTheOtherPartitionsFlow) {
  start(50);
  auto body = open_at(45, -1);
  ASSERT_EQ(history.asked.size(), 1U);
  EXPECT_EQ(history.asked[0].offset, 46);
  append(1, 0);
  tell(1);
  EXPECT_EQ(pull(*body), event(1, 0, "0:45,1:0"));

  history.asked[0].reply(page(0, 40, 52));
  run();

  EXPECT_EQ(pull(*body),
            event(0, 46, "0:46,1:0") + event(0, 47, "0:47,1:0") + event(0, 48, "0:48,1:0") + event(0, 49, "0:49,1:0"));
  EXPECT_TRUE(body->is_live());
}

TEST_F(SubscriberTest, APageThatItHasNoTurnForIsLetGoAndAskedForAgain) {
  start(50);
  auto body = open_at(45, -1);
  std::weak_ptr<const HistoryPage> given;
  {
    auto answer = page(0, 40, 52);
    given = answer;
    history.asked.at(0).reply(std::move(answer));
  }
  run();
  pass(900);
  EXPECT_FALSE(given.expired()) << "its turn may come soon";
  pass(300);
  EXPECT_TRUE(given.expired()) << "a client that does not read must not hold memory";

  EXPECT_EQ(pull(*body), "");
  ASSERT_EQ(history.asked.size(), 2U);
  EXPECT_EQ(history.asked[1].offset, 46);
  history.asked[1].reply(page(0, 46, 52));
  run();
  EXPECT_EQ(pull(*body),
            event(0, 46, "0:46,1:-") + event(0, 47, "0:47,1:-") + event(0, 48, "0:48,1:-") + event(0, 49, "0:49,1:-"));
}

TEST_F(SubscriberTest, RecordsBelowTheLogsStartAreAGapAndHolesAreNone) {
  start(50);
  auto body = open_at(10, -1);
  history.asked.at(0).reply(HistoryGone{30});
  run();
  EXPECT_EQ(pull(*body),
            "event: gap\ndata: {\"topic\":\"a\",\"partition\":0,\"from\":11,\"to\":29,\"reason\":\"retention\"}\n"
            "id: 0:29,1:-\n\n");
  ASSERT_EQ(history.asked.size(), 2U);
  EXPECT_EQ(history.asked[1].offset, 30);
  auto empty = std::make_shared<const HistoryPage>(
      HistoryPage{source("a", 0), Headers::read, 30, 50, std::make_shared<RecordChunk>(0)});
  history.asked[1].reply(empty);
  run();
  EXPECT_EQ(pull(*body), "");
  EXPECT_TRUE(body->is_live());
}

TEST_F(SubscriberTest, ALiveSubscriberCrossesABarrier) {
  start(5);
  auto body = open_at(4, -1);
  ASSERT_TRUE(body->is_live());
  log(0).start(9);  // continuity was lost: 5 to 8 have not been seen
  append(0, 9);
  tell(0);

  EXPECT_EQ(pull(*body), "");  // stood there for ever, from live to not live and back

  EXPECT_FALSE(body->is_live());
  ASSERT_EQ(history.asked.size(), 1U);
  history.asked[0].reply(page(0, 5, 9));
  run();
  EXPECT_EQ(pull(*body), event(0, 5, "0:5,1:-") + event(0, 6, "0:6,1:-") + event(0, 7, "0:7,1:-") +
                             event(0, 8, "0:8,1:-") + event(0, 9, "0:9,1:-"));
  EXPECT_TRUE(body->is_live());
}

TEST_F(SubscriberTest, ALiveSubscriberCrossesABarrierThatChangesNothingForIt) {
  start(5);
  auto body = open_at(4, -1);
  log(0).start(5);
  append(0, 5);
  tell(0);
  EXPECT_EQ(pull(*body), event(0, 5, "0:5,1:-"));
  EXPECT_TRUE(body->is_live());
}

TEST_F(SubscriberTest, APartitionThatFallsBehindAgainIsNotReadFromItsOldPlace) {
  // Behind in both, so that it is not live in between.
  start(5, 50);
  append(0, 5);
  append(0, 6);
  auto body = open_at(5, 40);
  append(0, 7);
  tell(0);
  EXPECT_EQ(pull(*body), event(0, 7, "0:7,1:40"));
  // The reader's records from 8 on go by the feed: they are read as behind once more.
  log(0).start(8);
  for (Offset offset = 8; offset < 12; ++offset) append(0, offset);
  append(0, 12);
  tell(0);
  const std::string got = pull(*body);
  for (Offset offset = 5; offset < 13; ++offset) {
    const std::string line = "data: " + value_at(0, offset) + "\n";
    const bool is_there = got.find(line) != std::string::npos;
    EXPECT_EQ(is_there, offset >= 8) << offset;
    EXPECT_EQ(got.find(line), got.rfind(line)) << offset;
  }
}

TEST_F(SubscriberTest, OneWhoseOwnPullEvictsItGoesOnFromItsPosition) {
  FeedOptions small;
  small.feed_bytes = 4'000;
  FeedSet set{context, small};
  start(0);
  FeedSpec spec;
  spec.topics = {"a"};
  auto body = open(set.get(spec, *catalog.topics()), {{"a", {{0, -1}, {1, -1}}}});
  pull(*body);
  ASSERT_TRUE(body->is_live());
  std::string expected;
  for (Offset offset = 0; offset < 40; ++offset) {
    append(0, offset, std::string(2'000, 'x'));
    expected += "data: " + std::string(2'000, 'x') + "\nid: 0:" + std::to_string(offset) + ",1:-\n\n";
  }
  tell(0);
  EXPECT_EQ(pull(*body, 1'500), expected);
  EXPECT_GT(counters.evictions.get(), 0U);
}

TEST_F(SubscriberTest, HistoryThatIsNotThereYetIsAskedAgainWithoutNews) {
  start(50);
  auto body = open_at(45, -1);
  history.asked.at(0).reply(HistoryNotYet{46});
  run();
  pull(*body);
  EXPECT_EQ(history.asked.size(), 1U);
  wakes = 0;
  pass(300);
  EXPECT_GT(wakes, 0);
  pull(*body);
  EXPECT_EQ(history.asked.size(), 2U);
}

TEST_F(SubscriberTest, SeveralRetriesAreEachDueAtTheirTime) {
  start(50, 50);
  auto body = open_at(45, 45);
  ASSERT_EQ(history.asked.size(), 2U);
  history.asked[0].reply(HistoryDown{});  // due in 500 ms
  run();
  pull(*body);
  history.asked[1].reply(HistoryNotYet{46});  // due in 100 ms
  run();
  pull(*body);
  pass(300);
  pull(*body);
  ASSERT_EQ(history.asked.size(), 3U);
  EXPECT_EQ(history.asked[2].partition.partition, 1);
  pass(500);
  pull(*body);
  ASSERT_EQ(history.asked.size(), 4U);
  EXPECT_EQ(history.asked[3].partition.partition, 0);
}

// ---- ids beyond what is seen here ----

TEST_F(SubscriberTest, AnIdBeyondTheEndIsResetOnlyAfterKafkaHasSaidSoForTenSeconds) {
  start(5);
  auto body = open_at(100, -1);
  for (int second = 0; second < 9; ++second) {
    pass(1'100);
    EXPECT_EQ(pull(*body), "");
    ASSERT_FALSE(catalog.asked.empty());
    catalog.asked.back().reply(std::map<TopicPartition, PartitionEnds>{{source("a", 0), {0, 5, 5}}});
    run();
    EXPECT_EQ(pull(*body), "");
  }
  pass(3'000);
  pull(*body);
  catalog.asked.back().reply(std::map<TopicPartition, PartitionEnds>{{source("a", 0), {0, 5, 5}}});
  run();
  EXPECT_EQ(pull(*body),
            "event: reset\ndata: {\"topic\":\"a\",\"partition\":0,\"asked\":101,\"from\":5,\"reason\":"
            "\"beyond_end\"}\nid: 0:4,1:-\n\n");
  EXPECT_TRUE(body->is_live());
}

TEST_F(SubscriberTest, AllWhoStandBeyondTheEndAreResetAfterTenSecondsAndNotOneAfterTheOther) {
  start(5);
  std::vector<std::unique_ptr<StreamBody>> bodies;
  std::vector<std::string> got(3);
  for (std::size_t i = 0; i < got.size(); ++i) bodies.push_back(open_at(100, -1));
  for (int second = 0; second < 13; ++second) {
    pass(1'000);
    for (std::size_t i = 0; i < got.size(); ++i) got[i] += pull(*bodies[i]);
    answer_ends({0, 5, 5});
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_NE((got[i] + pull(*bodies[i])).find("event: reset\n"), std::string::npos) << i;
  }
}

TEST_F(SubscriberTest, PartitionsThatAreResetAtATimeAreResetOnceEachHoweverSlowlyTheClientReads) {
  constexpr std::int32_t kPartitions = 4;
  catalog.set({{"a", kPartitions}});
  std::map<TopicPartition, PartitionEnds> ends;
  TopicPosition passed;
  for (std::int32_t p = 0; p < kPartitions; ++p) {
    log(p).start(5);
    ends[source("a", p)] = {0, 5, 5};
    passed[p] = 100;
  }
  const auto answer = [&] {
    for (auto& asked : std::exchange(catalog.asked, {})) asked.reply(ends);
    run();
  };
  auto body = open(feed(), {{"a", passed}});
  pull(*body);
  for (int second = 0; second < 11; ++second) {
    pass(1'000);
    EXPECT_EQ(pull(*body), "");
    answer();
  }
  // An event is taken every other second, and records come behind what was reset.
  scripted::TextSink sink;
  for (Offset offset = 5; offset < 20; ++offset) {
    for (std::int32_t p = 0; p < kPartitions; ++p) {
      append(p, offset);
      tell(p);
    }
    pass(2'000);
    const Pull pulled = body->prepare(400);
    if (pulled.state == Pull::State::ready) body->emit(pulled.bytes, sink);
    answer();
  }
  const std::string got = sink.text + pull(*body);
  for (std::int32_t p = 0; p < kPartitions; ++p) {
    const std::string reset = "event: reset\ndata: {\"topic\":\"a\",\"partition\":" + std::to_string(p) + ",";
    const std::size_t first = got.find(reset);
    ASSERT_NE(first, std::string::npos) << p;
    EXPECT_EQ(got.find(reset, first + 1), std::string::npos) << p;
    const std::size_t record = got.find("data: " + value_at(p, 5) + "\n");
    ASSERT_NE(record, std::string::npos) << p;
    EXPECT_EQ(got.find("data: " + value_at(p, 5) + "\n", record + 1), std::string::npos) << p << " twice";
  }
}

TEST_F(SubscriberTest, APartitionInDoubtWhoseLeaderIsSilentHoldsUpNoOther) {
  start(5);
  auto body = open_at(100, -1);
  for (int second = 0; second < 11; ++second) {
    pass(1'000);
    pull(*body);
    if (second < 8) answer_ends({0, 5, 5});
  }
  for (auto& asked : std::exchange(catalog.asked, {})) asked.reply(Error{ErrorCode::upstream_down, "scripted"});
  run();
  // Its doubt has lasted long enough, and its leader answers no more: each question lasts for its two seconds.
  int held = 0;
  int silent = 0;
  for (Offset offset = 0; offset < 100; ++offset) {
    append(1, offset);
    tell(1);
    held += pull(*body).find("data: " + value_at(1, offset) + "\n") == std::string::npos ? 1 : 0;
    pass(200);
    silent += catalog.asked.empty() ? 0 : 1;
    if (silent < 10) continue;
    silent = 0;
    for (auto& asked : std::exchange(catalog.asked, {})) asked.reply(Error{ErrorCode::upstream_down, "scripted"});
    run();
  }
  EXPECT_LE(held, 10) << "for one question, and not for each";
  // It is back: what it says decides, before anything else is given.
  pass(1'200);
  append(1, 100);
  tell(1);
  pull(*body);
  answer_ends({0, 5, 5});
  EXPECT_NE(pull(*body).find("event: reset\n"), std::string::npos);
}

TEST_F(SubscriberTest, AnIdThatKafkaHasIsWaitedForHoweverSlowThisReplicaIs) {
  start(5);
  StreamBodyOptions how;
  how.heartbeat_ms = 60'000;
  auto body = open_at(100, -1, how);
  for (int second = 0; second < 40; ++second) {
    pass(1'000);
    EXPECT_EQ(pull(*body), "");
    // A new leader's watermark lags now and then.
    const Offset end = second % 9 == 3 ? 90 : 101;
    answer_ends({0, end, end});
  }
  for (Offset offset = 5; offset < 103; ++offset) append(0, offset);
  tell(0);
  EXPECT_EQ(pull(*body), event(0, 101, "0:101,1:-") + event(0, 102, "0:102,1:-"));
}

TEST_F(SubscriberTest, AnIdThatABrokerLackedBeforeAndAfterASilenceIsNotReset) {
  start(5);
  StreamBodyOptions how;
  how.heartbeat_ms = 60'000;
  auto body = open_at(100, -1, how);
  for (const std::int64_t silence_ms : {1'000, 17'000, 17'000, 1'000}) {
    pass(silence_ms);
    EXPECT_EQ(pull(*body), "");
    answer_ends({0, 90, 90});
    EXPECT_EQ(pull(*body), "");
  }
  for (Offset offset = 5; offset < 102; ++offset) append(0, offset);
  tell(0);
  EXPECT_EQ(pull(*body), event(0, 101, "0:101,1:-"));
}

TEST_F(SubscriberTest, AResetAlsoComesOnAStreamThatIsAlwaysBusy) {
  start(5);
  auto body = open_at(100, -1);
  std::string got;
  for (Offset offset = 0; offset < 150; ++offset) {
    pass(100);
    append(1, offset);
    tell(1);
    // A client that never takes all that there is.
    scripted::TextSink sink;
    if (const Pull pulled = body->prepare(20); pulled.state == Pull::State::ready) body->emit(pulled.bytes, sink);
    got += sink.text;
    answer_ends({0, 5, 5});
  }
  EXPECT_NE((got + pull(*body)).find("event: reset\n"), std::string::npos);
  EXPECT_GT(got.size(), 100U);
}

TEST_F(SubscriberTest, AnIdThatTheFeedReachesWhileKafkaIsAskedIsNotReset) {
  start(5);
  auto body = open_at(100, -1);
  for (int second = 0; second < 10; ++second) {
    pass(1'000);
    EXPECT_EQ(pull(*body), "");
    answer_ends({0, 5, 5});
  }
  pass(1'000);
  EXPECT_EQ(pull(*body), "");
  ASSERT_FALSE(catalog.asked.empty());
  for (Offset offset = 5; offset < 101; ++offset) append(0, offset);
  tell(0);
  append(1, 0);
  tell(1);
  // The client takes what comes slowly, and so has not asked for more when Kafka answers.
  scripted::TextSink sink;
  const Pull pulled = body->prepare(10);
  ASSERT_EQ(pulled.state, Pull::State::ready);
  body->emit(pulled.bytes, sink);
  answer_ends({0, 5, 5});
  EXPECT_EQ(sink.text + pull(*body), event(1, 0, "0:100,1:0"));
}

TEST_F(SubscriberTest, OnResetEarliestGoesBackToTheLogsStart) {
  start(5);
  StreamBodyOptions how;
  how.subscriber.on_reset = ResetPolicy::earliest;
  auto body = open_at(100, -1, how);
  for (int second = 0; second < 15; ++second) {
    pass(1'000);
    pull(*body);
    answer_ends({3, 5, 5});
  }
  ASSERT_EQ(history.asked.size(), 1U);
  EXPECT_EQ(history.asked[0].offset, 3);
}

TEST_F(SubscriberTest, OnResetStopEndsTheStream) {
  start(5);
  StreamBodyOptions how;
  how.subscriber.on_reset = ResetPolicy::stop;
  auto body = open_at(100, -1, how);
  std::string got;
  for (int second = 0; second < 15; ++second) {
    pass(1'000);
    got += pull(*body);
    answer_ends({3, 5, 5});
  }
  EXPECT_NE(got.find("event: reset\n"), std::string::npos);
  EXPECT_NE(got.find("\"code\":\"beyond_end\""), std::string::npos);
  EXPECT_NE(got.find("id: 0:100,1:-\n"), std::string::npos);
  EXPECT_EQ(last.state, Pull::State::end);
}

TEST_F(SubscriberTest, AnIdBeyondAnEndThatWasAskedForNowIsResetAndNotAtItsEnd) {
  start(5);
  StreamBodyOptions how;
  how.subscriber.until = Position{{"a", {{0, 4}, {1, -1}}}};
  how.subscriber.is_until_end = true;
  auto body = open_at(100, -1, how);
  std::string got;
  for (int second = 0; second < 15; ++second) {
    EXPECT_EQ(got.find("event: end"), std::string::npos) << second;
    pass(1'000);
    got += pull(*body);
    if (last.state == Pull::State::end) break;
    answer_ends({0, 5, 5});
  }
  EXPECT_NE(got.find("event: reset\ndata: {\"topic\":\"a\",\"partition\":0,\"asked\":101,\"from\":5,"),
            std::string::npos)
      << got;
  EXPECT_NE(got.find("event: end"), std::string::npos) << got;
}

TEST_F(SubscriberTest, AnIdBeyondAnEndThatKafkaHasMeanwhileIsAtItsEnd) {
  start(5);
  StreamBodyOptions how;
  how.subscriber.until = Position{{"a", {{0, 4}, {1, -1}}}};
  how.subscriber.is_until_end = true;
  auto body = open_at(5, -1, how);
  pull(*body);
  EXPECT_NE(last.state, Pull::State::end);
  pass(1'100);
  pull(*body);
  ASSERT_FALSE(catalog.asked.empty());
  catalog.asked.back().reply(std::map<TopicPartition, PartitionEnds>{{source("a", 0), {0, 6, 6}}});
  run();
  const auto got = pull(*body);
  EXPECT_EQ(got.find("event: reset"), std::string::npos) << got;
  EXPECT_EQ(last.state, Pull::State::end);
}

TEST_F(SubscriberTest, StoppedAtAPartitionThatNobodyHearsOfKeepsItsId) {
  start(0);
  StreamBodyOptions how;
  how.subscriber.on_reset = ResetPolicy::stop;
  auto body = open(feed(), {{"a", {{0, -1}, {1, -1}, {2, 7}}}}, how);
  pull(*body);
  pass(61'000);
  const auto got = pull(*body);
  EXPECT_NE(got.find("\"code\":\"beyond_end\""), std::string::npos) << got;
  EXPECT_EQ(got.find("id: 0:-,1:-\n"), std::string::npos) << got;
  EXPECT_NE(got.find("id: 0:-,1:-,2:7\n"), std::string::npos) << got;
}

TEST_F(SubscriberTest, APartitionThatOnlyTheIdKnowsIsWaitedForAndJoinsWhereItSays) {
  start(0);
  auto body = open(feed(), {{"a", {{0, -1}, {1, -1}, {2, 7}}}});
  EXPECT_NE(pull(*body).find("id: 0:-,1:-,2:7\n"), std::string::npos);
  append(0, 0);
  tell(0);
  EXPECT_EQ(pull(*body), event(0, 0, "0:0,1:-,2:7"));
  log(2).start(8);
  append(2, 8);
  catalog.set({{"a", 3}});
  run();
  EXPECT_EQ(pull(*body), event(2, 8, "0:0,1:-,2:8"));
  EXPECT_TRUE(body->is_live());
}

TEST_F(SubscriberTest, APartitionThatNobodyHearsOfForAMinuteIsReset) {
  start(0);
  auto body = open(feed(), {{"a", {{0, -1}, {1, -1}, {2, 7}}}});
  pull(*body);
  std::string got;
  for (int second = 0; second < 59; ++second) {
    pass(1'000);
    got += pull(*body);
  }
  EXPECT_EQ(got.find("reset"), std::string::npos);
  pass(2'000);
  got = pull(*body);
  EXPECT_NE(got.find("event: reset\ndata: {\"topic\":\"a\",\"partition\":2,\"asked\":8,"), std::string::npos);
  EXPECT_NE(got.find("id: 0:-,1:-\n"), std::string::npos);
}

TEST_F(SubscriberTest, APartitionThatTheIdDoesNotNameIsReadFromItsBeginning) {
  start(0, 3);
  auto body = open(feed(), {{"a", {{0, -1}}}});
  pull(*body);
  ASSERT_EQ(history.asked.size(), 1U);
  EXPECT_EQ(history.asked[0].partition, source("a", 1));
  EXPECT_EQ(history.asked[0].offset, 0);
}

// ---- where a stream ends ----

TEST_F(SubscriberTest, UntilEndsOnThePositionOverOffsetsThatHoldNoRecord) {
  start(0);
  StreamBodyOptions how;
  how.subscriber.until = Position{{"a", {{0, 5}, {1, -1}}}};
  auto body = open_at(-1, -1, how);
  append(0, 0);
  append(1, 0);
  tell(0);
  tell(1);
  EXPECT_EQ(pull(*body), event(0, 0, "0:0,1:-"));
  log(0).reach_end(9);
  tell(0);
  pass(1'100);  // one progress entry a second
  EXPECT_EQ(pull(*body), "event: end\ndata: {\"reason\":\"until\"}\nid: 0:5,1:-!\n\n");
  EXPECT_EQ(last.state, Pull::State::end);
}

TEST_F(SubscriberTest, AnEndInAPartitionThatTheFeedHasNotHeardOfIsWaitedFor) {
  start(0);
  StreamBodyOptions how;
  how.subscriber.until = Position{{"a", {{0, -1}, {1, -1}, {2, 0}}}};
  auto body = open_at(-1, -1, how);
  EXPECT_NE(last.state, Pull::State::end);
  log(2).start(0);
  append(2, 0);
  catalog.set({{"a", 3}});
  run();
  EXPECT_EQ(pull(*body), event(2, 0, "0:-,1:-,2:0") + "event: end\ndata: {\"reason\":\"until\"}\nid: 0:-,1:-,2:0!\n\n");
}

}  // namespace
}  // namespace tailgate
