// SIGTERM on the real binary: who is sent elsewhere, how, in which order, and that nothing is missing afterwards.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <memory>

#include "tests/ledger/checker.h"
#include "tests/ledger/committed_read.h"
#include "tests/ledger/payload.h"
#include "tests/ledger/swarm.h"
#include "tests/ledger/truth_producer.h"
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

using namespace std::chrono_literals;

// What a start and an end may take beyond what is promised, where sanitizers and other tests share the cores.
constexpr auto kSlack = 5s;

class Drain : public StreamTest {
 protected:
  Drain() : topic{make_topic()} {}
  TailgateOptions options(const std::string& delay, const std::string& drain) const {
    return {.kafka = shared_kafka(),
            .topics = topic,
            .drain_delay = delay,
            .flags = {"--drain", drain, "--heartbeat", "500ms", "--retry", "1s", "--threads", "2"}};
  }
  std::string path(const std::string& query = "") const { return "/streams/" + topic + query; }

  std::string topic;
};

// The retry of the last block, and whether it is the one of the event.
void expect_sent_elsewhere(const SseClient& client) {
  ASSERT_TRUE(client.wait_for_end());
  const auto events = client.events();
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back().type, "reconnect");
  EXPECT_EQ(events.back().id, "2");
  const auto after = std::string{json_of(events.back().data)["after_ms"].IsInt64()
                                     ? std::to_string(json_of(events.back().data)["after_ms"].GetInt64())
                                     : "none"};
  EXPECT_NE(client.body().find("retry: " + after + "\nevent: reconnect\n"), std::string::npos) << client.body();
  EXPECT_GE(std::stoi(after), 500);
  EXPECT_LE(std::stoi(after), 1000);
}

TEST_F(Drain, SendsEverybodyElsewhereAtAnEventBoundaryAndExitsWithZeroInTime) {
  CertificateAuthority authority;
  auto with_tls = options("2s", "4s");
  with_tls.authority = &authority;
  TailgateProcess server{with_tls};
  wait_until_known(server, topic);
  producer.send(topic, 0, numbered(3));

  const auto from_start = path("/0?from=earliest");
  const SseClient h1{{.url = server.url(from_start)}};
  const SseClient h2c{{.url = server.url(from_start), .version = HttpVersion::h2c}};
  const SseClient h2{{.url = server.tls_url(from_start), .version = HttpVersion::h2, .ca_file = authority.ca_file()}};
  const SseClient h1_tls{
      {.url = server.tls_url(from_start), .version = HttpVersion::h1_tls, .ca_file = authority.ca_file()}};
  for (const auto* client : {&h1, &h2c, &h2, &h1_tls}) ASSERT_TRUE(client->wait_for_messages(3));
  RawConnection lines{server.port()};
  lines.write("GET " + path("/0?as=ndjson&last_event_id=2") + " HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(lines.read_head().status, 200);
  RawConnection poll{server.port()};
  poll.write("GET " + path("/0?as=json&last_event_id=2&wait=50") + " HTTP/1.1\r\nHost: t\r\n\r\n");
  ASSERT_TRUE(
      eventually([&] { return server.metric(R"(tailgate_streams{representation="json",state="live"})") == 1; }));

  const auto start = Clock::now();
  server.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return fetch({.url = server.admin_url("/readyz")}).status == 503; }));
  // Those who have not heard of it yet are still served.
  EXPECT_EQ(fetch({.url = server.url("/topics")}).status, 200);
  EXPECT_FALSE(h1.wait_for_end(in(100ms)));

  for (const auto* client : {&h1, &h2c, &h2, &h1_tls}) expect_sent_elsewhere(*client);
  EXPECT_GE(Clock::now() - start, 2s) << "the delay";
  std::string line;
  for (std::string chunk = lines.read_chunk(); !chunk.empty(); chunk = lines.read_chunk()) line = chunk;
  EXPECT_TRUE(line.starts_with(R"({"event":"reconnect","id":"2","after_ms":)")) << line;
  EXPECT_TRUE(lines.is_closed_by_peer());
  const auto answer = poll.read_response();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("connection"), "close");
  EXPECT_STREQ(json_of(answer.body)["next"].GetString(), "2");
  EXPECT_TRUE(poll.is_closed_by_peer());
  EXPECT_FALSE(RawConnection::is_open(server.port()));

  EXPECT_EQ(server.wait(start + 2s + 4s + 2s + kSlack), 0) << server.log();
}

TEST_F(Drain, EndsStreamsOneAfterTheOther) {
  TailgateProcess server{options("0s", "8s")};
  wait_until_known(server, topic);
  std::vector<std::unique_ptr<SseClient>> clients;
  for (int i = 0; i < 12; ++i) clients.push_back(std::make_unique<SseClient>(HttpRequest{.url = server.url(path())}));
  for (auto& client : clients) ASSERT_EQ(client->head().status, 200);

  server.signal(SIGTERM);
  std::ptrdiff_t open = 0;
  ASSERT_TRUE(eventually([&] {
    open = std::ranges::count_if(clients, [](auto& client) { return !client->wait_for_end(in(0ms)); });
    return open < std::ssize(clients);
  }));
  EXPECT_GT(open, 3) << "all at once";
  for (auto& client : clients) EXPECT_EQ(client->wait_for_event("reconnect").type, "reconnect");
  EXPECT_EQ(server.wait(), 0);
}

TEST_F(Drain, NewStreamsOnAnOpenConnectionAreRefusedSoftlyOrWith503) {
  TailgateProcess server{options("0s", "20s")};
  wait_until_known(server, topic);
  // Two streams for each thread, whose second one keeps the server in its drain.
  std::vector<std::unique_ptr<SseClient>> clients;
  for (int i = 0; i < 6; ++i) clients.push_back(std::make_unique<SseClient>(HttpRequest{.url = server.url(path())}));
  for (auto& client : clients) ASSERT_EQ(client->head().status, 200);
  RawConnection fresh{server.port()};
  RawConnection fresh_soft{server.port()};
  ASSERT_TRUE(eventually([&] { return server.metric(R"(tailgate_connections{protocol="unknown"})") == 2; }));

  server.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return !RawConnection::is_open(server.port()); }));
  fresh.write("GET " + path("?as=sse&soft=0") + " HTTP/1.1\r\nHost: t\r\n\r\n");
  const auto hard = fresh.read_response();
  EXPECT_EQ(hard.status, 503);
  EXPECT_EQ(hard.headers.at("retry-after"), "1");
  EXPECT_EQ(hard.headers.at("connection"), "close");
  EXPECT_NE(hard.body.find(R"("code":"draining")"), std::string::npos);
  fresh_soft.write("GET " + path() + " HTTP/1.1\r\nHost: t\r\nAccept: text/event-stream\r\nLast-Event-ID: 0:7\r\n\r\n");
  const auto soft = fresh_soft.read_response();
  EXPECT_EQ(soft.status, 200);
  EXPECT_EQ(soft.body, "retry: 1000\nevent: busy\ndata: {\"reason\":\"draining\",\"retry_after\":1}\nid: 0:7\n\n");
  server.signal(SIGKILL);
}

TEST_F(Drain, OnlyWhoDoesNotReadIsReset) {
  TailgateProcess server{options("0s", "2s")};
  wait_until_known(server, topic);
  for (int i = 0; i < 40; ++i) producer.send(topic, 0, {.value = std::string(500'000, 'x')});
  RawConnection stalled{server.port(), {.receive_buffer = 4096}};
  stalled.write("GET " + path("?from=earliest") + " HTTP/1.1\r\nHost: t\r\n\r\n");
  ASSERT_EQ(stalled.read_head().status, 200);
  ASSERT_TRUE(eventually([&] { return server.metric("tailgate_bytes_out_total").value_or(0) > 16'000; }));
  const SseClient other{{.url = server.url(path())}};
  ASSERT_EQ(other.head().status, 200);

  const auto start = Clock::now();
  EXPECT_EQ(server.stop(start + 2s + 2s + kSlack), 0);
  EXPECT_EQ(other.events().back().type, "reconnect");
  EXPECT_NE(server.log().find("1 connections did not take the end of their streams in time"), std::string::npos)
      << server.log();
}

TEST_F(Drain, IsCutShortByASecondSignal) {
  TailgateProcess server{options("1m", "20s")};
  server.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return !server.is_ready(); }));
  const auto start = Clock::now();
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(start + kSlack), 128 + SIGTERM);
}

TEST_F(Drain, IsNotHurtByAHangup) {
  TailgateProcess server{options("1s", "2s")};
  server.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return !server.is_ready(); }));
  server.signal(SIGHUP);
  EXPECT_EQ(server.wait(), 0);
}

TEST_F(Drain, BeginsThoughHangupsWait) {
  TailgateProcess server{options("0s", "1s")};
  // More than it can read again what it reads at each of them.
  for (int i = 0; i < 200; ++i) server.signal(SIGHUP);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0) << server.log();
}

// Whose signals end it only where it handles them.
TEST_F(Drain, OfTheFirstProcessOfAContainerIsCutShortByASecondSignal) {
  try {
    run({"unshare", "--pid", "--fork", "true"});
  } catch (const std::exception&) {
    GTEST_SKIP() << "the kernel permits no process namespaces";
  }
  auto contained = options("1m", "20s");
  contained.starter = {"unshare", "--pid", "--fork", "--kill-child"};
  TailgateProcess server{contained};
  const auto pid = std::to_string(server.pid());
  const pid_t first = std::stoi(read_file("/proc/" + pid + "/task/" + pid + "/children"));
  kill(first, SIGTERM);
  ASSERT_TRUE(eventually([&] { return !server.is_ready(); }));
  kill(first, SIGTERM);
  EXPECT_EQ(server.wait(Clock::now() + kSlack), 128 + SIGTERM);
}

// A connection that is accepted and on its way to a thread that has ended belonged to nobody.
TEST_F(Drain, IsNotHurtByConnectionsThatComeUntilItsEnd) {
  for (int round = 0; round < 3; ++round) {
    TailgateProcess server{options("0s", "1s")};
    std::vector<std::jthread> comers;
    for (int i = 0; i < 4; ++i) {
      comers.emplace_back([&] {
        while (RawConnection::is_open(server.admin_port())) continue;
      });
    }
    EXPECT_EQ(server.stop(), 0) << server.log();
  }
}

TEST_F(Drain, StreamsEndAtTheirAgeAndGoOnElsewhere) {
  auto aged = options("0s", "2s");
  aged.flags.insert(aged.flags.end(), {"--stream-age", "2s"});
  TailgateProcess server{aged};
  wait_until_known(server, topic);
  producer.send(topic, 0, numbered(3));
  const auto start = Clock::now();
  const SseClient client{{.url = server.url(path("/0?from=earliest"))}};
  expect_sent_elsewhere(client);
  EXPECT_GE(Clock::now() - start, 1500ms);
  const SseClient again{{.url = server.url(path("/0")), .headers = {"Last-Event-ID: 1"}}};
  EXPECT_TRUE(again.wait_for_messages(1));
}

// Three replicas are stopped and started again one after the other; the clients come back to the next one.
TEST_F(Drain, ARollingRestartIsNotNoticed) {
  constexpr int kClients = 90;
  constexpr std::int32_t kPartitions = 4;
  topic = admin.make_topic("rolling", {.partitions = kPartitions, .config = {{"retention.ms", "-1"}}});
  ledger::SwarmSettings settings;
  settings.cut_bytes_max = std::size_t{1} << 40;  // nobody leaves by himself
  settings.pause_ms_max = 500;
  std::vector<std::unique_ptr<TailgateProcess>> replicas;
  for (int i = 0; i < 3; ++i) {
    replicas.push_back(std::make_unique<TailgateProcess>(options("0s", "4s")));
    wait_until_known(*replicas.back(), topic);
    settings.ports.push_back(static_cast<std::uint16_t>(replicas.back()->port()));
  }
  ledger::Truth truth;
  for (std::int32_t p = 0; p < kPartitions; ++p) truth.add_partition({topic, p});
  std::atomic<bool> is_over{false};
  std::string failure;
  std::jthread writer{[&] {
    ledger::TruthProducer plain{shared_kafka(), truth, "", "lz4"};
    for (std::int64_t seq = 1; !is_over && plain.failure().empty(); ++seq) {
      const auto p = static_cast<std::int32_t>(seq % kPartitions);
      plain.produce({topic, p}, ledger::make_payload(p, seq, 100));
      plain.poll();
      if (seq % 4 == 0) std::this_thread::sleep_for(50ms);  // a pace, that long polls of 200 keep up with
    }
    plain.flush();
    failure = plain.failure();
  }};
  ledger::Ledger book;
  for (int i = 0; i < kClients; ++i) {
    ledger::ClientPlan plan;
    plan.topics = {topic};
    plan.shape.representation = std::array{ledger::Representation::sse, ledger::Representation::ndjson,
                                           ledger::Representation::long_poll}[static_cast<std::size_t>(i % 3)];
    plan.from = "earliest";
    plan.is_h2 = i % 2 == 0;
    book.add_client(plan);
  }
  ledger::Swarm swarm{book, settings};
  for (int round = 0; round < 2; ++round) {
    for (auto& replica : replicas) {
      const auto start = Clock::now();
      EXPECT_EQ(replica->stop(start + 4s + 2s + kSlack), 0) << replica->log();
      replica->restart();
      wait_until_known(*replica, topic);
    }
  }
  is_over = true;
  writer.join();
  EXPECT_EQ(failure, "");
  const auto partitions = truth.take();
  EXPECT_TRUE(eventually(
      [&] {
        const auto ids = swarm.last_ids();
        for (std::size_t i = 0; i < ids.size(); ++i) {
          if (!ledger::has_passed_all(book.plans()[i], ids[i], partitions)) return false;
        }
        return true;
      },
      in(1min)));
  swarm.stop();
  ledger::Rules rules;
  rules.silence_max_us = std::chrono::microseconds{3s + kSlack}.count();  // retry and 2 s
  const auto violations = ledger::check(book, partitions, rules);
  EXPECT_TRUE(violations.empty()) << ledger::report(book, violations, 0, {});
}

}  // namespace
}  // namespace tailgate::test
