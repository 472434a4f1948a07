// A Kafka that is reached through SASL_SSL (SCRAM-SHA-512, an own authority, host names checked), has rules of access,
// and refuses who does not know the password. tests/CMakeLists.txt puts all the other tests of streams into this
// program: its server is behind the same listener.
#include <cstdlib>

#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

// Before the shared Kafka is first asked for.
const bool is_secured = ::setenv("TAILGATE_TEST_KAFKA_SECURITY", "SASL_SSL", 1) == 0;

std::size_t count_in(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

class StreamSecured : public StreamTest {};

TEST_F(StreamSecured, TopicsThatMayNotBeReadLookLikeOnesThatDoNotExist) {
  const auto stem = unique_name("rules");
  for (const auto* name : {".open", ".denied", ".seen"}) admin.create_topic(stem + name);
  admin.deny(stem + ".denied", kSecureUser);
  admin.let_describe_only(stem + ".seen", kSecureUser);
  producer.send(stem + ".open", 0, numbered(2));
  producer.send(stem + ".seen", 0, numbered(2));

  // By name: what may not be described Kafka leaves out where all topics are asked for.
  TailgateProcess ruled{{.kafka = shared_kafka(), .topics = stem + ".open," + stem + ".denied," + stem + ".seen"}};

  ASSERT_EQ(fetch({.url = ruled.url("/streams/" + stem + ".open?from=earliest&until=now")}).status, 200);
  EXPECT_EQ(fetch({.url = ruled.url("/topics")}).body, R"({"topics":[{"name":")" + stem +
                                                           R"(.open","partitions":1}]})"
                                                           "\n");
  for (const std::string path : {"/streams/", "/topics/"}) {
    const auto none = fetch({.url = ruled.url(path + stem + ".none")});
    EXPECT_EQ(none.status, 404);
    for (const auto* name : {".denied", ".seen"}) {
      const auto refused = fetch({.url = ruled.url(path + stem + name)});
      EXPECT_EQ(refused.status, 404) << path << name;
      EXPECT_EQ(refused.body, none.body) << path << name;
    }
  }
  EXPECT_EQ(ruled.metric("tailgate_topics_denied"), 2);
}

// Whether a topic is compacted is a right of its own to know.
TEST_F(StreamSecured, WithoutDescribeConfigsRangesAreReadAndNotKept) {
  const auto stem = unique_name("configs");
  for (const auto* name : {".open", ".ruled"}) {
    admin.create_topic(stem + name);
    producer.send(stem + name, 0, numbered(3));
  }
  admin.let_read_only(stem + ".ruled", kSecureUser);
  TailgateProcess ruled{{.kafka = shared_kafka(), .topics = stem + ".*"}};
  const auto ask = [&](const std::string& name) {
    const auto answer = fetch({.url = ruled.url("/streams/" + stem + name + "?as=json&from=0:-&until=0:2")});
    EXPECT_EQ(json_of(answer.body)["records"].Size(), 3U) << answer.body;
    return answer.headers.at("cache-control");
  };
  EXPECT_TRUE(eventually([&] { return ask(".open").starts_with("public"); }));
  EXPECT_EQ(ask(".ruled"), "no-store, no-transform");
}

TEST_F(StreamSecured, WrongCredentialsAreOneClearLineAnUnreadyReplicaAndNoStorm) {
  const auto failures = [] { return count_in(shared_kafka_log(), "Failed authentication"); };
  const auto before = failures();
  TailgateProcess refused{{.kafka = shared_kafka(),
                           .flags = {"--librdkafka", "sasl.password=not-" + std::string{kSecurePassword}},
                           .wait_until_ready = false}};
  const auto started = Clock::now();

  // Enough for a storm to be one.
  ASSERT_TRUE(eventually([&] { return failures() >= before + 20; }, in(std::chrono::seconds{60})));
  const auto seconds = std::chrono::duration<double>(Clock::now() - started).count();

  // Each of a replica's handles comes back at most every two seconds once it has been refused a few times.
  EXPECT_LT(static_cast<double>(failures() - before), 20 + 5 * seconds);
  EXPECT_FALSE(refused.is_ready());
  const auto log = refused.log();
  EXPECT_EQ(count_in(log, "the brokers refuse the credentials"), 1U) << log;
  EXPECT_LT(count_in(log, "\n"), 12U) << log;
  EXPECT_EQ(log.find(kSecurePassword), std::string::npos);
  EXPECT_GT(refused.metric(R"(tailgate_kafka_errors_total{kind="authentication"})").value_or(0), 0);
  EXPECT_EQ(fetch({.url = refused.admin_url("/livez")}).status, 200);
  const auto soft = fetch({.url = refused.url("/streams/any"), .headers = {"Accept: text/event-stream"}});
  EXPECT_EQ(soft.status, 200);
  EXPECT_EQ(outline(events_of(soft.body)), "busy:");
}

}  // namespace
}  // namespace tailgate::test
