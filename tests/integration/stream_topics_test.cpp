// GET /topics and GET /topics/{topic}.
#include <atomic>
#include <thread>
#include <vector>

#include "tests/support/raw_connection.h"
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

class Topics : public StreamTest {};

TEST_F(Topics, AreListedWithTheirPartitionsWhenExposed) {
  const auto stem = unique_name("shown");
  admin.create_topic(stem + "-a", {.partitions = 3});
  admin.create_topic(stem + "-b");
  admin.create_topic(stem + "x");
  TailgateProcess some{{.kafka = shared_kafka(), .topics = stem + "-*"}};
  const auto response = fetch({.url = some.url("/topics")});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.at("content-type"), "application/json");
  EXPECT_EQ(response.headers.at("cache-control"), "no-store");
  EXPECT_EQ(response.body, R"({"topics":[{"name":")" + stem + R"(-a","partitions":3},{"name":")" + stem +
                               R"(-b","partitions":1}]})"
                               "\n");
}

TEST_F(Topics, SayWhereTheirPartitionsBeginAndEnd) {
  const auto topic = make_topic({.partitions = 2});
  producer.send(topic, 0, numbered(10));
  admin.delete_records(topic, 0, 4);
  Producer transactional{shared_kafka(), unique_name("topics")};
  transactional.begin();
  transactional.send(topic, 0, numbered(3));
  const auto response = get("/topics/" + topic);
  EXPECT_EQ(
      response.body,
      R"({"name":")" + topic +
          R"(","partitions":[{"partition":0,"begin":4,"end":13,"readable":10},{"partition":1,"begin":0,"end":0,"readable":0}],)"
          R"("latest":"0:9,1:-"})"
          "\n");
  transactional.commit();
}

TEST_F(Topics, AppearAndDisappearWithKafkas) {
  const auto topic = make_topic();
  EXPECT_NE(get("/topics").body.find(R"("name":")" + topic + "\""), std::string::npos);
  admin.delete_topic(topic);
  EXPECT_TRUE(eventually([&] {
    return get("/topics/" + topic).status == 404 && get("/topics").body.find("\"" + topic + "\"") == std::string::npos;
  }));
}

TEST_F(Topics, MadeAMomentAgoAreServedAtOnce) {
  const TailgateProcess running{{.kafka = shared_kafka()}};  // it has read its metadata
  for (int i = 0; i < 2; ++i) {
    const auto asked = unique_name("fresh");
    admin.create_topic(asked);
    EXPECT_EQ(fetch({.url = running.url("/topics/" + asked)}).status, 200);

    const auto streamed = unique_name("fresh");
    admin.create_topic(streamed, {.partitions = 2});
    producer.send(streamed, 1, numbered(2));
    const auto response = fetch({.url = running.url("/streams/" + streamed + "/1?from=earliest&until=now")});
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(messages_of(events_of(response.body)), (std::vector<std::string>{number(0), number(1)}));
  }
}

TEST_F(Topics, ThatDoNotExistCostKafkaOneQuestionASecond) {
  constexpr int kClients = 16;
  constexpr int kAsks = 100;
  const TailgateProcess flooded{{.kafka = shared_kafka()}};
  const auto reads = [&flooded] { return flooded.metric("tailgate_topics_reads_total").value_or(-1); };
  const auto name = unique_name("nothing");
  const double before = reads();
  const auto begun = Clock::now();
  std::atomic<int> refused{0};
  std::vector<std::jthread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      std::string batch;
      for (int i = 0; i < kAsks; ++i) {
        batch += "GET /streams/" + name + "-" + std::to_string(client * kAsks + i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
      }
      RawConnection connection{flooded.port()};
      EXPECT_TRUE(connection.write(batch));
      for (int i = 0; i < kAsks && connection.read_response().status == 404; ++i) ++refused;
    });
  }
  clients.clear();
  const auto seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  EXPECT_EQ(refused, kClients * kAsks);
  EXPECT_LE(reads() - before, 2 * seconds + 7) << "five in a row, one a second, and those that are made anyway";
}

TEST_F(Topics, HavePublicNames) {
  const auto internal = admin.make_topic("internal");
  producer.send(internal, 0, numbered(2));
  TailgateProcess renaming{{.kafka = shared_kafka(), .topics = "public=" + internal}};
  EXPECT_EQ(fetch({.url = renaming.url("/topics")}).body, R"({"topics":[{"name":"public","partitions":1}]})"
                                                          "\n");
  EXPECT_EQ(fetch({.url = renaming.url("/topics/" + internal)}).status, 404);
  const auto lines = lines_of(fetch({.url = renaming.url("/streams/public?as=ndjson&from=earliest&until=now")}).body);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_STREQ(lines[1]["topic"].GetString(), "public");
}

}  // namespace
}  // namespace tailgate::test
