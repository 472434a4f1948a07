// What /metrics says, asked of a server that has something to say of each.
#include <algorithm>
#include <sstream>

#include "tests/support/stream_fixture.h"
#include "tests/support/temp_dir.h"

namespace tailgate::test {
namespace {

class Metrics : public StreamTest {
 protected:
  static std::string page() { return fetch({.url = server().admin_url("/metrics")}).body; }
  static double value(const std::string& line) { return server().metric(line).value_or(-1); }
  // The sum of all samples of a name.
  static double sum(const std::string& name) {
    double all = 0;
    std::istringstream lines{page()};
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(name + "{") || line.starts_with(name + " "))
        all += std::strtod(line.c_str() + line.rfind(' '), nullptr);
    }
    return all;
  }
};

// The names of the families of a page, without those of the process that Prometheus's own conventions name.
std::vector<std::string> families_of(const std::string& page) {
  std::vector<std::string> names;
  std::istringstream lines{page};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) names.push_back(line.substr(7, line.find(' ', 7) - 7));
  }
  return names;
}

TEST_F(Metrics, AreAllInTheManual) {
  const auto topic = make_topic();
  const SseClient one{{.url = server().url("/streams/" + topic)}};
  one.wait_for_event("position");
  const auto manual = read_file(TAILGATE_SOURCE_DIR "/docs/operations.md");
  const auto names = families_of(page());
  EXPECT_GT(names.size(), 40U);
  for (const auto& name : names) EXPECT_NE(manual.find("`" + name), std::string::npos) << name;
}

TEST_F(Metrics, CountRecordsAndBytesInAndOutByTopic) {
  const auto first = make_topic();
  const auto second = make_topic();
  const SseClient one{{.url = server().url("/streams/" + first)}};
  const SseClient both{{.url = server().url("/streams/" + first + "," + second)}};
  one.wait_for_event("position");
  both.wait_for_event("position");
  producer.send(first, 0, numbered(5));
  producer.send(second, 0, numbered(3));
  ASSERT_TRUE(one.wait_for_messages(5));
  ASSERT_TRUE(both.wait_for_messages(8));
  EXPECT_EQ(json_of(get("/streams/" + second + "?from=earliest", {"Accept: application/json"}).body)["records"].Size(),
            3);

  const auto of = [](const std::string& name, const std::string& topic) {
    return value("tailgate_topic_" + name + "_total{topic=\"" + topic + "\"}");
  };
  EXPECT_EQ(of("records_in", first), 5);
  EXPECT_EQ(of("records_in", second), 3);
  EXPECT_GE(of("bytes_in", first), 5 * 7);
  EXPECT_EQ(of("records_out", first), 10);
  EXPECT_EQ(of("records_out", second), 6);
  EXPECT_GT(of("bytes_out", first), of("bytes_in", first));
  EXPECT_GE(sum("tailgate_records_in_total"), 8);
  EXPECT_GE(sum("tailgate_records_out_total"), 16);
  EXPECT_GE(sum("tailgate_bytes_out_total"), of("bytes_out", first) + of("bytes_out", second));
}

TEST_F(Metrics, NameAsManyTopicsAsTheyMayAndThenOther) {
  const auto stem = unique_name("named");
  std::vector<std::string> topics;
  for (const auto* name : {"-a", "-b", "-c", "-d"}) topics.push_back(stem + name);
  admin.create_topics(topics, {.partitions = 2});
  TailgateProcess few{{.kafka = shared_kafka(), .topics = stem + "*", .flags = {"--metrics-topics", "3"}}};
  ASSERT_TRUE(eventually([&] { return few.metric("tailgate_topics") == 4; }));
  EXPECT_EQ(few.metric("tailgate_topic_partitions{topic=\"" + stem + "-a\"}"), 2);
  EXPECT_EQ(few.metric("tailgate_topic_partitions{topic=\"other\"}"), 2);
  EXPECT_EQ(few.metric("tailgate_topic_partitions{topic=\"" + stem + "-d\"}"), std::nullopt);
  const SseClient last{{.url = few.url("/streams/" + stem + "-d?from=earliest")}};
  last.wait_for_event("position");
  producer.send(stem + "-d", 0, numbered(2));
  ASSERT_TRUE(last.wait_for_messages(2));
  EXPECT_EQ(few.metric("tailgate_topic_records_out_total{topic=\"other\"}"), 2);
}

TEST_F(Metrics, SayHowManyConnectionsAndStreamsThereAreAndWhereTheyStand) {
  const auto topic = make_topic();
  const auto live = [] { return value(R"(tailgate_streams{representation="sse",state="live"})"); };
  const auto before = live();
  {
    const SseClient one{{.url = server().url("/streams/" + topic)}};
    const SseClient two{{.url = server().url("/streams/" + topic), .version = HttpVersion::h2c}};
    one.wait_for_event("position");
    two.wait_for_event("position");
    EXPECT_TRUE(eventually([&] { return live() == before + 2; })) << page();
    EXPECT_GE(value(R"(tailgate_connections{protocol="h1"})"), 1);
    EXPECT_GE(value(R"(tailgate_connections{protocol="h2"})"), 1);
    EXPECT_GE(value("tailgate_connections_admitted"), 2);
    EXPECT_GE(value("tailgate_requests_open"), 2);
    EXPECT_GE(value("tailgate_tail_partitions"), 1);
  }
  EXPECT_TRUE(eventually([&] { return live() == before; }));
  EXPECT_GE(value(R"(tailgate_requests_total{status="200"})"), 2);
}

TEST_F(Metrics, CountGapsResetsHistoryAndTheDelayOfDelivery) {
  const auto topic = make_topic();
  producer.send(topic, 0, numbered(20));
  admin.delete_records(topic, 0, 10);
  const auto gaps = value("tailgate_gaps_total");
  const auto resets = value("tailgate_resets_total");
  const auto pages = value("tailgate_history_pages_total");
  const auto hits = value("tailgate_history_hits_total");
  for (int i = 0; i < 2; ++i) read("/streams/" + topic + "?until=now", {"Last-Event-ID: 0:3"});
  EXPECT_EQ(value("tailgate_gaps_total"), gaps + 2);
  EXPECT_GT(value("tailgate_history_pages_total"), pages);
  EXPECT_GT(value("tailgate_history_hits_total"), hits);
  EXPECT_GT(value("tailgate_history_bytes"), 0);
  EXPECT_EQ(value("tailgate_history_max_bytes"), 256 << 20);
  EXPECT_EQ(value("tailgate_record_max_bytes"), 256 << 20);
  EXPECT_EQ(value("tailgate_feeds_max_bytes"), 512 << 20);
  EXPECT_EQ(value("tailgate_bodies_max_bytes"), 128 << 20);

  const SseClient beyond{{.url = server().url("/streams/" + topic), .headers = {"Last-Event-ID: 0:1000"}}};
  const SseClient live{{.url = server().url("/streams/" + topic)}};
  live.wait_for_event("position");
  producer.send(topic, 0, numbered(1));
  ASSERT_TRUE(live.wait_for_messages(1));
  EXPECT_GT(value("tailgate_delivery_delay_seconds_count"), 0);
  EXPECT_GT(value("tailgate_record_bytes"), 0);
  EXPECT_GT(value("tailgate_feeds_bytes"), 0);
  EXPECT_EQ(beyond.wait_for_event("reset").type, "reset");
  EXPECT_EQ(value("tailgate_resets_total"), resets + 1);
}

TEST_F(Metrics, CountErrorsByKind) {
  const auto before = std::max(value(R"(tailgate_errors_total{code="not_found"})"), 0.0);
  EXPECT_EQ(get("/nothing").status, 404);
  EXPECT_EQ(value(R"(tailgate_errors_total{code="not_found"})"), before + 1);
  const auto refused = value(R"(tailgate_http_events_total{event="bad_h1_framing"})");
  RawConnection bad{server().port()};
  EXPECT_TRUE(bad.write("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"));
  EXPECT_TRUE(
      eventually([&] { return value(R"(tailgate_http_events_total{event="bad_h1_framing"})") == refused + 1; }));
}

}  // namespace
}  // namespace tailgate::test
