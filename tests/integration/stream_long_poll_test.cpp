// Long polls.
#include <thread>

#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

class LongPoll : public StreamTest {
 protected:
  LongPoll() : topic{make_topic()}, path{"/streams/" + topic} {}
  HttpResponse poll(const std::string& query, const std::vector<std::string>& more = {}) {
    auto headers = more;
    headers.push_back("Accept: application/json");
    return get(path + query, headers);
  }
  static std::chrono::milliseconds since(Clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
  }

  std::string topic;
  std::string path;
};

TEST_F(LongPoll, AnswersWithWhatThereIsAndWhereToGoOn) {
  producer.send(topic, 0, numbered(3));
  // The first one may answer before this replica knows that there is no more.
  static_cast<void>(poll("?from=earliest"));
  ASSERT_TRUE(eventually([&] { return json_of(poll("?from=earliest").body)["caught_up"].GetBool(); }));
  const auto response = poll("?from=earliest");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.at("content-type"), "application/json");
  const auto answer = json_of(response.body);
  ASSERT_EQ(answer["records"].Size(), 3U);
  EXPECT_EQ(answer["records"][2]["offset"].GetInt(), 2);
  EXPECT_STREQ(answer["next"].GetString(), "0:2");
  EXPECT_TRUE(answer["caught_up"].GetBool());
  EXPECT_FALSE(answer.HasMember("events"));
  EXPECT_FALSE(answer.HasMember("end"));
}

TEST_F(LongPoll, GivesTheHistoryOfAllPartitionsInOneBatch) {
  const auto wide = make_topic({.partitions = 2});
  producer.send(wide, 0, numbered(3));
  producer.send(wide, 1, numbered(2, 10));
  static_cast<void>(get("/streams/" + wide + "?as=json&from=earliest"));  // the pages are cached now
  const auto answer = json_of(get("/streams/" + wide + "?as=json&from=earliest").body);
  EXPECT_EQ(answer["records"].Size(), 5U);
  EXPECT_STREQ(answer["next"].GetString(), "0:2,1:1");
}

TEST_F(LongPoll, GoesOnByTheLinkOfItsAnswer) {
  producer.send(topic, 0, numbered(5));
  // With wait=0 an answer does not wait for what has yet to be read.
  ASSERT_TRUE(eventually([&] { return json_of(poll("?from=earliest&limit=5").body)["records"].Size() == 5; }));
  auto response = poll("?from=earliest&limit=2&wait=0&_=buster");
  std::vector<int> seen;
  for (int round = 0; round < 3; ++round) {
    const auto answer = json_of(response.body);
    for (const auto& record : answer["records"].GetArray()) seen.push_back(record["value"]["n"].GetInt());
    const auto link = response.headers.at("link");
    ASSERT_TRUE(link.starts_with("<?") && link.ends_with(">; rel=\"next\"")) << link;
    EXPECT_EQ(link.find("access_token"), std::string::npos);
    response = poll(link.substr(1, link.find('>') - 1));
    EXPECT_EQ(response.status, 200) << link;
  }
  EXPECT_EQ(seen, (std::vector{0, 1, 2, 3, 4}));
}

TEST_F(LongPoll, StopsAtLimitAndSaysThatThereIsMore) {
  producer.send(topic, 0, numbered(10));
  const auto answer = json_of(poll("?from=earliest&limit=4").body);
  EXPECT_EQ(answer["records"].Size(), 4U);
  EXPECT_STREQ(answer["next"].GetString(), "0:3");
  EXPECT_FALSE(answer["caught_up"].GetBool());
}

TEST_F(LongPoll, StopsAtMaxBytes) {
  producer.send(topic, 0, std::vector<NewRecord>(10, {.value = std::string(1000, 'x')}));
  const auto answer = json_of(poll("?from=earliest&max_bytes=3500").body);
  EXPECT_GE(answer["records"].Size(), 1U);
  EXPECT_LE(answer["records"].Size(), 3U);
  EXPECT_FALSE(answer["caught_up"].GetBool());
}

TEST_F(LongPoll, WaitsForTheFirstRecordAndAnswersAtOnce) {
  std::jthread later{[this] {
    const auto is_open = [] {
      return server().metric(R"(tailgate_streams{representation="json",state="live"})").value_or(0) > 0;
    };
    EXPECT_TRUE(eventually(is_open));
    producer.send(topic, 0, {.value = "late"});
  }};
  const auto start = Clock::now();
  const auto answer = json_of(poll("?wait=20&from=earliest").body);
  EXPECT_LT(since(start), std::chrono::seconds{10});
  ASSERT_EQ(answer["records"].Size(), 1U);
  EXPECT_STREQ(answer["records"][0]["value"].GetString(), "late");
}

TEST_F(LongPoll, AnswersEmptyWhenNothingCameInTime) {
  producer.send(topic, 0, numbered(1));
  auto start = Clock::now();
  auto answer = json_of(poll("?wait=1").body);
  EXPECT_GE(since(start), std::chrono::milliseconds{900});
  EXPECT_LT(since(start), std::chrono::seconds{6});
  EXPECT_EQ(answer["records"].Size(), 0U);
  EXPECT_STREQ(answer["next"].GetString(), "0:0");
  EXPECT_TRUE(answer["caught_up"].GetBool());
  start = Clock::now();
  answer = json_of(poll("?wait=0").body);
  EXPECT_LT(since(start), std::chrono::seconds{1});
  EXPECT_EQ(answer["records"].Size(), 0U);
}

TEST_F(LongPoll, TakesItsWaitFromPreferAndSaysSo) {
  const auto response = poll("", {"Prefer: wait=1"});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.at("preference-applied"), "wait=1");
  producer.send(topic, 0, numbered(1));
  EXPECT_EQ(poll("?from=earliest", {"Prefer: wait=500"}).headers.at("preference-applied"), "wait=50");
  EXPECT_EQ(poll("?from=earliest&wait=51").status, 400);
  EXPECT_EQ(poll("?from=earliest&wait=1").headers.count("preference-applied"), 0U);
}

TEST_F(LongPoll, AskedAgainGivesTheSameOrMore) {
  producer.send(topic, 0, numbered(4));
  const auto first = json_of(poll("?last_event_id=0:0").body);
  producer.send(topic, 0, numbered(2, 4));
  const auto second = json_of(poll("?last_event_id=0:0").body);
  ASSERT_EQ(first["records"].Size(), 3U);
  ASSERT_GE(second["records"].Size(), 3U);
  for (rapidjson::SizeType i = 0; i < 3; ++i) EXPECT_EQ(text_of(first["records"][i]), text_of(second["records"][i]));
}

TEST_F(LongPoll, MovesItsNextOverWhatAFilterPassedOver) {
  producer.send(topic, 0, std::vector<NewRecord>(300, {.value = "v", .key = "other"}));
  const auto answer = json_of(poll("?from=earliest&key=mine&wait=1").body);
  EXPECT_EQ(answer["records"].Size(), 0U);
  EXPECT_STREQ(answer["next"].GetString(), "0:299");
}

TEST_F(LongPoll, MovesItsNextOverAnAbortedTransaction) {
  Producer transactional{shared_kafka(), unique_name("poll")};
  transactional.begin();
  transactional.send(topic, 0, numbered(10));
  transactional.abort();
  const auto answer = json_of(poll("?from=earliest&wait=1").body);
  EXPECT_EQ(answer["records"].Size(), 0U);
  EXPECT_STREQ(answer["next"].GetString(), "0:10");
}

TEST_F(LongPoll, RefusesWhatItDoesNotTake) {
  for (const auto* query :
       {"?wait=-1", "?wait=x", "?wait=51", "?limit=0", "?limit=10001", "?max_bytes=0", "?max_bytes=x", "?soft=1"}) {
    const auto response = poll(query);
    EXPECT_EQ(response.status, 400) << query;
    const auto name = std::string{query}.substr(1, std::string{query}.find('=') - 1);
    EXPECT_NE(response.body.find(name), std::string::npos) << response.body;
  }
}

}  // namespace
}  // namespace tailgate::test
