// EventSource as browsers have it, against the binary and real Kafka: whatever is cut, each record arrives once and in
// order.
//
// Chromium and Firefox keep the id differently (Firefox forgets that of a block without data), and HTTP/2 fails
// differently from HTTP/1.1: each pair is run.
#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/chromium.h"
#include "tests/support/firefox.h"
#include "tests/support/kafka_admin.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/producer.h"
#include "tests/support/tailgate_process.h"

namespace tailgate::test {
namespace {

constexpr int kPartitions = 3;

struct Way {
  const char* name;
  bool is_firefox;
  bool is_tls;
  const char* protocol;  // as browsers name it: proves that HTTP/2 is what was used

  friend std::ostream& operator<<(std::ostream& out, const Way& way) { return out << way.name; }
};

class BrowserEventSource : public testing::TestWithParam<Way> {
 protected:
  BrowserEventSource() : admin_{shared_kafka()}, producer_{shared_kafka()} {
    topic_ = admin_.make_topic("eventsource", {.partitions = kPartitions});
    TailgateOptions options;
    options.kafka = shared_kafka();
    options.topics = topic_;
    options.flags = {"--console"};
    if (GetParam().is_tls) options.authority = &authority_;
    server_ = std::make_unique<TailgateProcess>(options);
    if (GetParam().is_firefox)
      browser_ = std::make_unique<Firefox>();
    else
      browser_ = std::make_unique<Chromium>();
    // A page of the same origin that does nothing by itself.
    browser_->open(url("/console/icon.svg"));
  }

  std::string url(const std::string& path) const {
    return GetParam().is_tls ? server_->tls_url(path) : server_->url(path);
  }

  // Each record says where it stands: "partition:number filler".
  void produce(int from, int to, std::size_t filler = 0) {
    for (int partition = 0; partition < kPartitions; ++partition) {
      std::vector<NewRecord> records;
      for (int number = from; number < to; ++number)
        records.push_back(
            {.value = std::to_string(partition) + ":" + std::to_string(number) + " " + std::string(filler, 'x')});
      producer_.send(topic_, partition, records);
    }
  }

  void listen(const std::string& query) {
    // In an object: a script that Firefox runs for a test has globals of its own.
    browser_->run(
        "const tail = window.tail = {seen: [], connections: 0, isAtStart: false};"
        "const source = new EventSource('/streams/" +
        topic_ + query +
        "');"
        "source.onopen = () => { ++tail.connections; };"
        "source.onmessage = (event) => { tail.seen.push(event.data.split(' ')[0]); };"
        "source.addEventListener('position', () => { tail.isAtStart = true; });");
  }

  // What is wrong with what was seen, in words; '' when each of [from, to) came once and in order in each partition.
  std::string flaws(int from, int to) {
    return browser_->text("(() => { const next = new Array(" + std::to_string(kPartitions) + ").fill(" +
                          std::to_string(from) +
                          ");"
                          "for (const text of tail.seen) { const [p, n] = text.split(':').map(Number);"
                          "  if (n !== next[p]) return `partition ${p}: ${n} came where ${next[p]} should`;"
                          "  ++next[p]; }"
                          "return next.every((n) => n === " +
                          std::to_string(to) + ") ? '' : `ended at ${next}`; })()");
  }

  std::string how_far() { return browser_->text("`${tail.seen.length} seen, ${tail.connections} connections`"); }

  void expect_protocol() {
    const auto used = browser_->run(
        "return fetch('/topics').then((answer) => answer.text())"
        ".then(() => performance.getEntriesByType('resource').filter((entry) => "
        "entry.name.endsWith('/topics')).pop().nextHopProtocol)");
    EXPECT_STREQ(used.GetString(), GetParam().protocol);
  }

  KafkaAdmin admin_;
  Producer producer_;
  CertificateAuthority authority_;
  std::string topic_;
  std::unique_ptr<TailgateProcess> server_;
  std::unique_ptr<Browser> browser_;
};

TEST_P(BrowserEventSource, NothingIsLostOrTwiceWhenTheServerIsKilledWhileRecordsFlowAgainAndAgain) {
  constexpr int kKills = 3;
  int produced = 5'000;  // in each partition: a history to begin with
  produce(0, produced, 400);

  listen("?from=earliest");
  for (int kill = 1; kill <= kKills; ++kill) {
    ASSERT_TRUE(browser_->becomes("tail.connections === " + std::to_string(kill)));
    const auto live_from = "tail.seen.length > " + std::to_string(produced * kPartitions);
    std::jthread flow{[&](const std::stop_token& stop) {
      for (; !stop.stop_requested(); produced += 20) produce(produced, produced + 20, 400);
    }};
    ASSERT_TRUE(browser_->becomes(live_from)) << how_far();
    server_->kill_hard();
    server_->restart();
  }

  produce(produced, produced + 1);  // what would come twice comes before it
  ++produced;
  ASSERT_TRUE(browser_->becomes("tail.seen.length >= " + std::to_string(produced * kPartitions), in(4 * kPatience)))
      << how_far();
  EXPECT_EQ(flaws(0, produced), "");
  EXPECT_EQ(browser_->number("tail.connections"), kKills + 1);
  expect_protocol();
}

TEST_P(BrowserEventSource, NothingIsMissingAfterACutThatComesBeforeTheFirstRecord) {
  produce(0, 100);

  listen("?from=latest");
  ASSERT_TRUE(browser_->becomes("tail.isAtStart"));
  server_->kill_hard();
  produce(100, 120);
  server_->restart();

  ASSERT_TRUE(browser_->becomes("tail.seen.length >= " + std::to_string(20 * kPartitions)));
  EXPECT_EQ(flaws(100, 120), "");
}

INSTANTIATE_TEST_SUITE_P(, BrowserEventSource,
                         testing::Values(Way{"ChromiumHttp1", false, false, "http/1.1"},
                                         Way{"ChromiumHttp2", false, true, "h2"},
                                         Way{"FirefoxHttp1", true, false, "http/1.1"},
                                         Way{"FirefoxHttp2", true, true, "h2"}),
                         [](const auto& way) { return way.param.name; });

}  // namespace
}  // namespace tailgate::test
