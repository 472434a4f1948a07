// The wall clocks of replicas jump, each its own way: nobody is cut, nothing is lost or late, and limits, which go by
// Redis' clock, stay what they are.
//
// What libfaketime moves is the time that the process reads. Waits that have begun end when they would have: what the
// kernel does to those when a machine's clock is set is not part of this.
#include <array>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/redis_server.h"
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kLibrary = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
#ifdef __SANITIZE_ADDRESS__
constexpr const char* kFirst = "libasan.so.8 ";  // has to come before all others
#else
constexpr const char* kFirst = "";
#endif

constexpr int kRate = 5;
constexpr int kBurst = 20;

// A replica and its clock.
struct Displaced {
  Displaced(const std::string& topic, const RedisServer& redis) {
    jump(0s);
    TailgateOptions options;
    options.kafka = shared_kafka();
    options.topics = topic;
    options.flags = {"--heartbeat",
                     "1s",
                     "--retry",
                     "100ms",
                     "--redis",
                     redis.url(),
                     "--trusted-proxies",
                     "127.0.0.0/8",
                     "--forwarded-header",
                     "x-forwarded-for",
                     "--limit-streams",
                     "100",
                     "--limit-requests",
                     std::to_string(kRate) + "/" + std::to_string(kBurst)};
    options.environment = {{"LD_PRELOAD", std::string{kFirst} + kLibrary},
                           {"FAKETIME_TIMESTAMP_FILE", (folder / "clock").string()},
                           {"FAKETIME_CACHE_DURATION", "1"},
                           {"FAKETIME_DONT_FAKE_MONOTONIC", "1"}};
    process = std::make_unique<TailgateProcess>(options);
  }

  void jump(std::chrono::seconds to) const {
    write_file(folder / "clock", (to < 0s ? "" : "+") + std::to_string(to.count()) + "\n");
  }

  // How far it is ahead of ours.
  std::chrono::seconds displacement() const {
    const auto date = fetch({.url = process->admin_url("/readyz")}).headers.at("date");
    std::tm time{};
    if (strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &time) == nullptr) throw std::runtime_error{date};
    return std::chrono::seconds{timegm(&time) - std::time(nullptr)};
  }

  TempDir folder;
  std::unique_ptr<TailgateProcess> process;
};

class ClockJumps : public StreamTest {
 protected:
  ClockJumps() {
    for (auto& replica : replicas) {
      replica = std::make_unique<Displaced>(topic, redis);
      wait_until_known(*replica->process, topic);
      for (const auto version : {HttpVersion::h1, HttpVersion::h2c}) {
        for (int i = 0; i < 3; ++i) {
          clients.push_back(std::make_unique<SseClient>(HttpRequest{
              .url = replica->process->url("/streams/" + topic), .version = version, .headers = {caller()}}));
        }
      }
    }
  }

  // Another one each time.
  std::string caller() { return "X-Forwarded-For: 192.0.2." + std::to_string(++callers); }

  void jump(const std::array<std::chrono::seconds, 3>& to) {
    for (std::size_t i = 0; i < replicas.size(); ++i) replicas[i]->jump(to[i]);
    for (std::size_t i = 0; i < replicas.size(); ++i) {
      const auto is_there = [&] { return std::chrono::abs(replicas[i]->displacement() - to[i]) < 30s; };
      ASSERT_TRUE(eventually(is_there)) << replicas[i]->displacement().count();
    }
  }

  void expect_delivery() {
    producer.send(topic, 0, numbered(5, written));
    written += 5;
    std::vector<std::string> all;
    for (int i = 0; i < written; ++i) all.push_back(number(i));
    for (const auto& client : clients) {
      EXPECT_TRUE(client->wait_for_messages(all.size()));
      EXPECT_EQ(messages_of(client->events()), all);
      EXPECT_FALSE(client->wait_for_end(in(0ms)));
    }
  }

  void expect_limit() {
    const auto who = caller();
    int admitted = 0;
    const auto start = Clock::now();
    for (std::size_t asked = 0; asked < 90; ++asked) {
      const auto& replica = *replicas[asked % replicas.size()]->process;
      const auto status = fetch({.url = replica.url("/topics"), .headers = {who}}).status;
      EXPECT_TRUE(status == 200 || status == 429) << status;
      if (status == 200) ++admitted;
    }
    const auto seconds = std::chrono::duration<double>(Clock::now() - start).count();
    EXPECT_GE(admitted, kBurst);
    EXPECT_LE(admitted, kBurst + kRate * (seconds + 1));
  }

  std::string topic = make_topic();
  RedisServer redis;
  std::array<std::unique_ptr<Displaced>, 3> replicas;
  std::vector<std::unique_ptr<SseClient>> clients;
  int callers = 0;
  int written = 0;
};

TEST_F(ClockJumps, CutNobodyLoseNothingAndMoveNoLimit) {
  for (const auto& client : clients) ASSERT_EQ(client->wait_for_event("position").type, "position");
  expect_delivery();
  for (const auto far : {3600s, 300s}) {
    for (const auto sign : {1, -1}) {
      ASSERT_NO_FATAL_FAILURE(jump({sign * far, -sign * far, 0s}));
      expect_delivery();
      expect_limit();
    }
  }
  ASSERT_NO_FATAL_FAILURE(jump({0s, 0s, 0s}));
  expect_delivery();
  expect_limit();
}

}  // namespace
}  // namespace tailgate::test
