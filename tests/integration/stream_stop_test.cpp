// Every way to say where a stream stops.
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

class StreamStop : public StreamTest {
 protected:
  StreamStop() : topic{make_topic({.partitions = 2})}, path{"/streams/" + topic} {
    producer.send(topic, 0,
                  {{.value = number(0), .timestamp_ms = 1'700'000'000'000},
                   {.value = number(1), .timestamp_ms = 1'700'000'001'000},
                   {.value = number(2), .timestamp_ms = 1'700'000'002'000}});
    producer.send(topic, 1, {.value = number(10), .timestamp_ms = 1'700'000'001'000});
  }
  std::string topic;
  std::string path;
};

TEST_F(StreamStop, AfterAsManyRecordsAsLimitSays) {
  const auto events = read(path + "/0?from=earliest&limit=2");
  EXPECT_EQ(outline(events), "position:- message:0 message:1 end:1!");
  EXPECT_EQ(events.back().data, R"({"reason":"limit"})");
}

TEST_F(StreamStop, AtTheEndsThatWereSeenWhenItStarted) {
  const auto events = read(path + "?from=earliest&until=now");
  EXPECT_EQ(messages_of(events).size(), 4U);
  EXPECT_EQ(events.back().type, "end");
  EXPECT_EQ(events.back().id, "0:2,1:0!");
  EXPECT_EQ(events.back().data, R"({"reason":"until"})");
}

TEST_F(StreamStop, AtOnceWhenItStartsAtItsEnd) {
  EXPECT_EQ(outline(read(path + "?until=now")), "position:0:2,1:0 end:0:2,1:0!");
}

TEST_F(StreamStop, BehindTheRecordsBeforeATime) {
  const auto events = read(path + "?from=earliest&until=@1700000001000");
  auto data = messages_of(events);
  std::ranges::sort(data);
  // Whether the record at that very moment belongs to it is not promised.
  ASSERT_FALSE(data.empty());
  EXPECT_EQ(data[0], number(0));
  EXPECT_EQ(std::ranges::count(data, number(2)), 0);
  EXPECT_EQ(events.back().type, "end");
}

TEST_F(StreamStop, BehindTheOffsetsOfAnId) {
  const auto events = read(path + "?from=earliest&until=0:1,1:-");
  EXPECT_EQ(messages_of(events), (std::vector{number(0), number(1)}));
  EXPECT_EQ(events.back().id, "0:1,1:-!");
}

TEST_F(StreamStop, IsNotBehindWhatLimitOrUntilNames) {
  EXPECT_EQ(messages_of(read(path + "/0?from=earliest&until=1&limit=1")), (std::vector{number(0)}));
  EXPECT_EQ(messages_of(read(path + "/0?from=earliest&until=0&limit=5")), (std::vector{number(0)}));
}

TEST_F(StreamStop, IsAnsweredWith204WhenTheClientComesBack) {
  for (const auto* query : {"?limit=2", "?until=now"}) {
    const auto response = get(path + "/0" + query, {"Last-Event-ID: 1!"});
    EXPECT_EQ(response.status, 204) << query;
    EXPECT_EQ(response.body, "");
  }
}

TEST_F(StreamStop, MarkIsPassedOverWithoutLimitAndUntil) {
  const SseClient client{{.url = server().url(path + "/0"), .headers = {"Last-Event-ID: 1!"}}};
  ASSERT_TRUE(client.wait_for_messages(1));
  EXPECT_EQ(outline(client.events()), "position:1 message:2");
}

TEST_F(StreamStop, OfNdjsonIsALine) {
  const auto lines = lines_of(get(path + "/0?as=ndjson&from=earliest&limit=1").body);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(text_of(lines[0]), R"({"event":"start","id":"-"})");
  EXPECT_EQ(text_of(lines[2]), R"({"event":"end","id":"0!","reason":"limit"})");
}

TEST_F(StreamStop, OfALongPollIsSaidInItsLastAnswer) {
  std::size_t records = 0;
  std::string next;
  for (bool is_over = false; !is_over;) {
    const auto answer =
        json_of(get(path + "?as=json&until=now" + (next.empty() ? "&from=earliest" : "&last_event_id=" + next)).body);
    records += answer["records"].Size();
    ASSERT_STRNE(answer["next"].GetString(), next.c_str()) << "it must get on";
    next = answer["next"].GetString();
    is_over = answer.HasMember("end");
    EXPECT_EQ(is_over, records == 4);
    EXPECT_TRUE(is_over || !answer["caught_up"].GetBool());
  }
  EXPECT_EQ(next, "0:2,1:0");
}

TEST_F(StreamStop, DoesNotWaitForAPartitionThatIsAbortedAtItsEnd) {
  Producer transactional{shared_kafka(), unique_name("stop")};
  transactional.begin();
  transactional.send(topic, 1, numbered(50));
  transactional.abort();
  const auto events = read(path + "?from=earliest&until=now");
  EXPECT_EQ(messages_of(events).size(), 4U);
  EXPECT_EQ(events.back().type, "end");
}

}  // namespace
}  // namespace tailgate::test
