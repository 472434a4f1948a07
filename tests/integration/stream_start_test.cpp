// Every way to say where a stream starts.
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

class StreamStart : public StreamTest {
 protected:
  StreamStart() : topic{make_topic({.partitions = 2})}, path{"/streams/" + topic} {
    producer.send(topic, 0,
                  {{.value = number(0), .timestamp_ms = 1'700'000'000'000},
                   {.value = number(1), .timestamp_ms = 1'700'000'001'000},
                   {.value = number(2), .timestamp_ms = 1'700'000'002'000}});
    producer.send(topic, 1,
                  {{.value = number(10), .timestamp_ms = 1'700'000'000'000},
                   {.value = number(11), .timestamp_ms = 1'700'000'005'000}});
  }
  // Where a stream with this query begins, from its first event.
  std::string start(const std::string& query, const std::vector<std::string>& headers = {}) {
    const auto events = read(path + "?until=now&" + query, headers);
    EXPECT_EQ(events.at(0).type, "position");
    EXPECT_EQ(events.at(0).data, "{}");
    return events.at(0).id;
  }

  std::string topic;
  std::string path;
};

TEST_F(StreamStart, IsTheEndByDefaultAndTheFirstBlockSaysWhere) {
  const SseClient client{{.url = server().url(path)}};
  EXPECT_EQ(client.wait_for_event("position").id, "0:2,1:1");
  EXPECT_EQ(client.head().headers.at("last-event-id"), "0:2,1:1");
  producer.send(topic, 1, {.value = number(12)});
  ASSERT_TRUE(client.wait_for_messages(1));
  EXPECT_EQ(client.messages()[0].data, number(12));
  EXPECT_EQ(client.messages()[0].id, "0:2,1:2");
  const std::string first = client.body().substr(0, client.body().find("\n\n") + 2);
  const std::string wait = first.substr(7, first.find('\n') - 7);
  EXPECT_EQ(first, "retry: " + wait + "\nevent: position\ndata: {}\nid: 0:2,1:1\n\n");
  EXPECT_GE(std::stoi(wait), 50);
  EXPECT_LE(std::stoi(wait), 100);
}

TEST_F(StreamStart, TakesLatestAndEarliest) {
  EXPECT_EQ(start("from=latest"), "0:2,1:1");
  EXPECT_EQ(start("from=earliest"), "0:-,1:-");
  EXPECT_EQ(messages_of(read(path + "/0?from=earliest&until=now")), (std::vector{number(0), number(1), number(2)}));
}

TEST_F(StreamStart, GoesBackByOffsetsInEachPartition) {
  EXPECT_EQ(start("from=-1"), "0:1,1:0");
  EXPECT_EQ(start("from=-3"), "0:-,1:-");
  EXPECT_EQ(start("from=-100000"), "0:-,1:-");
  EXPECT_EQ(start("from=-0"), "0:2,1:1");
  const auto events = read(path + "?from=-100000&until=now");
  EXPECT_EQ(count_of(events, "gap"), 0);
}

TEST_F(StreamStart, FindsATimeInEachPartition) {
  EXPECT_EQ(start("from=2023-11-14T22:13:21Z"), "0:0,1:0");
  EXPECT_EQ(start("from=2023-11-14T23:13:21.500%2B01:00"), "0:1,1:0");
  EXPECT_EQ(start("from=@1700000002000"), "0:1,1:0");
  EXPECT_EQ(start("from=@1700000009000"), "0:2,1:1");
  EXPECT_EQ(start("from=@0"), "0:-,1:-");
}

TEST_F(StreamStart, TakesAnIdInTheQueryTheHeaderOrFrom) {
  EXPECT_EQ(start("from=0:0,1:0"), "0:0,1:0");
  EXPECT_EQ(start("last_event_id=0:1,1:1"), "0:1,1:1");
  EXPECT_EQ(start("", {"Last-Event-ID: 0:2,1:0"}), "0:2,1:0");
}

TEST_F(StreamStart, PrefersTheHeaderToTheQueryAndTheQueryToFrom) {
  EXPECT_EQ(start("last_event_id=0:0,1:0&from=earliest", {"Last-Event-ID: 0:1,1:1"}), "0:1,1:1");
  EXPECT_EQ(start("last_event_id=0:0,1:0&from=earliest"), "0:0,1:0");
}

TEST_F(StreamStart, ReadsAPartitionThatTheIdDoesNotNameFromItsBeginning) {
  EXPECT_EQ(start("", {"Last-Event-ID: 0:1"}), "0:1,1:-");
}

TEST_F(StreamStart, StartsATopicThatTheIdDoesNotNameByFrom) {
  const auto other = make_topic();
  producer.send(other, 0, numbered(4));
  const auto events =
      read("/streams/" + topic + "," + other + "?until=now&from=-1", {"Last-Event-ID: " + topic + "=0:1,1:1"});
  const auto of_topic = topic + "=0:1,1:1";
  const auto of_other = other + "=0:2";
  EXPECT_EQ(events.at(0).id, topic < other ? of_topic + ";" + of_other : of_other + ";" + of_topic);
}

TEST_F(StreamStart, DeliversWhatIsProducedAfterTheResponseBegan) {
  for (int i = 0; i < 20; ++i) {
    const SseClient client{{.url = server().url(path)}};
    ASSERT_EQ(client.head().status, 200);
    producer.send(topic, i % 2, {.value = number(100 + i)});
    ASSERT_TRUE(client.wait_for_messages(1)) << i;
    EXPECT_EQ(client.messages()[0].data, number(100 + i));
  }
}

TEST_F(StreamStart, OfAnEmptyTopicIsNothingPassed) {
  const auto empty = make_topic();
  const auto events = read("/streams/" + empty + "?until=now");
  EXPECT_EQ(outline(events), "position:0:- end:0:-!");
}

}  // namespace
}  // namespace tailgate::test
