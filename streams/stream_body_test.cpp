#include "streams/stream_body.h"

#include <gtest/gtest.h>

#include <ctime>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "streams/scripted/scripted_stream_test.h"

namespace tailgate {
namespace {

class StreamBodyTest : public scripted::StreamTest {
 protected:
  StreamBodyTest() {
    catalog.set({{"a", 1}});
    log(0).start(0);
  }
  static Position at(Offset passed) { return {{"a", {{0, passed}}}}; }
  static std::string event(const std::string& value, Offset offset) {
    return "data: " + value + "\nid: 0:" + std::to_string(offset) + "\n\n";
  }
};

TEST_F(StreamBodyTest, TheFirstBlockSaysWhereTheStreamStarts) {
  auto body = open(feed(), at(-1));
  const std::string got = pull(*body);
  EXPECT_EQ(got, "retry: " + got.substr(7, got.find('\n') - 7) + "\nevent: position\ndata: {}\nid: 0:-\n\n");
  FeedSpec spec;
  spec.topics = {"a"};
  spec.format = EventFormat::ndjson;
  auto lines = open(feed(spec), at(41));
  EXPECT_EQ(pull(*lines), "{\"event\":\"start\",\"id\":\"0:41\"}\n");
}

TEST_F(StreamBodyTest, EachClientIsToldItsOwnWaitSoThatThoseWhoAreCutTogetherDoNotComeBackTogether) {
  std::set<int> waits;
  for (int i = 0; i < 100; ++i) waits.insert(std::stoi(pull(*open(feed(), at(-1))).substr(7)));
  EXPECT_GT(waits.size(), 80U);
  EXPECT_GE(*waits.begin(), 1'500);
  EXPECT_LT(*waits.begin(), 1'700);
  EXPECT_LE(*waits.rbegin(), 3'000);
  EXPECT_GT(*waits.rbegin(), 2'800);
}

TEST_F(StreamBodyTest, ALargeEventForASmallWindowIsEncodedOnceForManyBytes) {
  const std::string value(1 << 20, 'v');
  for (Offset offset = 0; offset < 2; ++offset) append(0, offset, value);
  tell(0);
  // The processor time of one who is behind.
  const auto seconds = [&](std::size_t budget, std::string& got) {
    auto behind = open(feed(), at(-1));
    const std::clock_t begin = std::clock();
    got = pull(*behind, budget);
    const double took = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    got.erase(0, got.find('\n'));  // `retry:`, another one for each
    return took;
  };
  std::string in_large;
  std::string in_small;
  const double large = seconds(16 * 1024, in_large);
  const double small = seconds(1024, in_small);

  EXPECT_TRUE(in_small.ends_with(event(value, 0) + event(value, 1)));
  EXPECT_TRUE(in_small == in_large);
  EXPECT_LT(small, 5 * large + 0.1) << "the window does not decide how often it is encoded";
}

TEST_F(StreamBodyTest, LiveBytesAreReferredToAndNotCopied) {
  auto body = open(feed(), at(-1));
  pull(*body);
  for (Offset offset = 0; offset < 5; ++offset) append(0, offset, "v");
  tell(0);
  pull(*body);
  EXPECT_EQ(refs, 1);
  EXPECT_EQ(body->records(), 5U);
  EXPECT_EQ(counters.records_out.get(), 5U);
}

TEST_F(StreamBodyTest, TheSameBytesComeWhateverTheBudget) {
  std::string expected;
  for (std::size_t budget = 1; budget < 90; ++budget) {
    SCOPED_TRACE(budget);
    auto live = open(feed(), at(log(0).next() - 1));
    pull(*live, budget);
    const Offset from = log(0).next();
    expected.clear();
    for (Offset offset = from; offset < from + 4; ++offset) {
      append(0, offset, "value of " + std::to_string(offset));
      expected += event("value of " + std::to_string(offset), offset);
    }
    tell(0);
    auto behind = open(feed(), at(from - 1));
    std::string first = pull(*behind, budget);
    first.erase(0, first.find("\n\n") + 2);
    EXPECT_EQ(first, expected);
    EXPECT_EQ(pull(*live, budget), expected);
  }
}

TEST_F(StreamBodyTest, AnIdLineIsNotPartedFromTheEmptyLineBehindItWhateverTheBudget) {
  for (int i = 0; i < 30; ++i) append(0, i, std::string(static_cast<std::size_t>(i), 'x') + "\nid: 5");
  for (std::size_t budget = 12; budget < 120; ++budget) {
    SCOPED_TRACE(budget);
    auto body = open(feed(), at(-1));
    scripted::TextSink sink;
    while (true) {
      const Pull pulled = body->prepare(budget);
      if (pulled.state != Pull::State::ready) break;
      body->emit(pulled.bytes, sink);
      const auto line = sink.text.rfind('\n') == sink.text.size() - 1
                            ? sink.text.substr(sink.text.rfind('\n', sink.text.size() - 2) + 1)
                            : sink.text.substr(sink.text.rfind('\n') + 1);
      ASSERT_FALSE(line.starts_with("id: ")) << line;
      ASSERT_NE(line, "i");
      ASSERT_NE(line, "id");
      ASSERT_NE(line, "id:");
    }
  }
}

TEST_F(StreamBodyTest, TheFirstHeartbeatIsAComment) {
  auto body = open(feed(), at(-1));
  pull(*body);
  pass(15'200);
  EXPECT_EQ(pull(*body), ":\n");
}

TEST_F(StreamBodyTest, AHeartbeatIsAPositionWhenItHasMovedOverWhatHoldsNothing) {
  auto body = open(feed(), at(-1));
  pull(*body);
  log(0).reach_end(30);
  tell(0);
  pull(*body);
  pass(15'200);
  EXPECT_EQ(pull(*body), "event: position\ndata: {}\nid: 0:29\n\n");
  pass(15'200);
  EXPECT_EQ(pull(*body), ":\n");
}

TEST_F(StreamBodyTest, SilenceIsMeasuredFromTheLastByteThatWasSent) {
  auto body = open(feed(), at(-1));
  pull(*body);
  pass(10'000);
  append(0, 0, "v");
  tell(0);
  pull(*body);
  pass(10'000);
  EXPECT_EQ(pull(*body), "");
  pass(5'300);
  EXPECT_EQ(pull(*body), ":\n");
}

TEST_F(StreamBodyTest, ALimitEndsAtItsRecordWithAFinalId) {
  StreamBodyOptions how;
  how.limit = 2;
  auto body = open(feed(), at(-1), how);
  pull(*body);
  for (Offset offset = 0; offset < 5; ++offset) append(0, offset, "v");
  tell(0);
  EXPECT_EQ(pull(*body), event("v", 0) + event("v", 1) + "event: end\ndata: {\"reason\":\"limit\"}\nid: 0:1!\n\n");
  EXPECT_EQ(last.state, Pull::State::end);
  EXPECT_EQ(body->why_ended(), "limit");
}

// ---- events that go out in parts ----

class LargeEvents : public StreamBodyTest {
 protected:
  // A live stream that has sent the first 1,000 bytes of the event at offset 0, whose chunk has been evicted since.
  std::unique_ptr<StreamBody> begun() {
    FeedSpec spec;
    spec.topics = {"a"};
    Feed& on = set_.get(spec, *catalog.topics());
    auto body = open(on, at(-1));
    pull(*body);
    append(0, 0, large_);
    tell(0);
    scripted::TextSink sink;
    const Pull pulled = body->prepare(1'000);
    EXPECT_EQ(pulled.state, Pull::State::ready);
    body->emit(pulled.bytes, sink);
    begin_ = sink.text;
    other_ = open(on, at(0));
    append(0, 1, large_);
    append(0, 2, large_);
    tell(0);
    pull(*other_);
    EXPECT_GT(counters.evictions.get(), 0U);
    return body;
  }

  static FeedOptions small() {
    FeedOptions options;
    options.feed_bytes = 1'000;
    return options;
  }
  FeedSet set_{context, small()};
  std::string large_ = std::string(100'000, 'l');
  std::string begin_;
  std::unique_ptr<StreamBody> other_;
};

TEST_F(LargeEvents, OneThatIsEvictedInTheMiddleIsFinishedFromTheReadersRecords) {
  auto body = begun();
  EXPECT_EQ(begin_ + pull(*body, 3'000), event(large_, 0) + event(large_, 1) + event(large_, 2));
  EXPECT_GE(counters.resumed.get(), 1U);
}

TEST_F(LargeEvents, OneThatIsEvictedInTheMiddleIsFinishedFromHistory) {
  auto body = begun();
  while (log(0).drop_oldest(INT64_MAX) > 0) {
  }
  ASSERT_GT(log(0).first(), 0);
  EXPECT_EQ(pull(*body), "");
  auto chunk = std::make_shared<RecordChunk>(200'000);
  RecordView record;
  record.value = large_;
  ASSERT_TRUE(chunk->append(record));
  std::string got = begin_;
  while (!history.asked.empty() && history.asked.back().offset == 0) {  // nobody keeps it for one client
    history.asked.back().reply(
        std::make_shared<const HistoryPage>(HistoryPage{source("a", 0), Headers::read, 0, 1, chunk}));
    history.asked.clear();
    run();
    got += pull(*body);
  }
  EXPECT_TRUE(got.starts_with(event(large_, 0)));
}

TEST_F(LargeEvents, OneWhoseRecordIsGoneIsCut) {
  auto body = begun();
  while (log(0).drop_oldest(INT64_MAX) > 0) {
  }
  pull(*body);
  history.asked.at(0).reply(HistoryGone{1});
  run();
  EXPECT_EQ(pull(*body), "");
  EXPECT_EQ(last.state, Pull::State::cut);
  EXPECT_EQ(counters.cuts.get(), 1U);
}

// A leader that lags has the record again a moment later.
TEST_F(LargeEvents, OneIsFinishedThoughKafkaDeniesItsRecordForAMoment) {
  auto body = begun();
  log(0).stop();
  tell(0);
  EXPECT_EQ(pull(*body), "");
  for (const HistoryAnswer& denial : {HistoryAnswer{HistoryBeyond{0}}, HistoryAnswer{HistoryNotYet{0}}}) {
    const auto question = history.asked.back();
    history.asked.clear();
    question.reply(denial);
    run();
    EXPECT_EQ(pull(*body), "");
    ASSERT_TRUE(last.waits());
    ASSERT_EQ(history.asked.size(), 1U) << "it is asked for again";
  }
  log(0).start(3);
  tell(0);
  auto chunk = std::make_shared<RecordChunk>(200'000);
  RecordView record;
  record.value = large_;
  ASSERT_TRUE(chunk->append(record));
  history.asked.back().reply(
      std::make_shared<const HistoryPage>(HistoryPage{source("a", 0), Headers::read, 0, 1, chunk}));
  run();
  EXPECT_TRUE((begin_ + pull(*body, 200'000)).starts_with(event(large_, 0)));
  EXPECT_EQ(counters.cuts.get(), 0U);
}

TEST_F(LargeEvents, OneIsNotFinishedWithTheBytesOfAnotherRecordAtItsOffset) {
  auto body = begun();
  log(0).start(0);  // a topic made anew
  append(0, 0, std::string(100'000, 'n'));
  EXPECT_EQ(pull(*body), "");
  EXPECT_EQ(last.state, Pull::State::cut);
}

TEST_F(LargeEvents, AStreamIsCutWhoseTopicGoesWhileTheRestOfAnEventIsAwaited) {
  auto body = begun();
  while (log(0).drop_oldest(INT64_MAX) > 0) {
  }
  pull(*body);
  EXPECT_TRUE(last.waits());
  catalog.set({{"b", 1}});
  pull(*body);
  EXPECT_EQ(last.state, Pull::State::cut);
}

TEST_F(LargeEvents, AFaultWaitsForTheEndOfAnEventThatHasBegun) {
  FeedSpec spec;
  spec.topics = {"a"};
  auto body = open(feed(spec), at(-1));
  pull(*body);
  append(0, 0, large_);
  tell(0);
  scripted::TextSink sink;
  body->emit(body->prepare(1'000).bytes, sink);
  catalog.set({{"b", 1}});
  const std::string got = sink.text + pull(*body);
  EXPECT_TRUE(got.starts_with(event(large_, 0) + "event: fault\n"));
  EXPECT_EQ(last.state, Pull::State::end);
}

TEST_F(LargeEvents, AnOwnEventThatDoesNotFitIsFinishedWithoutBeingKept) {
  FeedSpec spec;
  spec.topics = {"a"};
  Feed& on = feed(spec);
  append(0, 0, large_);
  append(0, 1, "next");
  auto body = open(on, at(-1));
  std::string got = pull(*body, 5'000);
  got.erase(0, got.find("\n\n") + 2);
  EXPECT_EQ(got, event(large_, 0) + event("next", 1));
}

TEST_F(StreamBodyTest, ADrainTellsTheClientToComeBackAndEnds) {
  auto body = open(feed(), at(-1));
  pull(*body);
  feeds.drain().begin(1'000);
  const std::string got = pull(*body);
  const std::string after = got.substr(7, got.find('\n') - 7);
  EXPECT_EQ(got, "retry: " + after + "\nevent: reconnect\ndata: {\"after_ms\":" + after + "}\nid: 0:-\n\n");
  EXPECT_GE(std::stoi(after), 1'500);
  EXPECT_LE(std::stoi(after), 3'000);
  EXPECT_EQ(last.state, Pull::State::end);
  EXPECT_EQ(body->why_ended(), "drain");
}

TEST_F(StreamBodyTest, ADrainEndsStreamsOneByOneAndTellsEachItsOwnTime) {
  constexpr int kStreams = 10;
  std::vector<std::unique_ptr<StreamBody>> bodies;
  for (int i = 0; i < kStreams; ++i) bodies.push_back(open(feed(), at(-1)));
  for (auto& body : bodies) pull(*body);
  feeds.drain().begin(1'000);
  std::multiset<std::string> times;
  for (int ended = 1; ended <= kStreams + 1; ++ended, pass(100)) {
    int now = 0;
    for (auto& body : bodies) {
      const std::string got = pull(*body);
      if (!got.empty()) times.insert(got.substr(0, got.find('\n')));
      now += last.state == Pull::State::end ? 1 : 0;
    }
    EXPECT_GE(now, ended - 1);  // timers are coarse
    EXPECT_LE(now, ended);
  }
  EXPECT_EQ(times.size(), 10U);
  EXPECT_GT((std::set<std::string>{times.begin(), times.end()}).size(), 5U);
}

TEST_F(StreamBodyTest, ADrainWaitsForTheEndOfAnEventThatHasBegun) {
  FeedSpec spec;
  spec.topics = {"a"};
  auto body = open(feed(spec), at(-1));
  pull(*body);
  append(0, 0, "a value");
  tell(0);
  scripted::TextSink sink;
  body->emit(body->prepare(9).bytes, sink);
  feeds.drain().begin(1'000);
  const std::string got = sink.text + pull(*body);
  EXPECT_TRUE(got.starts_with(event("a value", 0) + "retry: ")) << got;
  EXPECT_TRUE(got.ends_with("id: 0:0\n\n"));
}

TEST_F(StreamBodyTest, AnNdjsonStreamLearnsOfADrainInItsLastLine) {
  FeedSpec spec;
  spec.topics = {"a"};
  spec.format = EventFormat::ndjson;
  auto body = open(feed(spec), at(41));
  pull(*body);
  feeds.drain().begin(1'000);
  const std::string got = pull(*body);
  EXPECT_TRUE(got.starts_with("{\"event\":\"reconnect\",\"id\":\"0:41\",\"after_ms\":")) << got;
  EXPECT_EQ(last.state, Pull::State::end);
}

TEST_F(StreamBodyTest, AStreamEndsAtItsAgeOrUpToAFifthEarlier) {
  StreamBodyOptions how;
  how.heartbeat_ms = 1'000;
  how.age_ms = 100'000;
  std::set<std::int64_t> ages;
  for (int i = 0; i < 5; ++i) {
    auto body = open(feed(), at(-1), how);
    std::int64_t age_ms = 0;
    for (; pull(*body).find("reconnect") == std::string::npos && age_ms < 200'000; age_ms += 100) pass(100);
    EXPECT_GE(age_ms, 80'000);
    EXPECT_LE(age_ms, 100'200);
    EXPECT_EQ(body->why_ended(), "stream_age");
    ages.insert(age_ms);
  }
  EXPECT_GT(ages.size(), 2U);
}

}  // namespace
}  // namespace tailgate
