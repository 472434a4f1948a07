// With client.rack records come from the follower in that rack (KIP-392), while there is one that gives them.
#include <functional>
#include <optional>

#include "tests/integration/kafka_reading.h"
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

class FollowerFetch : public testing::Test {
 protected:
  FollowerFetch() {
    server_.emplace(
        TailgateOptions{.kafka = kafka_.bootstrap(leader_), .flags = {"--librdkafka", "client.rack=" + rack_}});
    KafkaStreamsOptions options;
    options.kafka.properties["client.rack"] = rack_;
    reading_.emplace(kafka_.bootstrap(leader_), options);
  }
  void SetUp() override {
    ASSERT_TRUE(eventually([&] { return fetch({.url = server_->url("/topics/" + topic_)}).status == 200; }));
    ASSERT_TRUE(reading_->run_until_known(topic_));
    live_.emplace(HttpRequest{.url = stream()});
    ASSERT_EQ(live_->wait_for_event("position").id, "0:-");
    send_and_expect_all();
    ASSERT_FALSE(left_by_tails());
    ASSERT_FALSE(left_by_history());
  }
  std::string stream() const { return server_->url("/streams/" + topic_ + "?from=earliest"); }

  // By a stream that has been there all the time, by one that begins now, and by history alone.
  void send_and_expect_all() {
    producer_.send(topic_, 0, numbered(10, sent_));
    sent_ += 10;
    expect_all(*live_);
    const SseClient late{{.url = stream()}};
    expect_all(late);
    expect_all_of_history();
  }
  void expect_all(const SseClient& client) const {
    EXPECT_TRUE(client.wait_for_messages(static_cast<std::size_t>(sent_), in(std::chrono::seconds{60})));
    const auto data = messages_of(client.events());
    ASSERT_EQ(data.size(), static_cast<std::size_t>(sent_));
    for (int n = 0; n < sent_; ++n) ASSERT_EQ(data[static_cast<std::size_t>(n)], number(n));
    EXPECT_EQ(count_of(client.events(), "reset") + count_of(client.events(), "gap"), 0U);
  }
  // In which Kafka may be away for a moment, as a client of streams does not see.
  void expect_all_of_history() {
    const TopicPartition partition{topic_, 0};
    const auto deadline = in(std::chrono::seconds{60});
    Offset next = 0;
    while (next < sent_ && Clock::now() < deadline) {
      const HistoryAnswer answer = reading_->read(partition, next);
      if (const auto* page = std::get_if<std::shared_ptr<const HistoryPage>>(&answer)) next = (*page)->next;
    }
    EXPECT_EQ(next, sent_);
  }
  std::optional<double> left_by_tails() const {
    return server_->metric("tailgate_kafka_errors_total{kind=\"follower\"}");
  }
  bool left_by_history() const { return reading_->reports().counts().contains("follower"); }

  KafkaCluster kafka_{
      {.brokers = 3,
       .properties = {{"replica.selector.class", "org.apache.kafka.common.replica.RackAwareReplicaSelector"}}}};
  KafkaAdmin admin_{kafka_.bootstrap()};
  Producer producer_{kafka_.bootstrap()};
  const std::string topic_ = admin_.make_topic("followed", {.replication = 3});
  const int leader_ = admin_.leader(topic_, 0);
  const int follower_ = leader_ % kafka_.brokers() + 1;
  const std::string rack_ = "rack-" + std::to_string(follower_);
  std::optional<TailgateProcess> server_;
  std::optional<KafkaReading> reading_;
  std::optional<SseClient> live_;
  int sent_ = 0;
};

TEST_F(FollowerFetch, StreamsGoOnFromTheLeaderWhenTheFollowerIsKilled) {
  kafka_.kill_hard(follower_);
  send_and_expect_all();
  EXPECT_TRUE(left_by_tails()) << "it was not read";
  EXPECT_TRUE(left_by_history()) << "it was not read";
  kafka_.start(follower_);
  send_and_expect_all();
}

TEST_F(FollowerFetch, StreamsGoOnFromTheLeaderWhenTheFollowerSaysNothing) {
  kafka_.pause(follower_);
  send_and_expect_all();
  EXPECT_TRUE(left_by_tails()) << "it was not read";
  EXPECT_TRUE(left_by_history()) << "it was not read";
  kafka_.resume(follower_);
  send_and_expect_all();
}

}  // namespace
}  // namespace tailgate::test
