#include "tests/support/stream_fixture.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace tailgate::test {

std::string number(int n) { return R"({"n":)" + std::to_string(n) + "}"; }

std::vector<NewRecord> numbered(int count, int first) {
  std::vector<NewRecord> records;
  for (int n = first; n < first + count; ++n) records.push_back({.value = number(n)});
  return records;
}

std::vector<SseEvent> events_of(std::string_view body) {
  std::vector<SseEvent> events;
  ledger::EventStreamParser parser{[&](ledger::ServerEvent& block, bool is_dispatched) {
    if (is_dispatched) events.push_back({block.type.empty() ? "message" : block.type, block.data, block.last_event_id});
  }};
  parser.feed(body);
  return events;
}

std::string last_id_of(std::string_view body) {
  std::string id;
  ledger::EventStreamParser parser{[&](ledger::ServerEvent& block, bool) { id = block.last_event_id; }};
  parser.feed(body);
  return id;
}

std::vector<std::string> messages_of(const std::vector<SseEvent>& events) {
  std::vector<std::string> data;
  for (const auto& event : events) {
    if (event.type == "message") data.push_back(event.data);
  }
  return data;
}

std::size_t count_of(const std::vector<SseEvent>& events, const std::string& type) {
  return static_cast<std::size_t>(std::ranges::count(events, type, &SseEvent::type));
}

std::string body_until(const HttpRequest& request, const std::function<bool(const std::string&)>& is_enough) {
  std::string body;
  const auto deadline = in(kPatience);
  const StreamCallbacks callbacks{[](const HttpResponse&) {},
                                  [&](std::string_view bytes) {
                                    body += bytes;
                                    return !is_enough(body);
                                  },
                                  [&] { return Clock::now() > deadline; }};
  std::string reason;
  static_cast<void>(stream(request, callbacks, reason));  // it is cut by this side
  return body;
}

std::string outline(const std::vector<SseEvent>& events) {
  std::string text;
  for (const auto& event : events) text += (text.empty() ? "" : " ") + event.type + ":" + event.id;
  return text;
}

rapidjson::Document json_of(std::string_view text) {
  rapidjson::Document document;
  document.Parse(text.data(), text.size());
  EXPECT_FALSE(document.HasParseError()) << text;
  return document;
}

std::vector<rapidjson::Document> lines_of(std::string_view body) {
  std::vector<rapidjson::Document> lines;
  for (auto end = body.find('\n'); end != std::string_view::npos; end = body.find('\n')) {
    lines.push_back(json_of(body.substr(0, end)));
    body.remove_prefix(end + 1);
  }
  EXPECT_EQ(body, "") << "a line without its end";
  return lines;
}

std::string text_of(const rapidjson::Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

namespace {

// Secured, all programs run as one (tests/CMakeLists.txt).
std::size_t stock_size() { return is_shared_kafka_secured() ? 60 : 14; }

const std::map<std::string, std::string> kNoRetention{{"retention.ms", "-1"}};

}  // namespace

StreamTest::StreamTest() : admin{shared_kafka()}, producer{shared_kafka()} {}

std::vector<std::string>& StreamTest::stock(int partitions) {
  static std::map<int, std::vector<std::string>> stocks = [] {
    std::map<int, std::vector<std::string>> made;
    for (const int each : {1, 2}) {
      while (made[each].size() < stock_size()) made[each].push_back(unique_name("stream"));
      KafkaAdmin{shared_kafka()}.create_topics(made[each], {.partitions = each, .config = kNoRetention});
    }
    return made;
  }();
  return stocks[partitions];
}

TailgateProcess& StreamTest::server() {
  stock(1);
  static TailgateProcess process{{.kafka = shared_kafka(), .flags = {"--heartbeat", "1s", "--retry", "100ms"}}};
  return process;
}

std::string StreamTest::make_topic(const TopicOptions& options) {
  auto& topics = stock(options.partitions);
  if (options.config.empty() && options.replication == 1 && !topics.empty()) {
    auto topic = std::move(topics.back());
    topics.pop_back();
    wait_until_known(server(), topic);
    return topic;
  }
  auto with_defaults = options;
  with_defaults.config.insert(kNoRetention.begin(), kNoRetention.end());
  auto topic = admin.make_topic("stream", with_defaults);
  wait_until_known(server(), topic);
  return topic;
}

void StreamTest::wait_until_known(TailgateProcess& server, const std::string& topic) {
  ASSERT_TRUE(eventually([&] { return fetch({.url = server.url("/topics/" + topic)}).status == 200; })) << server.log();
}

HttpResponse StreamTest::get(const std::string& path, const std::vector<std::string>& headers) {
  return fetch({.url = server().url(path), .headers = headers});
}

std::vector<SseEvent> StreamTest::read(const std::string& path, const std::vector<std::string>& headers) {
  const auto response = get(path, headers);
  EXPECT_EQ(response.status, 200) << path << "\n" << response.body;
  EXPECT_EQ(response.headers.at("content-type").substr(0, 17), "text/event-stream");
  return events_of(response.body);
}

}  // namespace tailgate::test
