// Limits of callers on the real binary: what is refused and how, three replicas that share one Redis, and what happens
// when it goes.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <vector>

#include "tests/support/redis_server.h"
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

using namespace std::chrono_literals;

class Limits : public StreamTest {
 protected:
  Limits() : topic{make_topic()}, path{"/streams/" + topic} {}

  TailgateOptions options(std::vector<std::string> flags, const RedisServer* redis = nullptr) const {
    flags.insert(flags.end(), {"--heartbeat", "500ms", "--threads", "2", "--trusted-proxies", "127.0.0.1",
                               "--forwarded-header", "x-forwarded-for"});
    if (redis != nullptr) flags.insert(flags.end(), {"--redis", redis->url()});
    return {.kafka = shared_kafka(), .topics = topic, .flags = std::move(flags)};
  }
  static std::string from(int caller) { return "X-Forwarded-For: 192.0.2." + std::to_string(caller); }
  HttpResponse topics_of(const TailgateProcess& server, int caller) const {
    return fetch({.url = server.url("/topics/" + topic), .headers = {from(caller)}});
  }
  std::unique_ptr<SseClient> open(const TailgateProcess& server, int caller, const std::string& query = "") const {
    return std::make_unique<SseClient>(HttpRequest{
        .url = server.url(path + query), .headers = {"Accept: text/event-stream", "Last-Event-ID: 0:-", from(caller)}});
  }
  // Three that share `redis`, each knowing of the others.
  std::vector<std::unique_ptr<TailgateProcess>> three(const RedisServer& redis, const std::vector<std::string>& flags) {
    std::vector<std::unique_ptr<TailgateProcess>> replicas;
    for (int i = 0; i < 3; ++i) replicas.push_back(std::make_unique<TailgateProcess>(options(flags, &redis)));
    for (auto& replica : replicas) {
      wait_until_known(*replica, topic);
      EXPECT_TRUE(eventually([&] { return replica->metric("tailgate_replicas") == 3; }));
    }
    return replicas;
  }

  std::string topic;
  std::string path;
};

TEST_F(Limits, ARequestTooManyIs429WithTheTimeToWait) {
  TailgateProcess server{options({"--limit-requests", "1/3"})};
  wait_until_known(server, topic);
  HttpResponse refused;
  ASSERT_TRUE(eventually([&] { return (refused = topics_of(server, 1)).status == 429; }));
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  EXPECT_EQ(refused.headers.at("ratelimit-policy"), R"("requests";q=3;w=3)");
  EXPECT_EQ(refused.headers.at("ratelimit"), R"("requests";r=0;t=1)");
  EXPECT_EQ(refused.headers.at("content-type"), "application/problem+json");
  EXPECT_STREQ(json_of(refused.body)["code"].GetString(), "too_many_requests");
  EXPECT_EQ(topics_of(server, 2).status, 200) << "another caller";
  EXPECT_GT(server.metric(R"(tailgate_limit_refused_total{limit="requests"})").value_or(0), 0);
  EXPECT_TRUE(eventually([&] { return topics_of(server, 1).status == 200; })) << "there is a token again";
}

TEST_F(Limits, AnEventSourceIsRefusedSoftly) {
  TailgateProcess server{options({"--limit-requests", "1/2", "--limit-streams", "1"})};
  const auto first = open(server, 1);
  EXPECT_EQ(first->wait_for_event("position").id, "0:-");
  const auto second = open(server, 1);
  EXPECT_EQ(second->wait_for_event("busy").data, R"({"reason":"too_many_streams","retry_after":10})");
  EXPECT_EQ(second->head().status, 200);
  EXPECT_NE(second->body().find("retry: 10000\n"), std::string::npos);
  EXPECT_EQ(second->last_event_id(), "0:-");
  EXPECT_TRUE(eventually([&] {
    return open(server, 1)->wait_for_event("busy").data == R"({"reason":"too_many_requests","retry_after":1})";
  }));
}

TEST_F(Limits, StreamsAtATimeAreCountedAndComeFree) {
  TailgateProcess server{options({"--limit-streams", "2"})};
  wait_until_known(server, topic);
  auto first = open(server, 1);
  const auto second = open(server, 1);
  ASSERT_EQ(first->wait_for_event("position").type, "position");
  ASSERT_EQ(second->wait_for_event("position").type, "position");
  const auto refused = fetch({.url = server.url(path + "?as=json&wait=0"), .headers = {from(1)}});
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.at("retry-after"), "10");
  EXPECT_EQ(refused.headers.at("ratelimit-policy"), R"("streams";q=2;qu="concurrent-requests")");
  EXPECT_EQ(fetch({.url = server.url(path + "?as=json&wait=0"), .headers = {from(2)}}).status, 200);
  EXPECT_EQ(fetch({.url = server.url(path), .headers = {from(1)}, .method = "HEAD"}).status, 200);
  EXPECT_EQ(topics_of(server, 1).status, 200);
  first.reset();
  EXPECT_TRUE(eventually(
      [&] { return fetch({.url = server.url(path + "?as=json&wait=0"), .headers = {from(1)}}).status == 200; }));
  EXPECT_TRUE(eventually([&] { return server.metric("tailgate_limit_slots") == 1; }));
}

TEST_F(Limits, RecordsComeAtTheirRateAndNoneIsMissing) {
  constexpr int kRecords = 300;
  TailgateProcess server{options({"--limit-records", "50"})};
  wait_until_known(server, topic);
  producer.send(topic, 0, numbered(kRecords));
  const auto start = Clock::now();
  const auto client = open(server, 1);
  ASSERT_TRUE(client->wait_for_messages(kRecords));
  EXPECT_GE(Clock::now() - start, 4s) << "a second's worth at once and 50 a second";
  const auto messages = client->messages();
  for (int n = 0; n < kRecords; ++n) ASSERT_EQ(messages[static_cast<std::size_t>(n)].data, number(n));
  EXPECT_GT(server.metric("tailgate_limit_waits_total").value_or(0), 0);
}

TEST_F(Limits, BytesComeAtTheirRateHowLargeTheRecordsAre) {
  TailgateProcess server{options({"--limit-bytes", "100000"})};
  wait_until_known(server, topic);
  for (int i = 0; i < 5; ++i) producer.send(topic, 0, {.value = std::string(100'000, static_cast<char>('a' + i))});
  const auto start = Clock::now();
  const auto client = open(server, 1);
  ASSERT_TRUE(client->wait_for_messages(5));
  EXPECT_GE(Clock::now() - start, 2'500ms);
  EXPECT_EQ(client->messages().back().data, std::string(100'000, 'e'));
  EXPECT_GT(client->comments(), 0U) << "heartbeats go on while it waits";
}

TEST_F(Limits, SlotsOverThreeReplicasAreFreeAgainWhenOneIsKilled) {
  RedisServer redis;
  auto replicas = three(redis, {"--limit-streams", "3"});
  std::vector<std::unique_ptr<SseClient>> clients;
  for (const auto& replica : replicas) clients.push_back(open(*replica, 1));
  for (const auto& client : clients) ASSERT_EQ(client->wait_for_event("position").type, "position");
  EXPECT_EQ(open(*replicas[0], 1)->wait_for_event("busy").type, "busy");

  // What is open stays open whatever Redis does, and is counted again by one that has forgotten everything.
  redis.kill_hard();
  redis.start();
  for (const auto& replica : replicas) {
    ASSERT_TRUE(eventually([&] {
      return fetch({.url = replica->admin_url("/readyz")}).body.find(R"("redis":"up")") != std::string::npos;
    }));
  }
  EXPECT_TRUE(eventually([&] { return redis.command({"zcard", "tailgate:slots:{ip%3A192.0.2.1}"}).starts_with("3"); }));
  EXPECT_EQ(open(*replicas[1], 1)->wait_for_event("busy").type, "busy");
  producer.send(topic, 0, numbered(1));
  for (const auto& client : clients) EXPECT_TRUE(client->wait_for_messages(1));

  replicas[2]->kill_hard();
  EXPECT_TRUE(eventually([&] { return open(*replicas[0], 1)->wait_for_event("position", in(2s)).type == "position"; }));
}

}  // namespace
}  // namespace tailgate::test
