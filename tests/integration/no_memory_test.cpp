// Memory that runs out. What the manual adds up is enough, whatever clients do; where less is given, a replica that can
// have no more ends at once, and those who read there lose nothing.
//
// Only in builds without sanitizers, whose runtime wants more memory than may be forbidden.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <list>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/ledger_load.h"
#include "tests/support/certificates.h"
#include "tests/support/process.h"
#include "tests/support/raw_connection.h"
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMiB = std::size_t{1} << 20;

// All that a process may write to, its threads' stacks too, whether it has touched it or not: what RLIMIT_DATA limits.
std::size_t data_of(pid_t pid) {
  std::ifstream lines{"/proc/" + std::to_string(pid) + "/status"};
  const std::string name = "VmData:";
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name)) return std::stoul(line.substr(name.size())) * 1024;
  }
  throw std::runtime_error{"nothing is said of the memory of process " + std::to_string(pid)};
}

// From now on the process gets no memory beyond so many bytes; what it has it keeps.
void limit_data(pid_t pid, std::size_t bytes) {
  rlimit limit{};
  if (prlimit(pid, RLIMIT_DATA, nullptr, &limit) != 0) throw std::runtime_error{"no limit"};
  limit.rlim_cur = bytes;
  if (prlimit(pid, RLIMIT_DATA, &limit, nullptr) != 0) throw std::runtime_error{"no limit"};
}

// librdkafka has words of its own.
bool says_at_its_end(const std::string& log) {
  const auto last_line = log.substr(std::min(log.size(), log.rfind('\n', log.size() - 2) + 1));
  return last_line == "tailgate: out of memory, and so at its end\n" ||
         last_line.find("rd_malloc: Assertion `p' failed") != std::string::npos;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream words{text};
  return {std::istream_iterator<std::string>{words}, {}};
}

// How many records came, numbered from 0 on and without one missing, until the response ended.
int numbers_read(const HttpRequest& request) {
  int count = 0;
  bool is_in_order = true;
  ledger::EventStreamParser parser{[&](ledger::ServerEvent& event, bool is_dispatched) {
    if (is_dispatched && event.type.empty()) is_in_order &= std::stoi(event.data) == count++;
  }};
  const auto deadline = in(200s);
  const StreamCallbacks callbacks{[](const HttpResponse&) {},
                                  [&](std::string_view bytes) {
                                    parser.feed(bytes);
                                    return is_in_order;
                                  },
                                  [&] { return Clock::now() > deadline; }};
  std::string reason;
  EXPECT_TRUE(stream(request, callbacks, reason)) << reason;
  return is_in_order ? count : -1;
}

std::string request_of(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: t\r\nAccept: text/event-stream\r\n\r\n";
}

class NoMemory : public StreamTest {
 protected:
  // So many records of 32 KiB, each of which begins with its number.
  void write(const std::string& topic, int count, int first = 0) {
    constexpr int kTogether = 100;
    for (int from = first; from < first + count; from += kTogether) {
      std::vector<NewRecord> records;
      for (int n = from; n < std::min(from + kTogether, first + count); ++n) {
        records.push_back({.value = std::to_string(n) + std::string(32 * 1024, ' ')});
      }
      producer.send(topic, 0, records);
    }
  }
  std::string make_old_topic(int records) {
    const auto topic = admin.make_topic("memory", {.config = {{"retention.ms", "-1"}}});
    write(topic, records);
    return topic;
  }
};

TEST_F(NoMemory, WhatTheManualAddsUpIsEnoughForReadersThatStandStillAndForMoreClientsThanThereMayBe) {
  constexpr int kOld = 6'000;
  constexpr int kNew = 1'500;
  constexpr std::size_t kConnections = 300;
  constexpr int kStreams = 200;
  constexpr int kPolls = 60;
  const auto topic = make_old_topic(kOld);
  const std::string flags =
      "--threads 2 --record-bytes 4MiB --feeds-bytes 4MiB --feed-bytes 1MiB --history-bytes 8MiB --bodies-bytes 4MiB "
      "--max-event-bytes 64KiB --write-stall 10m --first-byte-timeout 10m --heartbeat 1s "
      "--drain 1s --max-connections " +
      std::to_string(kConnections) + " --limit-streams " + std::to_string(kStreams);
  TailgateProcess server{{.kafka = shared_kafka(), .topics = topic, .flags = words_of(flags)}};
  wait_until_known(server, topic);
  EXPECT_TRUE(thread_names(server.pid()).contains("jemalloc_bg_thd")) << "nobody gives memory back";
  // As docs/operations.md has it: what a process has that does nothing, its bounds, its connections, and what the two
  // handles for history may have fetched. What is written here is more.
  const std::size_t bounds = (4 + 4 + 8 + 4) * kMiB;
  const std::size_t fetched = 2 * (64 + 8) * kMiB;
  limit_data(server.pid(), data_of(server.pid()) + bounds + kConnections * 20'000 + fetched);

  const std::string path = "/streams/" + topic;
  // Answers of 1 MiB that nobody takes: some have room, the others are refused.
  std::list<RawConnection> polls;
  for (int i = 0; i < kPolls; ++i) {
    polls.emplace_back(server.port(), RawConnection::Options{.receive_buffer = 4096, .from = 2});
    polls.back().write(request_of(path + "?as=json&from=earliest"));
  }
  ASSERT_TRUE(eventually([&] { return server.metric(R"(tailgate_errors_total{code="overloaded"})") > 0; }));
  EXPECT_GT(server.metric("tailgate_bodies_bytes"), kMiB);
  EXPECT_LE(server.metric("tailgate_bodies_bytes"), 4 * kMiB);
  ASSERT_TRUE(eventually([&] { return server.metric("tailgate_limit_slots") == 0; }));
  std::list<RawConnection> stalled;
  for (int i = 0; i < kStreams; ++i) {
    stalled.emplace_back(server.port(), RawConnection::Options{.receive_buffer = 4096, .from = 2});
    stalled.back().write(request_of(path + "?from=-" + std::to_string(1 + i * (kOld / kStreams))));
  }
  ASSERT_TRUE(eventually([&] { return server.metric("tailgate_limit_slots") == kStreams; }));
  RawConnection one_stream_more{server.port(), {.from = 2}};
  one_stream_more.write(request_of(path));
  EXPECT_NE(one_stream_more.read_response().body.find("too_many_streams"), std::string::npos);

  const auto all = server.url(path + "?from=earliest&limit=" + std::to_string(kOld + kNew));
  auto by_h1 = std::async(std::launch::async, numbers_read, HttpRequest{.url = all});
  auto by_h2 = std::async(std::launch::async, numbers_read, HttpRequest{.url = all, .version = HttpVersion::h2c});
  write(topic, kNew, kOld);
  std::list<RawConnection> idle;
  while (server.metric("tailgate_connections_admitted") < kConnections) idle.emplace_back(server.port());
  RawConnection one_more{server.port()};
  one_more.write(request_of(path + "?soft=0"));
  EXPECT_EQ(one_more.read_response().status, 503);

  EXPECT_EQ(by_h1.get(), kOld + kNew);
  EXPECT_EQ(by_h2.get(), kOld + kNew);
  ASSERT_TRUE(server.is_running()) << server.log();
  EXPECT_EQ(server.metric("tailgate_limit_slots"), kStreams) << "nobody was cut to make room";
  EXPECT_EQ(server.stop(), 0) << server.log();
}

// Clients whose memory a server that ends has to have, each at its own place: what the history thread and librdkafka
// take, what the tails take, and what connections cost in this code, in libnghttp2 and in OpenSSL.
class Hungry {
 public:
  explicit Hungry(TailgateProcess& server) : server_{server} {}

  void read(const std::string& target) { readers_.emplace_back(HttpRequest{.url = server_.url(target)}); }
  // Until it takes no more.
  void connect(int port, const std::string& first_bytes) {
    try {
      while (server_.is_running()) {
        connections_.emplace_back(port);
        connections_.back().write(first_bytes);
      }
    } catch (const std::runtime_error&) {  // refused: it ended a moment ago
    }
  }

 private:
  TailgateProcess& server_;
  std::list<SseClient> readers_;
  std::list<RawConnection> connections_;
};

TEST_F(NoMemory, AReplicaThatCanHaveNoMoreEndsAtOnceAndItsClientsMissNothing) {
  const auto seed = seed_of_run();
  RecordProperty("seed", std::to_string(seed));
  const auto old = make_old_topic(1'500);
  const auto fresh = make_old_topic(0);
  const auto topic = admin.make_topic("ledger", {.partitions = kPartitions});
  const auto other = admin.make_topic("other", {.partitions = kOtherPartitions});
  CertificateAuthority authority;
  const TailgateOptions options{.kafka = shared_kafka(),
                                .topics = old + "," + fresh + "," + topic + "," + other,
                                .flags = {"--heartbeat", "2s", "--retry", "100ms", "--threads", "2"},
                                .authority = &authority};
  TailgateProcess starved{options};
  TailgateProcess survivor{options};
  for (TailgateProcess* const replica : {&starved, &survivor}) {
    for (const auto& name : {old, fresh, topic, other}) wait_until_known(*replica, name);
  }

  Timeline timeline;
  ledger::Rules rules;
  rules.silence_max_us = 12'000'000;
  ledger::Truth truth;
  Writers writers{shared_kafka(), topic, other, seed, truth, {.has_transactions = false, .deletes_old = false}};
  ledger::Ledger book;
  for (int i = 0; i < 42; ++i) book.add_client(plan_of(i, topic, other));
  for (int i = 0; i < 3; ++i) book.add_client(plan_of_witness(i, topic, other));
  ledger::SwarmSettings settings{.seed = seed, .ports = {}};
  for (const TailgateProcess* const replica : {&starved, &survivor}) {
    settings.ports.push_back(static_cast<std::uint16_t>(replica->port()));
  }
  ledger::Swarm swarm{book, settings};
  const auto wait_for_traffic = [&] {
    const auto enough = swarm.cuts() + 200;
    EXPECT_TRUE(eventually([&] { return swarm.cuts() >= enough; }, in(60s)));
  };

  const std::string h2_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string("\0\0\0\4\0\0\0\0\0", 9);
  const std::vector<std::pair<std::string, std::function<void(Hungry&)>>> hungers{
      {"history", [&](Hungry& clients) { clients.read("/streams/" + old + "?from=earliest"); }},
      {"the tails",
       [&](Hungry& clients) {
         clients.read("/streams/" + fresh);
         for (int n = 0; n < 20 && starved.is_running(); ++n) write(fresh, 100);
       }},
      {"HTTP/1.1", [&](Hungry& clients) { clients.connect(starved.port(), request_of("/streams/" + fresh)); }},
      {"HTTP/2", [&](Hungry& clients) { clients.connect(starved.port(), h2_preface); }},
      {"TLS", [&](Hungry& clients) { clients.connect(starved.tls_port(), "\x16\3\1"); }},
  };
  for (const auto& [what, feed] : hungers) {
    wait_for_traffic();
    timeline.note("no more memory, for " + what);
    const auto from_us = ledger::now_us();
    limit_data(starved.pid(), 1);
    Hungry clients{starved};
    feed(clients);
    EXPECT_EQ(starved.wait(), 128 + SIGABRT) << what;
    EXPECT_TRUE(says_at_its_end(starved.log())) << what << ":\n" << starved.log();
    EXPECT_TRUE(survivor.is_running());
    wait_for_traffic();
    rules.progress.push_back({from_us, ledger::now_us(), 10'000'000});
    timeline.note("it is started again");
    starved.restart();
  }
  wait_for_traffic();
  ASSERT_NO_FATAL_FAILURE(
      expect_everything_seen_once({shared_kafka(), seed, writers, truth, book, swarm, timeline}, rules));
  EXPECT_GT(writers.produced(), 1'000U);
}

}  // namespace
}  // namespace tailgate::test
