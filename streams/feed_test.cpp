#include "streams/feed.h"

#include <gtest/gtest.h>

#include <string>

#include "streams/scripted/scripted_stream_test.h"

namespace tailgate {
namespace {

class FeedTest : public scripted::StreamTest {
 protected:
  FeedTest() { catalog.set({{"a", 2}}); }
};

// A member that reads nothing, and hears of all.
class Standing final : public FeedMember, private News::Waiter {
 public:
  explicit Standing(Feed& feed) : feed_{feed}, place_{feed.join(*this)} { feed_.news().add(*this); }
  ~Standing() override { feed_.leave(*this); }
  void on_news() override {
    ++news;
    feed_.news().add(*this);
  }
  void on_evicted(const FeedLog::Place& to) override { place_ = to; }
  const FeedLog::Place& place() const override { return place_; }
  int news = 0;

 private:
  Feed& feed_;
  FeedLog::Place place_;
};

TEST_F(FeedTest, RequestsThatAskTheSameShareAFeed) {
  FeedSpec spec{{"a"}, std::nullopt, {"k1", "k2"}, EventFormat::ndjson};
  Feed& first = feed(spec);
  EXPECT_EQ(&feed(spec), &first);
  spec.keys = {"k1k2"};
  EXPECT_NE(&feed(spec), &first);
  spec.keys.clear();
  Feed& all = feed(spec);
  spec.partition = 0;
  EXPECT_NE(&feed(spec), &all);
}

TEST_F(FeedTest, StartsAtTheHeadOfWhatTheReaderHas) {
  log(0).start(5);
  append(0, 5);
  Feed& on = feed();
  Standing member{on};
  EXPECT_EQ(on.log().head_position(), std::vector<Offset>{5});
  EXPECT_FALSE(on.encode_more());
}

TEST_F(FeedTest, EncodesWhatComesWithTheIdOfTheMergedPosition) {
  log(0).start(5);
  log(1).start(0);
  Feed& on = feed();
  Standing member{on};
  append(0, 5, "x");
  tell(0);
  append(1, 3, "y");
  tell(1);
  EXPECT_EQ(member.news, 2);

  while (on.encode_more()) {
  }

  const FeedChunk& chunk = *on.log().enter().chunk;
  EXPECT_EQ(chunk.view(0, chunk.used()), "data: x\nid: 0:5,1:-\n\ndata: y\nid: 0:5,1:3\n\n");
  on.log().leave(FeedLog::Place{const_cast<FeedChunk*>(&chunk), 2});
}

TEST_F(FeedTest, RecordsThatWereDroppedBeforeTheyWereEncodedAreABarrierAndTheRestFollowsAtOnce) {
  log(0).start(0);
  Feed& on = feed();
  Standing member{on};
  for (Offset offset = 0; offset < 20; ++offset) append(0, offset, std::string(1'000, 'x'));
  tell(0);
  while (log(0).drop_oldest(INT64_MAX) > 0) {
  }
  const Offset first = log(0).first();
  ASSERT_GT(first, 0);

  while (on.encode_more()) {  // without further news
  }

  EXPECT_EQ(on.log().head_position()[0], 19);
  const auto& entries = member.place().chunk->next->entries;
  EXPECT_EQ(entries.front().kind, FeedEntry::Kind::record);
  EXPECT_EQ(entries.front().offset, first);
  EXPECT_EQ(member.place().chunk->entries.back().kind, FeedEntry::Kind::barrier);
}

TEST_F(FeedTest, BytesThatGoOutOfUseAreGivenBackToTheThread) {
  log(0).start(0);
  Feed& on = feed();
  auto body = open(on, {{"a", {{0, -1}, {1, -1}}}});
  log(1).start(0);
  tell(1);
  for (Offset offset = 0; offset < 2'000; ++offset) {
    append(0, offset, std::string(500, 'x'));
    tell(0);
    pull(*body);
  }
  EXPECT_TRUE(body->is_live());
  EXPECT_EQ(feeds.bytes(), on.log().bytes());
  EXPECT_LT(feeds.bytes(), 300'000U);
}

TEST_F(FeedTest, AFilterThatPassesOverMuchIsGoneThroughWithoutFurtherNews) {
  log(0).start(0);
  log(1).start(0);
  FeedSpec spec;
  spec.topics = {"a"};
  spec.keys = {"wanted"};
  auto body = open(feed(spec), {{"a", {{0, -1}, {1, -1}}}});
  pull(*body);
  for (Offset offset = 0; offset < 2'000; ++offset) append(0, offset, std::string(1'000, 'x'), "other");
  append(0, 2'000, "here", "wanted");
  tell(0);

  std::string got;
  for (int turns = 0; turns < 20 && wakes > 0; ++turns) {
    wakes = 0;
    got += pull(*body);
  }

  EXPECT_NE(got.find("data: here\n"), std::string::npos);
}

TEST_F(FeedTest, APartitionThatJoinsLaterWakesThoseWhoWaitForItsPast) {
  log(0).start(0);
  log(1).start(0);
  auto body = open(feed(), {{"a", {{0, -1}, {1, -1}}}});
  pull(*body);
  log(2).start(0);
  append(2, 0);
  wakes = 0;

  catalog.set({{"a", 3}});

  EXPECT_GT(wakes, 0);
  EXPECT_NE(pull(*body).find("data: a/2:0\nid: 0:-,1:-,2:0\n\n"), std::string::npos);
}

TEST_F(FeedTest, AnIdleFeedThatOwesProgressTellsTheNextWhoJoins) {
  log(0).start(0);
  log(1).start(0);
  Feed& on = feed();
  {
    auto body = open(on, {{"a", {{0, -1}, {1, -1}}}});
    pull(*body);
    log(0).reach_end(10);
    tell(0);
    pull(*body);
    log(0).reach_end(20);  // within a second: owed
    tell(0);
    pull(*body);
  }
  pass(2'000);

  auto body = open(on, {{"a", {{0, 19}, {1, -1}}}});

  EXPECT_TRUE(body->is_live());
}

TEST_F(FeedTest, ATopicThatIsGoneEndsTheFeedAndTheNextOneIsNew) {
  log(0).start(0);
  log(1).start(0);
  catalog.set({{"a", 2}, {"b", 1}});
  Feed& on = feed();
  auto body = open(on, {{"a", {{0, 4}, {1, -1}}}});
  pull(*body);

  catalog.set({{"b", 1}});

  EXPECT_EQ(on.fault(), "topic_gone");
  EXPECT_NE(pull(*body).find("event: fault\ndata: {\"code\":\"topic_gone\""), std::string::npos);
  EXPECT_EQ(last.state, Pull::State::end);
  catalog.set({{"a", 2}, {"b", 1}});
  EXPECT_NE(&feed(), &on);
}

TEST_F(FeedTest, ATopicMadeAnewWithFewerPartitionsIsAnother) {
  Feed& on = feed();
  Standing member{on};
  catalog.set({{"a", 1}});
  EXPECT_EQ(on.fault(), "topic_gone");
  EXPECT_EQ(member.news, 1);
}

TEST_F(FeedTest, MorePartitionsThanAnIdMayNameEndTheFeed) {
  Feed& on = feed();
  Standing member{on};
  catalog.set({{"a", 257}});
  EXPECT_EQ(on.fault(), "id_too_long");
}

TEST_F(FeedTest, AJoinerOfAFeedBringsTheTopicsThatItsRequestWasReadWith) {
  Feed& on = feed();
  Standing member{on};
  auto newer = std::make_shared<Topics>();
  newer->version = 1'000;
  newer->by_name["a"] = Topic{"a", "k.a", 3};

  EXPECT_EQ(&feeds.get(on.spec(), *newer), &on);

  EXPECT_EQ(on.partitions().size(), 3U);
}

TEST_F(FeedTest, WhereEventsGatherMembersAreWokenAtMostSoOften) {
  log(0).start(0);
  FeedSpec spec;
  spec.topics = {"a"};
  spec.gather_ms = 500;
  Feed& gathering = feed(spec);
  EXPECT_NE(&gathering, &feed()) << "who does not wait is not kept waiting by those who do";
  Standing member{gathering};
  append(0, 0);
  tell(0);
  EXPECT_EQ(member.news, 1) << "the first event after a silence does not wait";
  for (Offset offset = 1; offset <= 3; ++offset) {
    append(0, offset);
    tell(0);
  }
  EXPECT_EQ(member.news, 1);
  pass(400);
  EXPECT_EQ(member.news, 1);
  pass(200);
  EXPECT_EQ(member.news, 2) << "once for the three";
  pass(2'000);
  EXPECT_EQ(member.news, 2) << "and not without news";
}

TEST_F(FeedTest, AStreamOfAPartitionThatIsNoMoreEnds) {
  FeedSpec spec;
  spec.topics = {"a"};
  spec.partition = 1;
  log(1).start(0);
  Feed& on = feed(spec);
  auto body = open(on, {{"a", {{1, -1}}}});
  pull(*body);
  catalog.set({{"a", 1}});
  EXPECT_EQ(on.fault(), "topic_gone");
  EXPECT_NE(pull(*body).find("event: fault\ndata: {\"code\":\"topic_gone\""), std::string::npos);
}

}  // namespace
}  // namespace tailgate
