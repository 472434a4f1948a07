// Clients that others wrote, each with the server killed and started again in the middle: nothing lost, nothing twice.
#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <thread>

#include "tests/ledger/cutting_proxy.h"
#include "tests/ledger/event_stream.h"
#include "tests/support/certificates.h"
#include "tests/support/kafka_admin.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/process.h"
#include "tests/support/producer.h"
#include "tests/support/raw_connection.h"
#include "tests/support/tailgate_process.h"
#include "tests/support/temp_dir.h"

namespace tailgate {
namespace {

using namespace std::chrono_literals;

constexpr int kPartitions = 3;

struct ClientEvent {
  int source = 0;
  std::string type;
  std::string id;
  std::string data;
};

const std::string kClientsFolder = std::string{TAILGATE_SOURCE_DIR} + "/tests/clients";

const std::string& packages() {
  static const std::string folder = [] {
    auto printed = test::run({kClientsFolder + "/install"});
    while (printed.ends_with('\n')) printed.pop_back();
    return printed.substr(printed.rfind('\n') + 1);
  }();
  return folder;
}

// A client in a process of its own, that comes back by itself or is made to.
class OtherClient {
 public:
  virtual ~OtherClient() = default;
  virtual void start(const std::vector<std::string>& urls) = 0;
  virtual std::vector<ClientEvent> events() = 0;
  // The server is there again.
  virtual void come_back() {}
};

// One that prints a line of JSON an event, and reconnects by itself.
class PrintingClient final : public OtherClient {
 public:
  explicit PrintingClient(std::vector<std::string> command) : command_{std::move(command)} {}

  void start(const std::vector<std::string>& urls) override {
    auto command = command_;
    command.insert(command.end(), urls.begin(), urls.end());
    process_ = std::make_unique<test::Process>(command, folder_ / "events");
  }

  std::vector<ClientEvent> events() override {
    std::vector<ClientEvent> events;
    const auto text = test::read_file(folder_ / "events");
    std::size_t begin = 0;
    for (auto end = text.find('\n'); end != std::string::npos; begin = end + 1, end = text.find('\n', begin)) {
      rapidjson::Document line;
      line.Parse(text.data() + begin, end - begin);
      if (line.HasParseError() || !line.IsObject()) {
        ADD_FAILURE() << "the client says: " << text.substr(begin);
        break;
      }
      events.push_back(
          {line["source"].GetInt(), line["type"].GetString(), line["id"].GetString(), line["data"].GetString()});
    }
    return events;
  }

 private:
  std::vector<std::string> command_;
  test::TempDir folder_;
  std::unique_ptr<test::Process> process_;
};

// curl prints the stream itself, and comes back with the id of the last whole event.
class CurlClient final : public OtherClient {
 public:
  explicit CurlClient(std::vector<std::string> options) : options_{std::move(options)} {}

  void start(const std::vector<std::string>& urls) override {
    url_ = urls.at(0);
    launch("");
  }

  std::vector<ClientEvent> events() override {
    auto events = past_;
    auto [now, last_id] = read();
    events.insert(events.end(), now.begin(), now.end());
    return events;
  }

  void come_back() override {
    ASSERT_TRUE(process_->wait()) << "curl did not notice that the server has gone";
    const auto [now, last_id] = read();
    past_.insert(past_.end(), now.begin(), now.end());
    if (!last_id.empty()) last_id_ = last_id;
    launch(last_id_);
  }

 private:
  void launch(const std::string& last_id) {
    std::vector<std::string> command{"curl", "--silent", "--no-buffer", "--header", "Accept: text/event-stream"};
    command.insert(command.end(), options_.begin(), options_.end());
    if (!last_id.empty()) command.insert(command.end(), {"--header", "Last-Event-ID: " + last_id});
    command.push_back(url_);
    output_ = folder_ / std::to_string(++runs_);
    process_ = std::make_unique<test::Process>(command, output_);
  }

  std::pair<std::vector<ClientEvent>, std::string> read() const {
    std::vector<ClientEvent> events;
    std::string last_id;
    ledger::EventStreamParser parser{[&](ledger::ServerEvent& block, bool is_dispatched) {
      last_id = block.last_event_id;
      if (is_dispatched)
        events.push_back({0, block.type.empty() ? "message" : block.type, block.last_event_id, block.data});
    }};
    parser.feed(test::read_file(output_));
    return {events, last_id};
  }

  std::vector<std::string> options_;
  test::TempDir folder_;
  std::string url_;
  std::filesystem::path output_;
  std::unique_ptr<test::Process> process_;
  std::vector<ClientEvent> past_;
  std::string last_id_;
  int runs_ = 0;
};

std::unique_ptr<OtherClient> library(const std::string& name) {
  return std::make_unique<PrintingClient>(
      std::vector<std::string>{"node", kClientsFolder + "/sources.cjs", packages(), name});
}

std::unique_ptr<OtherClient> sseclient_py() {
  return std::make_unique<PrintingClient>(
      std::vector<std::string>{packages() + "/venv/bin/python", kClientsFolder + "/sseclient_source.py"});
}

// Numbered records, a few at a time, round the partitions: {"partition":0,"n":17}.
class NumberedRecords {
 public:
  explicit NumberedRecords(std::string topic) : topic_{std::move(topic)}, producer_{test::shared_kafka()} {}
  void send(int count) {
    for (int i = 0; i < count; ++i) {
      const auto partition = total_ % kPartitions;
      producer_.send(
          topic_, partition,
          {.value = R"({"partition":)" + std::to_string(partition) + R"(,"n":)" + std::to_string(total_) + "}"});
      ++total_;
    }
  }
  int total() const { return total_; }

  // "" when `events` are all of them from `first` on, once each, in the order of each partition; else what is wrong.
  std::string difference(const std::vector<ClientEvent>& events, int first) const {
    std::map<int, int> next;
    for (int partition = 0; partition < kPartitions; ++partition) {
      next[partition] = first + (partition - first % kPartitions + kPartitions) % kPartitions;
    }
    for (const auto& event : events) {
      if (event.type != "message") continue;
      rapidjson::Document record;
      record.Parse(event.data.c_str());
      const auto n = record["n"].GetInt();
      auto& expected = next[record["partition"].GetInt()];
      if (n != expected) return "came: " + std::to_string(n) + ", expected: " + std::to_string(expected);
      expected += kPartitions;
    }
    for (const auto& [partition, n] : next) {
      if (n < total_) return "did not come: " + std::to_string(n);
    }
    return "";
  }

 private:
  std::string topic_;
  test::Producer producer_;
  std::atomic<int> total_{0};
};

std::size_t messages(const std::vector<ClientEvent>& events) {
  return static_cast<std::size_t>(std::ranges::count(events, "message", &ClientEvent::type));
}

class OtherClients : public testing::Test {
 protected:
  OtherClients()
      : admin_{test::shared_kafka()},
        topic_{admin_.make_topic("clients", {.partitions = kPartitions})},
        records_{topic_},
        server_{{.kafka = test::shared_kafka(),
                 .topics = topic_,
                 .flags = {"--retry", "100ms", "--heartbeat", "1s"},
                 .authority = &authority_}} {}

  std::string path(const std::string& query) const { return "/streams/" + topic_ + query; }

  void survive_two_kills(OtherClient& client, const std::string& url) {
    records_.send(50);
    client.start({url});
    std::atomic<bool> is_over{false};
    std::thread writer{[&] {
      while (!is_over) records_.send(10);
    }};
    for (int kills = 0; kills < 2; ++kills) {
      const auto seen = messages(client.events());
      EXPECT_TRUE(test::eventually([&] { return messages(client.events()) >= seen + 60; }));
      server_.kill_hard();
      const auto written = records_.total();
      EXPECT_TRUE(test::eventually([&] { return records_.total() >= written + 60; }));
      server_.restart();
      client.come_back();
    }
    is_over = true;
    writer.join();
    EXPECT_TRUE(
        test::eventually([&] { return messages(client.events()) >= static_cast<std::size_t>(records_.total()); }));
    EXPECT_EQ(records_.difference(client.events(), 0), "");
  }

  void miss_nothing_after_a_cut_before_the_first_record(OtherClient& client, const std::string& url) {
    records_.send(20);
    const auto before = records_.total();
    client.start({url});
    const auto is_connected = [&] { return std::ranges::count(client.events(), "position", &ClientEvent::type) > 0; };
    EXPECT_TRUE(test::eventually(is_connected));
    server_.kill_hard();
    records_.send(30);
    server_.restart();
    client.come_back();
    EXPECT_TRUE(test::eventually([&] { return messages(client.events()) >= 30; }));
    EXPECT_EQ(records_.difference(client.events(), before), "");
  }

  struct Cuts {
    std::vector<std::string> hurting;
    std::vector<std::string> behind_id_lines;
  };

  // Cuts the first connection behind every byte of a stream's first three events; what both connections give has to be
  // all. Returns the line that had come last: of each cut at which a record was missing or came twice, and of each that
  // fell between a record's id line and its empty line.
  Cuts cut_everywhere(OtherClient& client) {
    test::Producer producer{test::shared_kafka()};
    // Whoever has the fourth has got all that it will get.
    const std::vector<std::string> values{R"({"n":0})", "two\nlines", R"({"n":2})", "last"};
    for (const auto& value : values) producer.send(topic_, 0, {.value = value});
    const ledger::CuttingProxy proxy{server_.port()};
    const auto target = "/streams/" + topic_ + "/0?from=earliest&_cut=";

    test::RawConnection whole{server_.port()};
    whole.write("GET " + target +
                "9999 HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nConnection: keep-alive\r\n\r\n");
    const auto bytes = whole.read_until("id: 2\n\n");

    std::vector<std::string> urls;
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      urls.push_back("http://127.0.0.1:" + std::to_string(proxy.port()) + target + std::to_string(cut));
    }
    client.start(urls);
    const auto seen = [&] {
      std::vector<std::vector<std::string>> data(urls.size());
      for (const auto& event : client.events()) {
        if (event.type == "message") data[static_cast<std::size_t>(event.source)].push_back(event.data);
      }
      return data;
    };
    const auto all_are_through = [&] {
      return std::ranges::all_of(seen(),
                                 [&](const auto& data) { return !data.empty() && data.back() == values.back(); });
    };
    EXPECT_TRUE(test::eventually(all_are_through));
    Cuts cuts;
    const auto data = seen();
    for (std::size_t cut = 0; cut < data.size(); ++cut) {
      // Not `bytes`: how many chunks the same events are sent in is up to how fast they are read from Kafka.
      const auto sent = proxy.sent_before(cut);
      EXPECT_EQ(sent.size(), cut);
      const auto last_line = sent.substr(sent.rfind('\n', cut >= 2 ? cut - 2 : 0) + 1);
      if (data[cut] != values) cuts.hurting.push_back(last_line);
      if (is_id_line(last_line)) cuts.behind_id_lines.push_back(last_line);
    }
    return cuts;
  }

  static bool is_id_line(const std::string& line) {
    return line == "id: 0\n" || line == "id: 1\n" || line == "id: 2\n";
  }

  test::CertificateAuthority authority_;
  test::KafkaAdmin admin_;
  std::string topic_;
  NumberedRecords records_;
  test::TailgateProcess server_;
};

TEST_F(OtherClients, EventSourceOfNpmSurvivesTwoKills) {
  survive_two_kills(*library("eventsource"), server_.url(path("?from=earliest")));
}
TEST_F(OtherClients, TheOlderEventSourceOfNpmSurvivesTwoKills) {
  survive_two_kills(*library("eventsource2"), server_.url(path("?from=earliest")));
}
TEST_F(OtherClients, FetchEventSourceSurvivesTwoKills) {
  survive_two_kills(*library("fetch-event-source"), server_.url(path("?from=earliest")));
}
TEST_F(OtherClients, SseclientOfPythonSurvivesTwoKills) {
  survive_two_kills(*sseclient_py(), server_.url(path("?from=earliest")));
}
TEST_F(OtherClients, CurlOverHttp1SurvivesTwoKills) {
  CurlClient curl{{"--http1.1"}};
  survive_two_kills(curl, server_.url(path("?from=earliest")));
}
TEST_F(OtherClients, CurlOverCleartextHttp2SurvivesTwoKills) {
  CurlClient curl{{"--http2-prior-knowledge"}};
  survive_two_kills(curl, server_.url(path("?from=earliest")));
}
TEST_F(OtherClients, CurlOverHttp2WithTlsSurvivesTwoKills) {
  CurlClient curl{{"--http2", "--cacert", authority_.ca_file()}};
  survive_two_kills(curl, server_.tls_url(path("?from=earliest")));
}

TEST_F(OtherClients, EventSourceOfNpmMissesNothingAfterACutBeforeTheFirstRecord) {
  miss_nothing_after_a_cut_before_the_first_record(*library("eventsource"), server_.url(path("")));
}
TEST_F(OtherClients, TheOlderEventSourceOfNpmMissesNothingAfterACutBeforeTheFirstRecord) {
  miss_nothing_after_a_cut_before_the_first_record(*library("eventsource2"), server_.url(path("")));
}
TEST_F(OtherClients, FetchEventSourceMissesNothingAfterACutBeforeTheFirstRecord) {
  miss_nothing_after_a_cut_before_the_first_record(*library("fetch-event-source"), server_.url(path("")));
}
TEST_F(OtherClients, SseclientOfPythonMissesNothingAfterACutBeforeTheFirstRecord) {
  miss_nothing_after_a_cut_before_the_first_record(*sseclient_py(), server_.url(path("")));
}
TEST_F(OtherClients, CurlMissesNothingAfterACutBeforeTheFirstRecord) {
  CurlClient curl{{}};
  miss_nothing_after_a_cut_before_the_first_record(curl, server_.url(path("")));
}

TEST_F(OtherClients, EventSourceOfNpmHasAllWhereverItIsCut) {
  EXPECT_EQ(cut_everywhere(*library("eventsource")).hurting, std::vector<std::string>{});
}

// These two take an id when its line is parsed: what is cut between that line's end and the empty line is lost to them.
// It is one byte an event, which the server never sends apart.
TEST_F(OtherClients, TheOlderEventSourceOfNpmIsOnlyHurtByACutBetweenAnIdLineAndItsEmptyLine) {
  const auto cuts = cut_everywhere(*library("eventsource2"));
  EXPECT_FALSE(cuts.behind_id_lines.empty());
  EXPECT_EQ(cuts.hurting, cuts.behind_id_lines);
}
TEST_F(OtherClients, FetchEventSourceIsOnlyHurtByACutBetweenAnIdLineAndItsEmptyLine) {
  const auto cuts = cut_everywhere(*library("fetch-event-source"));
  EXPECT_FALSE(cuts.behind_id_lines.empty());
  EXPECT_EQ(cuts.hurting, cuts.behind_id_lines);
}

}  // namespace
}  // namespace tailgate
