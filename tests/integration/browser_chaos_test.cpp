// A browser's EventSource through HAProxy while replicas are replaced, its slot is taken, and Kafka is away: it misses
// nothing, sees nothing twice, and is never closed for good.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/balancers.h"
#include "tests/support/chromium.h"
#include "tests/support/http_client.h"
#include "tests/support/kafka_admin.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/producer.h"
#include "tests/support/redis_server.h"
#include "tests/support/tailgate_process.h"

namespace tailgate::test {
namespace {

using namespace std::chrono_literals;

constexpr int kPartitions = 3;
constexpr auto kOutage = 20s;
// A retry and two seconds are what is promised; the rest is for a browser and three servers on two cores.
constexpr auto kAwayMax = 10s;

// What the page keeps of its EventSource. `away` is from an error to the next record.
const std::string kListen = R"(
  const tail = window.tail = {seen: [], connections: 0, busy: 0, reconnect: 0, isClosed: false, goneAt: 0, awayMs: 0};
  const source = new EventSource(PATH);
  source.onopen = () => { ++tail.connections; };
  source.onerror = () => {
    tail.isClosed ||= source.readyState === EventSource.CLOSED;
    tail.goneAt ||= performance.now();
  };
  source.onmessage = (event) => {
    if (tail.goneAt) tail.awayMs = Math.max(tail.awayMs, performance.now() - tail.goneAt);
    tail.goneAt = 0;
    tail.seen.push(event.data);
  };
  source.addEventListener('position', () => { tail.isAtStart = true; });
  source.addEventListener('busy', () => { ++tail.busy; });
  source.addEventListener('reconnect', () => { ++tail.reconnect; });
)";

class BrowserChaos : public testing::Test {
 protected:
  BrowserChaos() {
    topic = admin.make_topic("browser", {.partitions = kPartitions});
    std::vector<Backend> backends;
    for (auto& replica : replicas) {
      replica = std::make_unique<TailgateProcess>(
          TailgateOptions{.kafka = kafka.bootstrap(),
                          .topics = topic,
                          .drain_delay = "3s",
                          // One stream a caller, and behind the balancer all are one: who comes while its old stream
                          // still counts is refused.
                          .flags = {"--heartbeat", "2s", "--retry", "300ms", "--drain", "3s", "--redis", redis.url(),
                                    "--limit-streams", "1", "--console"}});
      backends.push_back({replica->port(), replica->admin_port()});
    }
    balancer = Balancer::haproxy(backends);
    for (const auto& replica : replicas) {
      const auto is_known = [&] { return fetch({.url = replica->url("/topics/" + topic)}).status == 200; };
      if (!eventually(is_known)) throw std::runtime_error{"a replica does not hear of " + topic};
    }
    // A page of the same origin that does nothing by itself.
    browser.open(balancer->url("/console/icon.svg"));
    auto script = kListen;
    script.replace(script.find("PATH"), 4, "'/streams/" + topic + "'");
    browser.run(script);
  }

  // The same number in each partition, one after the other, until it is stopped.
  void write(const std::stop_token& stop) {
    Producer producer{kafka.bootstrap(), "", {{"message.timeout.ms", "120000"}}};
    for (; !stop.stop_requested(); ++produced) {
      for (int partition = 0; partition < kPartitions; ++partition)
        producer.send(topic, partition,
                      {.value = std::to_string(partition) + ":" + std::to_string(produced) + std::string(200, ' ')});
    }
  }

  // What is written from now on comes.
  void expect_to_go_on(const std::string& after, std::chrono::milliseconds patience = kPatience) {
    const auto seen = std::to_string((produced + 1) * kPartitions);
    EXPECT_TRUE(browser.becomes("tail.seen.length > " + seen, in(patience))) << after << ": " << how_far();
    EXPECT_FALSE(browser.is("tail.isClosed")) << after;
  }

  // The one that has the only stream.
  TailgateProcess& holder() {
    TailgateProcess* found = nullptr;
    const auto is_found = [&] {
      for (const auto& replica : replicas) {
        for (const std::string state : {"live", "ahead", "behind"}) {
          const auto name = R"(tailgate_streams{representation="sse",state=")" + state + R"("})";
          if (replica->is_running() && replica->metric(name) == 1) found = replica.get();
        }
      }
      return found != nullptr;
    };
    if (!eventually(is_found)) throw std::runtime_error{"nobody has the stream: " + how_far()};
    return *found;
  }

  std::string how_far() {
    return browser.text(
        "`${tail.seen.length} seen, ${tail.connections} connections, ${tail.busy} busy, ${tail.reconnect} reconnect, "
        "away for ${tail.awayMs} ms`");
  }

  // '' when each number came once and in order in each partition.
  std::string flaws() {
    return browser.text("(() => { const next = new Array(" + std::to_string(kPartitions) +
                        ").fill(0);"
                        "for (const text of tail.seen) { const [p, n] = text.split(':').map(Number);"
                        "  if (n !== next[p]) return `partition ${p}: ${n} came where ${next[p]} should`;"
                        "  ++next[p]; }"
                        "return next.every((n) => n === " +
                        std::to_string(produced) + ") ? '' : `ended at ${next}`; })()");
  }

  void replace_each_replica() {
    for (const auto& replica : replicas) {
      EXPECT_EQ(replica->stop(), 0) << replica->log();
      replica->restart();
      expect_to_go_on("a replica was replaced");
    }
    EXPECT_GT(browser.number("tail.reconnect"), 0) << how_far();
    EXPECT_LT(browser.number("tail.awayMs"), std::chrono::milliseconds{kAwayMax}.count()) << how_far();
  }

  void kill_the_holder() {
    auto& dead = holder();
    dead.kill_hard();
    // The slot of the stream that died with it is a lease that ends by itself.
    ASSERT_TRUE(browser.becomes("tail.busy > 0")) << how_far();
    EXPECT_EQ(fetch({.url = balancer->url("/streams/" + topic + "?as=ndjson")}).status, 429);
    dead.restart();
    expect_to_go_on("the slot was free", 60s);
  }

  void lose_kafka_in_a_drain() {
    auto& leaving = holder();
    const auto before = browser.number("tail.connections");
    kafka.pause(1);
    const auto end = in(kOutage);
    EXPECT_EQ(leaving.stop(), 0) << leaving.log();
    EXPECT_TRUE(browser.becomes("tail.connections > " + std::to_string(before), end)) << how_far();
    EXPECT_FALSE(eventually([] { return false; }, end));  // an outage is a matter of time
    kafka.resume(1);
    expect_to_go_on("Kafka was away");
    leaving.restart();
  }

  KafkaCluster kafka;
  KafkaAdmin admin{kafka.bootstrap()};
  RedisServer redis;
  std::string topic;
  std::array<std::unique_ptr<TailgateProcess>, 3> replicas;
  std::unique_ptr<Balancer> balancer;
  Chromium browser;
  std::atomic<int> produced{0};  // in each partition
};

TEST_F(BrowserChaos, AnEventSourceMissesNothingAndIsNeverClosedForGood) {
  ASSERT_TRUE(browser.becomes("tail.isAtStart")) << how_far();
  {
    const std::jthread writer{[this](const std::stop_token& stop) { write(stop); }};
    expect_to_go_on("the start");
    replace_each_replica();
    ASSERT_NO_FATAL_FAILURE(kill_the_holder());
    lose_kafka_in_a_drain();
  }
  const auto all = std::to_string(produced * kPartitions);
  ASSERT_TRUE(browser.becomes("tail.seen.length >= " + all)) << how_far();
  EXPECT_EQ(flaws(), "");
  EXPECT_FALSE(browser.is("tail.isClosed"));
  RecordProperty("run", how_far());
}

}  // namespace
}  // namespace tailgate::test
