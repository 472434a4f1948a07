// Leaders that move, on librdkafka's mock cluster of three brokers.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "streams/kafka_streams.h"
#include "streams/mock_cluster.h"

namespace tailgate {
namespace {

using SteadyClock = std::chrono::steady_clock;

class LeaderMoves : public testing::Test {
 protected:
  void SetUp() override {
    auto cluster = MockCluster::open(3);
    ASSERT_TRUE(cluster);
    cluster_ = std::move(*cluster);
    ASSERT_TRUE(cluster_->create_topic(partition_.topic, 1));
    ASSERT_TRUE(cluster_->set_leader(partition_.topic, 0, 1));
    char why[256];
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", cluster_->bootstrap().c_str(), why, sizeof why);
    producer_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why));
    KafkaStreamsOptions options;
    options.kafka.bootstrap = cluster_->bootstrap();
    options.kafka.is_mock = true;
    auto streams = KafkaStreams::open(options, *Exposure::parse({"*"}), clock_, nullptr, 1);
    ASSERT_TRUE(streams) << streams.error().detail;
    streams_ = std::move(*streams);
    ASSERT_TRUE(run_until([&] { return streams_->catalog().topics()->by_name.contains(partition_.topic); }));
  }

  bool run_until(const std::function<bool()>& is_done) {
    const auto due = SteadyClock::now() + std::chrono::seconds{60};
    while (!is_done()) {
      if (SteadyClock::now() > due) return false;
      if (!loop_.run()) loop_.wait(5);
    }
    return true;
  }
  // Their values are 0, 1, 2, …
  void produce(int count) {
    for (int i = 0; i < count; ++i) {
      std::string value = std::to_string(produced_++);
      ASSERT_EQ(rd_kafka_producev(producer_.get(), RD_KAFKA_V_TOPIC(partition_.topic.c_str()), RD_KAFKA_V_PARTITION(0),
                                  RD_KAFKA_V_VALUE(value.data(), value.size()),
                                  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                RD_KAFKA_RESP_ERR_NO_ERROR);
    }
  }
  bool is_flushed() { return rd_kafka_flush(producer_.get(), 0) == RD_KAFKA_RESP_ERR_NO_ERROR; }

  // The offsets of history up to `end`, read as one client would.
  std::vector<Offset> history_up_to(Offset end) {
    std::vector<Offset> offsets;
    Offset next = 0;
    std::optional<HistoryAnswer> got;
    while (next < end) {
      got.reset();
      const auto asking =
          streams_->history().read(partition_, next, loop_, [&](HistoryAnswer answer) { got = std::move(answer); });
      if (!run_until([&] { return got.has_value(); })) break;
      const auto* page = std::get_if<std::shared_ptr<const HistoryPage>>(&*got);
      if (page == nullptr) {  // not yet, or Kafka is away: asked again
        if (SteadyClock::now() > due_) break;
        loop_.wait(20);
        continue;
      }
      for (std::size_t at = (*page)->begin; at < (*page)->end;) {
        const RecordView record = (*page)->records->read(at);
        if (record.offset >= next) offsets.push_back(record.offset);
      }
      next = (*page)->next;
    }
    return offsets;
  }
  static std::vector<Offset> all_up_to(Offset end) {
    std::vector<Offset> offsets;
    for (Offset offset = 0; offset < end; ++offset) offsets.push_back(offset);
    return offsets;
  }

  const TopicPartition partition_{"moves", 0};
  const SteadyClock::time_point due_ = SteadyClock::now() + std::chrono::seconds{60};
  SystemClock clock_;
  StepLoop loop_{clock_, 0};
  std::unique_ptr<MockCluster> cluster_;
  CHandle<rd_kafka_t, rd_kafka_destroy> producer_;
  std::unique_ptr<KafkaStreams> streams_;
  int produced_ = 0;
};

TEST_F(LeaderMoves, ALeaderThatMovesEverySecondLosesAndRepeatsNothing) {
  const auto follow = streams_->tails().follow(partition_, loop_, [] {});
  ASSERT_TRUE(run_until([&] { return follow->log().epoch() == 1 && follow->log().at_end(); }));
  auto cursor = follow->log().seek(0);
  std::vector<Offset> tailed;
  const auto take = [&] {
    RecordView record;
    while (follow->log().read(cursor, record) == RecordLog::Step::record) tailed.push_back(record.offset);
  };
  for (int second = 0; second < 6; ++second) {
    ASSERT_TRUE(cluster_->set_leader(partition_.topic, 0, 1 + (second + 1) % 3));
    const auto until = SteadyClock::now() + std::chrono::seconds{1};
    ASSERT_TRUE(run_until([&] {
      produce(5);
      static_cast<void>(rd_kafka_poll(producer_.get(), 0));
      take();
      return SteadyClock::now() > until;
    }));
  }
  ASSERT_TRUE(run_until([&] { return is_flushed(); }));
  ASSERT_TRUE(run_until([&] {
    take();
    return tailed.size() >= static_cast<std::size_t>(produced_);
  })) << tailed.size()
      << " of " << produced_;

  EXPECT_EQ(tailed, all_up_to(static_cast<Offset>(tailed.size()))) << "each once, in order";
  EXPECT_EQ(follow->log().epoch(), 1U) << "no continuity was lost";
  EXPECT_EQ(history_up_to(produced_), all_up_to(static_cast<Offset>(tailed.size())));
}

}  // namespace
}  // namespace tailgate
