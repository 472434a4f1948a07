// HAProxy and nginx with the configurations of deploy/ in front of two replicas.
#include "tests/support/balancers.h"

#include <csignal>

#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

class Balancers : public StreamTest {
 protected:
  Balancers() : topic{admin.make_topic("balanced")} {
    for (auto& replica : replicas) {
      replica = std::make_unique<TailgateProcess>(TailgateOptions{.kafka = shared_kafka(),
                                                                  .topics = topic,
                                                                  .drain_delay = "3s",
                                                                  .flags = {"--heartbeat", "2s", "--retry", "100ms"}});
      backends.push_back({replica->port(), replica->admin_port()});
    }
  }

  // The one that has the only stream.
  TailgateProcess* holder() {
    for (const auto& replica : replicas) {
      if (replica->metric("tailgate_streams{representation=\"sse\",state=\"live\"}") == 1) return replica.get();
    }
    return nullptr;
  }

  // Events come when they are written; when the replica dies, a client comes back through the balancer and misses
  // nothing.
  void passes_streams_on(const Balancer& balancer, HttpVersion version) {
    const auto url = balancer.url("/streams/" + topic);
    std::string id;
    {
      const SseClient first{{.url = url, .version = version}};
      ASSERT_NE(first.wait_for_event("position").id, "");
      producer.send(topic, 0, numbered(3));
      ASSERT_TRUE(first.wait_for_messages(3)) << balancer.log();
      TailgateProcess* dead = nullptr;
      ASSERT_TRUE(eventually([&] { return (dead = holder()) != nullptr; }));
      dead->kill_hard();
      ASSERT_TRUE(first.wait_for_end());
      id = first.last_event_id();
      producer.send(topic, 0, numbered(3, 3));
    }
    const SseClient second{{.url = url, .version = version, .headers = {"Last-Event-ID: " + id}}};
    ASSERT_TRUE(second.wait_for_messages(3)) << balancer.log();
    EXPECT_EQ(messages_of(second.events()), (std::vector{number(3), number(4), number(5)}));
    // A long poll that waits is longer silent than anything else. Its id is taken before the second stream has the
    // record.
    const auto from = url + "?as=json&wait=20&from=" + second.last_event_id();
    producer.send(topic, 0, numbered(1, 6));
    const auto poll = fetch({.url = from, .version = version});
    EXPECT_EQ(poll.status, 200);
    EXPECT_EQ(json_of(poll.body)["records"].Size(), 1U);
  }

  std::string topic;
  std::array<std::unique_ptr<TailgateProcess>, 2> replicas;
  std::vector<Backend> backends;
};

TEST_F(Balancers, HaproxyPassesStreamsOnOverHttp1) { passes_streams_on(*Balancer::haproxy(backends), HttpVersion::h1); }

TEST_F(Balancers, HaproxyPassesStreamsOnOverHttp2) {
  passes_streams_on(*Balancer::haproxy(backends), HttpVersion::h2c);
}

TEST_F(Balancers, HaproxySendsTheClientsOfAReplicaThatHangsElsewhere) {
  const auto balancer = Balancer::haproxy(backends);
  const SseClient client{{.url = balancer->url("/streams/" + topic)}};
  ASSERT_NE(client.wait_for_event("position").id, "");
  TailgateProcess* hanging = nullptr;
  ASSERT_TRUE(eventually([&] { return (hanging = holder()) != nullptr; }));

  hanging->signal(SIGSTOP);

  EXPECT_TRUE(client.wait_for_end(in(std::chrono::seconds{20}))) << "it waits for what does not come";
  const SseClient again{{.url = balancer->url("/streams/" + topic)}};
  EXPECT_NE(again.wait_for_event("position").id, "");
  hanging->signal(SIGCONT);
}

TEST_F(Balancers, HaproxyLeavesTheStreamsOfAReplicaThatDrainsAlone) {
  const auto balancer = Balancer::haproxy(backends);
  const SseClient client{{.url = balancer->url("/streams/" + topic)}};
  ASSERT_NE(client.wait_for_event("position").id, "");
  TailgateProcess* leaving = nullptr;
  ASSERT_TRUE(eventually([&] { return (leaving = holder()) != nullptr; }));

  leaving->signal(SIGTERM);

  ASSERT_TRUE(client.wait_for_end());
  EXPECT_EQ(client.events().back().type, "reconnect");
  EXPECT_EQ(leaving->wait(), 0);
}

TEST_F(Balancers, HaproxyAsksEventSourcesToComeBackWhileNoReplicaIsReady) {
  const auto balancer = Balancer::haproxy(backends);
  for (const auto& replica : replicas) replica->kill_hard();
  const HttpRequest request{.url = balancer->url("/streams/" + topic), .headers = {"Accept: text/event-stream"}};
  HttpResponse answer;
  ASSERT_TRUE(eventually([&] {
    try {
      return (answer = fetch(request)).status == 200;
    } catch (const std::runtime_error&) {  // it had a connection to a replica, used it, and found nobody there
      return false;
    }
  }));
  EXPECT_EQ(answer.headers.at("content-type"), "text/event-stream");
  EXPECT_EQ(answer.body.substr(0, 7), "retry: ") << answer.body;
  EXPECT_GE(std::stoi(answer.body.substr(7)), 1000);
  EXPECT_TRUE(answer.body.ends_with("\n"));
  EXPECT_FALSE(answer.body.ends_with("\n\n")) << "Firefox and Safari forget their id at the end of a block without one";
  EXPECT_EQ(fetch({.url = request.url, .headers = {"Accept: application/json"}}).status, 503);
}

TEST_F(Balancers, NginxPassesStreamsOn) { passes_streams_on(*Balancer::nginx(backends), HttpVersion::h1); }

// A 503 is an answer: of a cursor while Redis is away, and no reason to turn streams away.
TEST_F(Balancers, NginxKeepsReplicasThatAnswerWith503) {
  std::vector<std::unique_ptr<TailgateProcess>> without_redis;
  std::vector<Backend> answering;
  for (int i = 0; i < 2; ++i) {
    without_redis.push_back(std::make_unique<TailgateProcess>(TailgateOptions{
        .kafka = shared_kafka(), .topics = topic, .flags = {"--redis", "redis://127.0.0.1:1", "--retry", "100ms"}}));
    wait_until_known(*without_redis.back(), topic);
    answering.push_back({without_redis.back()->port(), without_redis.back()->admin_port()});
  }
  const auto balancer = Balancer::nginx(answering);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(fetch({.url = balancer->url("/cursors/c")}).status, 503) << i;
    const SseClient client{{.url = balancer->url("/streams/" + topic), .headers = {"Last-Event-ID: 0:-"}}};
    EXPECT_EQ(client.head().status, 200) << i;
  }
}

}  // namespace
}  // namespace tailgate::test
