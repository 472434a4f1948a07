// What Kafka does while streams run: topics grow, go and come back, leaders move, brokers fall silent.
#include <set>

#include "tests/support/raw_connection.h"
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

class StreamKafka : public StreamTest {};

TEST_F(StreamKafka, NewPartitionsJoinRunningStreamsFromTheirBeginning) {
  const auto topic = make_topic();
  producer.send(topic, 0, numbered(2));
  const SseClient latest{{.url = server().url("/streams/" + topic)}};
  const SseClient earliest{{.url = server().url("/streams/" + topic + "?from=earliest&as=sse")}};
  ASSERT_EQ(latest.wait_for_event("position").id, "0:1");
  admin.set_partitions(topic, 3);
  producer.send(topic, 2, numbered(2, 10));
  ASSERT_TRUE(latest.wait_for_messages(2));
  EXPECT_EQ(messages_of(latest.events()), (std::vector{number(10), number(11)}));
  EXPECT_EQ(latest.messages().back().id, "0:1,1:-,2:1");
  ASSERT_TRUE(earliest.wait_for_messages(4));
  // A client that knew one partition gets the others from their beginning.
  EXPECT_EQ(messages_of(read("/streams/" + topic + "?until=now", {"Last-Event-ID: 0:1"})),
            (std::vector{number(10), number(11)}));
}

TEST_F(StreamKafka, AnIdWithAPartitionThatIsNotKnownHereYetIsWaitedFor) {
  const auto topic = make_topic();
  const SseClient early{{.url = server().url("/streams/" + topic), .headers = {"Last-Event-ID: 0:-,1:0"}}};
  const auto position = early.wait_for_event("position");
  EXPECT_EQ(position.id, "0:-,1:0");
  producer.send(topic, 0, numbered(1));
  ASSERT_TRUE(early.wait_for_messages(1));
  EXPECT_EQ(early.messages()[0].id, "0:0,1:0");
  admin.set_partitions(topic, 2);
  producer.send(topic, 1, numbered(3, 10));
  ASSERT_TRUE(early.wait_for_messages(3));
  EXPECT_EQ(early.messages()[1].data, number(11));
  EXPECT_EQ(early.messages()[2].id, "0:0,1:2");
}

TEST_F(StreamKafka, ADeletedTopicEndsItsStreamsWithAFault) {
  const auto topic = make_topic({.partitions = 2});
  producer.send(topic, 0, numbered(2));
  const SseClient sse{{.url = server().url("/streams/" + topic + "?from=earliest")}};
  ASSERT_TRUE(sse.wait_for_messages(2));
  admin.delete_topic(topic);
  const auto fault = sse.wait_for_event("fault");
  EXPECT_STREQ(json_of(fault.data)["code"].GetString(), "topic_gone");
  EXPECT_TRUE(sse.wait_for_end());
  EXPECT_TRUE(eventually([&] { return get("/streams/" + topic).status == 404; }));
}

TEST_F(StreamKafka, ATopicMadeAnewResetsIdsOfTheOldOne) {
  const auto topic = make_topic();
  producer.send(topic, 0, numbered(20));
  const auto old = read("/streams/" + topic + "?from=earliest&until=now");
  ASSERT_EQ(messages_of(old).size(), 20U);
  admin.delete_topic(topic);
  ASSERT_TRUE(eventually([&] { return get("/streams/" + topic + "?until=now").status == 404; }));
  admin.create_topic(topic);
  wait_until_known(server(), topic);
  producer.send(topic, 0, numbered(3, 100));
  const SseClient back{
      {.url = server().url("/streams/" + topic + "?on_reset=earliest"), .headers = {"Last-Event-ID: 0:19"}}};
  EXPECT_EQ(back.wait_for_event("reset").id, "0:-");
  ASSERT_TRUE(back.wait_for_messages(3));
  EXPECT_EQ(messages_of(back.events()), (std::vector{number(100), number(101), number(102)}));
  // Nothing of the old one is left in any cache.
  EXPECT_EQ(messages_of(read("/streams/" + topic + "?from=earliest&until=now")),
            (std::vector{number(100), number(101), number(102)}));
}

TEST_F(StreamKafka, RetentionThatPassedAnIdIsAGapOfAllThatIsGone) {
  const auto topic = make_topic();
  producer.send(topic, 0, numbered(15));
  admin.delete_records(topic, 0, 12);
  const auto events = read("/streams/" + topic + "/0?until=now", {"Last-Event-ID: 2"});
  EXPECT_EQ(outline(events), "position:2 gap:11 message:12 message:13 message:14 end:14!");
  const auto gap = json_of(events.at(1).data);
  EXPECT_EQ(gap["from"].GetInt(), 3);
  EXPECT_EQ(gap["to"].GetInt(), 11);
}

TEST_F(StreamKafka, ALiveStreamDoesNotNoticeThatOldRecordsAreDeleted) {
  const auto topic = make_topic();
  producer.send(topic, 0, numbered(5));
  const SseClient live{{.url = server().url("/streams/" + topic + "?from=earliest")}};
  ASSERT_TRUE(live.wait_for_messages(5));
  admin.delete_records(topic, 0, 5);
  producer.send(topic, 0, numbered(3, 5));
  ASSERT_TRUE(live.wait_for_messages(8));
  EXPECT_EQ(count_of(live.events(), "gap"), 0);
}

// Brokers that are hurt are the test's own.
class StreamBrokers : public testing::Test {
 protected:
  static bool is_known(TailgateProcess& server, const std::string& topic) {
    return eventually([&] { return fetch({.url = server.url("/topics/" + topic)}).status == 200; });
  }
  // Every number up to `count` exactly once, in order.
  static void expect_all(const SseClient& client, int count) {
    ASSERT_TRUE(client.wait_for_messages(static_cast<std::size_t>(count), in(std::chrono::seconds{60})))
        << client.messages().size() << " of " << count;
    const auto data = messages_of(client.events());
    for (int n = 0; n < count; ++n) ASSERT_EQ(data[static_cast<std::size_t>(n)], number(n));
    EXPECT_EQ(data.size(), static_cast<std::size_t>(count));
  }
};

TEST_F(StreamBrokers, StreamsGoOnWhenTheLeaderOfTheirPartitionMoves) {
  KafkaCluster kafka{{.brokers = 3}};
  KafkaAdmin admin{kafka.bootstrap()};
  const auto topic = admin.make_topic("moving", {.replication = 3, .config = {{"min.insync.replicas", "2"}}});
  Producer producer{kafka.bootstrap()};
  TailgateProcess server{{.kafka = kafka.bootstrap(), .flags = {"--heartbeat", "1s"}}};
  ASSERT_TRUE(is_known(server, topic));
  const SseClient live{{.url = server.url("/streams/" + topic + "?from=earliest")}};
  ASSERT_EQ(live.wait_for_event("position").id, "0:-");
  int n = 0;
  const auto send = [&](int count) {
    producer.send(topic, 0, numbered(count, n));
    n += count;
  };
  send(10);
  expect_all(live, n);
  const auto first = admin.leader(topic, 0);
  kafka.kill_hard(first);
  ASSERT_TRUE(eventually([&] { return admin.leader(topic, 0) > 0 && admin.leader(topic, 0) != first; }));
  send(10);
  expect_all(live, n);
  kafka.start(first);
  const auto second = admin.leader(topic, 0);
  kafka.stop(second);
  send(10);
  expect_all(live, n);
  const SseClient late{{.url = server.url("/streams/" + topic + "?from=earliest")}};
  expect_all(late, n);
  EXPECT_EQ(count_of(live.events(), "reset"), 0);
  EXPECT_EQ(count_of(live.events(), "gap"), 0);
}

TEST_F(StreamBrokers, StreamsOutliveKafkaAndNewOnesAreRefusedSoftly) {
  KafkaCluster kafka;
  KafkaAdmin admin{kafka.bootstrap()};
  const auto topic = admin.make_topic("away");
  const auto unread = admin.make_topic("unread");
  Producer producer{kafka.bootstrap()};
  TailgateProcess server{{.kafka = kafka.bootstrap(), .flags = {"--heartbeat", "1s"}}};
  ASSERT_TRUE(is_known(server, topic));
  const SseClient live{{.url = server.url("/streams/" + topic + "?from=earliest")}};
  producer.send(topic, 0, numbered(5));
  expect_all(live, 5);

  kafka.kill_hard(1);
  const auto comments = live.comments();
  EXPECT_TRUE(eventually([&] { return live.comments() >= comments + 2; })) << "heartbeats go on";
  EXPECT_TRUE(server.is_ready()) << "a replica that leaves the balancer now turns every browser away";

  // Where a stream of this topic starts only Kafka knows.
  const auto path = "/streams/" + unread;
  const auto soft = fetch({.url = server.url(path), .headers = {"Accept: text/event-stream"}});
  EXPECT_EQ(soft.status, 200);
  const auto events = events_of(soft.body);
  ASSERT_EQ(events.size(), 1U) << soft.body;
  EXPECT_EQ(events[0].type, "busy");
  EXPECT_EQ(events[0].id, "");
  EXPECT_TRUE(json_of(events[0].data).HasMember("retry_after"));
  EXPECT_TRUE(soft.body.starts_with("retry: ")) << soft.body;
  for (const auto& headers :
       {std::vector<std::string>{"Accept: application/json"}, std::vector<std::string>{"Accept: */*"}}) {
    const auto hard = fetch({.url = server.url(path), .headers = headers});
    EXPECT_EQ(hard.status, 503) << headers[0] << hard.body;
    EXPECT_EQ(hard.headers.at("content-type"), "application/problem+json");
    EXPECT_EQ(hard.headers.count("retry-after"), 1U);
  }
  EXPECT_EQ(fetch({.url = server.url(path + "?soft=0"), .headers = {"Accept: text/event-stream"}}).status, 503);
  EXPECT_EQ(fetch({.url = server.url(path + "?soft=1&as=sse"), .headers = {"Accept: */*"}}).status, 200);
  // An id needs no Kafka to begin with, nor does a topic that this replica follows.
  const SseClient resumed{{.url = server.url("/streams/" + topic), .headers = {"Last-Event-ID: 0:1"}}};
  const SseClient latest{{.url = server.url("/streams/" + topic)}};
  EXPECT_EQ(resumed.wait_for_event("position").id, "0:1");
  EXPECT_EQ(latest.wait_for_event("position").id, "0:4");

  kafka.start(1);
  producer.send(topic, 0, numbered(5, 5));
  expect_all(live, 10);
  ASSERT_TRUE(resumed.wait_for_messages(8));
  EXPECT_EQ(resumed.messages()[0].data, number(2));
  ASSERT_TRUE(latest.wait_for_messages(5));
  EXPECT_EQ(latest.messages()[0].data, number(5));
  const SseClient late{{.url = server.url("/streams/" + topic + "?from=earliest")}};
  expect_all(late, 10);
}

TEST_F(StreamBrokers, ABrokerThatFallsSilentIsAPauseAndNothingElse) {
  KafkaCluster kafka;
  KafkaAdmin admin{kafka.bootstrap()};
  const auto topic = admin.make_topic("silent");
  Producer producer{kafka.bootstrap()};
  TailgateProcess server{{.kafka = kafka.bootstrap(), .flags = {"--heartbeat", "1s"}}};
  ASSERT_TRUE(is_known(server, topic));
  const SseClient live{{.url = server.url("/streams/" + topic + "?from=earliest")}};
  producer.send(topic, 0, numbered(3));
  expect_all(live, 3);
  kafka.pause(1);
  const auto comments = live.comments();
  EXPECT_TRUE(eventually([&] { return live.comments() >= comments + 3; }));
  kafka.resume(1);
  producer.send(topic, 0, numbered(3, 3));
  expect_all(live, 6);
}

TEST_F(StreamBrokers, AServerThatStartsBeforeKafkaIsNotReadyAndThenIs) {
  KafkaCluster kafka;
  KafkaAdmin admin{kafka.bootstrap()};
  const auto topic = admin.make_topic("later");
  Producer{kafka.bootstrap()}.send(topic, 0, numbered(2));
  kafka.kill_hard(1);
  TailgateProcess server{{.kafka = kafka.bootstrap(), .wait_until_ready = false}};
  ASSERT_TRUE(eventually([&] { return RawConnection::is_open(server.admin_port()); }));
  EXPECT_FALSE(server.is_ready());
  kafka.start(1);
  ASSERT_TRUE(eventually([&] { return server.is_ready(); }));
  ASSERT_TRUE(is_known(server, topic));
  const SseClient client{{.url = server.url("/streams/" + topic + "?from=earliest")}};
  expect_all(client, 2);
}

}  // namespace
}  // namespace tailgate::test
