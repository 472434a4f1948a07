// GET /topics and GET /topics/{topic}.
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
