// What deploy/ and docs/operations.md say of metrics is what the binary has.
#include <regex>
#include <set>

#include "tests/support/redis_server.h"
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

std::set<std::string> found(const std::string& text, const char* pattern) {
  const std::regex regex{pattern};
  std::set<std::string> all;
  for (std::sregex_iterator it{text.begin(), text.end(), regex}, end; it != end; ++it) {
    for (std::size_t group = 1; group < it->size(); ++group) {
      if ((*it)[group].matched) all.insert((*it)[group].str());
    }
  }
  return all;
}

std::string source(const std::string& path) { return read_file(std::string{TAILGATE_SOURCE_DIR} + "/" + path); }

class Deploy : public StreamTest {
 protected:
  // The page of a server on which everything has happened that makes a metric appear.
  std::string metrics() {
    const auto topic = admin.make_topic("measured");
    TailgateProcess replica{
        {.kafka = shared_kafka(),
         .topics = topic,
         .flags = {"--redis", redis.url(), "--limit-requests", "100/200", "--limit-streams", "20"}}};
    producer.send(topic, 0, numbered(1));
    EXPECT_EQ(fetch({.url = replica.url("/streams/" + topic + "?from=earliest&limit=1")}).status, 200);
    EXPECT_EQ(fetch({.url = replica.url("/streams/" + topic + "?nonsense=1")}).status, 400);
    return fetch({.url = replica.admin_url("/metrics")}).body;
  }

  RedisServer redis;
};

TEST_F(Deploy, DashboardAlertsAndDocumentsNameMetricsThatTheBinaryHas) {
  const auto page = metrics();
  auto known = found(page, "# TYPE ([a-z_]+) ");
  for (const auto& name : found(page, "# TYPE ([a-z_]+) histogram")) {
    for (const char* suffix : {"_bucket", "_sum", "_count"}) known.insert(name + suffix);
  }
  ASSERT_GT(known.size(), 40U);
  for (const std::string path :
       {"deploy/grafana-dashboard.json", "deploy/prometheus-alerts.yaml", "docs/operations.md"}) {
    const auto named = found(source(path), "\\b(tailgate_[a-z_]+|process_[a-z_]+)\\b(?!`? labels)");
    EXPECT_GT(named.size(), 8U) << path;
    for (const auto& name : named) EXPECT_TRUE(known.contains(name)) << path << " names " << name;
  }
}

TEST_F(Deploy, DashboardAndAlertsUseLabelsThatTheBinaryHas) {
  auto known = found(metrics(), "[{,]([a-z_]+)=\"");
  known.insert({"instance", "job"});  // Prometheus' own
  for (const std::string path : {"deploy/grafana-dashboard.json", "deploy/prometheus-alerts.yaml"}) {
    const auto text = source(path);
    for (const auto& label : found(text, "[{,]([a-z_]+)(?:=|=~|!=)\\\\?\"")) {
      EXPECT_TRUE(known.contains(label)) << path << " names " << label;
    }
    for (const auto& labels : found(text, "by \\(([a-z_, ]+)\\)")) {
      for (const auto& label : found(labels, "([a-z_]+)")) {
        EXPECT_TRUE(known.contains(label)) << path << " sums by " << label;
      }
    }
  }
}

}  // namespace
}  // namespace tailgate::test
