// Many at once: who comes back with the same old id, who leaves at once, and what a broken batch stops.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include "tests/support/raw_connection.h"
#include "tests/support/stream_fixture.h"
#include "tests/support/temp_dir.h"

namespace tailgate::test {
namespace {

class StreamStorm : public StreamTest {
 protected:
  static double value(const std::string& line) { return server().metric(line).value_or(-1); }
  static double streams_open() {
    double all = 0;
    for (const auto* state : {"live", "ahead", "behind"}) {
      all += value(R"(tailgate_streams{representation="sse",state=")" + std::string{state} + "\"}");
    }
    return all;
  }
};

// One of very many clients, read by a single thread.
struct Storming {
  std::unique_ptr<RawConnection> connection;
  std::string end;  // of what has come: where the last id is looked for
  bool is_done = false;
  double done_s = 0;
};

TEST_F(StreamStorm, AThousandClientsWithTheSameOldIdShareOneReadAndNoneIsStarved) {
  constexpr std::size_t kClients = 1'000;
  const auto topic = make_topic();
  std::vector<NewRecord> records;
  for (int n = 0; n < 200; ++n) records.push_back({.value = std::string(1'000, 'x')});
  producer.send(topic, 0, records);
  const auto records_before = value("tailgate_history_records_total");
  std::vector<Storming> clients(kClients);
  std::vector<pollfd> polled(kClients);
  for (std::size_t i = 0; i < kClients; ++i) {
    clients[i].connection = std::make_unique<RawConnection>(server().port());
    polled[i] = {clients[i].connection->fd(), POLLIN, 0};
  }
  const auto begin = Clock::now();
  for (auto& client : clients) {
    ASSERT_TRUE(client.connection->write("GET /streams/" + topic +
                                         " HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
                                         "Last-Event-ID: 0:9\r\n\r\n"));
  }
  std::size_t done = 0;
  std::string buffer(256 * 1024, '\0');
  const auto deadline = in(4 * kPatience);
  while (done < kClients && Clock::now() < deadline) {
    ::poll(polled.data(), polled.size(), 1'000);
    for (std::size_t i = 0; i < kClients; ++i) {
      auto& client = clients[i];
      if (client.is_done || polled[i].revents == 0) continue;
      const auto got = ::recv(polled[i].fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      ASSERT_GT(got, 0) << "cut";
      client.end = (client.end + buffer.substr(0, static_cast<std::size_t>(got)));
      client.end.erase(0, client.end.size() - std::min<std::size_t>(client.end.size(), 200));
      if (client.end.find("id: 0:199\n\n") == std::string::npos) continue;
      client.is_done = true;
      client.done_s = std::chrono::duration<double>(Clock::now() - begin).count();
      polled[i].fd = -1;
      ++done;
    }
  }

  ASSERT_EQ(done, kClients);
  std::vector<double> seconds;
  for (const auto& client : clients) seconds.push_back(client.done_s);
  std::sort(seconds.begin(), seconds.end());
  EXPECT_LT(seconds.back(), 2 * seconds[kClients / 2] + 1);
  // Once, and a little for what a page boundary or the end of the log has read again.
  EXPECT_LT(value("tailgate_history_records_total") - records_before, 3 * 190);
}

TEST_F(StreamStorm, ClientsThatComeAndGoAtOnceLeaveNothingRunning) {
  const auto topic = make_topic();
  std::vector<NewRecord> records;
  for (int n = 0; n < 2'000; ++n) records.push_back({.value = std::string(1'000, 'x')});
  producer.send(topic, 0, records);
  ASSERT_TRUE(eventually([] { return streams_open() == 0; }));
  const auto threads = [] {
    std::size_t count = 0;
    for (const auto& thread :
         std::filesystem::directory_iterator{"/proc/" + std::to_string(server().pid()) + "/task"}) {
      count += thread.path().empty() ? 0U : 1U;
    }
    return count;
  };
  static_cast<void>(read("/streams/" + topic + "?limit=1&from=earliest"));
  const auto threads_before = threads();
  for (int round = 0; round < 20; ++round) {
    std::vector<std::unique_ptr<RawConnection>> clients;
    for (int i = 0; i < 50; ++i) {
      clients.push_back(
          std::make_unique<RawConnection>(server().port(), RawConnection::Options{.receive_buffer = 4096}));
      ASSERT_TRUE(clients.back()->write("GET /streams/" + topic + " HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 0:" +
                                        std::to_string(round * 90 + i) + "\r\n\r\n"));
    }
    if (round % 2 == 0) {
      EXPECT_EQ(clients[0]->read_head().status, 200);
    }
    for (auto& client : clients) client->reset();
  }

  EXPECT_TRUE(eventually([] { return streams_open() == 0; }));
  EXPECT_TRUE(eventually([] { return value("tailgate_requests_open") == 0; }));
  EXPECT_TRUE(eventually([] { return value("tailgate_history_reading") + value("tailgate_history_waiting") == 0; }));
  EXPECT_TRUE(eventually([] { return value("tailgate_connections_admitted") <= 1; }));
  EXPECT_EQ(threads(), threads_before);
}

// A batch whose checksum is wrong is neither delivered nor passed over.
TEST(StreamBrokers, ABrokenBatchStopsItsPartitionAndNoOther) {
  KafkaCluster kafka;
  KafkaAdmin admin{kafka.bootstrap()};
  const auto topic = admin.make_topic("broken", {.partitions = 2});
  Producer producer{kafka.bootstrap()};
  for (int n = 0; n < 10; ++n) producer.send(topic, 0, numbered(1, n));
  producer.send(topic, 1, numbered(5, 100));
  const auto segment = kafka.data(1) / (topic + "-0") / "00000000000000000000.log";
  {
    std::fstream file{segment, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(read_file(segment).find(number(5)) + 2));
    file.put('m');
    ASSERT_TRUE(file.flush());
  }

  TailgateProcess server{{.kafka = kafka.bootstrap(), .topics = topic}};
  const SseClient client{{.url = server.url("/streams/" + topic + "?from=earliest")}};
  ASSERT_TRUE(client.wait_for([&](const auto& events) {
    const auto data = messages_of(events);
    return std::ranges::count(data, number(104)) == 1;
  }));
  ASSERT_TRUE(eventually([&] { return server.metric("tailgate_history_errors_total").value_or(0) > 0; }));
  producer.send(topic, 1, numbered(5, 105));
  ASSERT_TRUE(client.wait_for([&](const auto& events) {
    const auto data = messages_of(events);
    return std::ranges::count(data, number(109)) == 1;
  }));

  for (const auto& message : messages_of(client.events())) {
    const auto n = json_of(message)["n"].GetInt();
    EXPECT_TRUE(n < 5 || n >= 100) << message;
  }
  EXPECT_EQ(count_of(client.events(), "gap"), 0);
  EXPECT_NE(server.log().find(topic + " [0]"), std::string::npos) << server.log();
}

}  // namespace
}  // namespace tailgate::test
