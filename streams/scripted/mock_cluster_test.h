// The whole Kafka side on librdkafka's mock cluster: real handles, sockets and threads, no Java.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "streams/kafka_streams.h"
#include "streams/mock_cluster.h"

namespace tailgate::scripted {

class MockClusterTest : public testing::Test {
 protected:
  using SteadyClock = std::chrono::steady_clock;

  // With a producer that reaches it.
  void open_cluster(int brokers) {
    auto cluster = MockCluster::open(brokers);
    ASSERT_TRUE(cluster);
    cluster_ = std::move(*cluster);
    char why[256];
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", cluster_->bootstrap().c_str(), why, sizeof why);
    producer_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why));
  }
  // Once the topics are there: the catalog knows them when it returns.
  void open_streams(std::map<std::string, std::string> properties = {}) {
    KafkaStreamsOptions options;
    options.kafka.bootstrap = cluster_->bootstrap();
    options.kafka.is_mock = true;
    options.kafka.properties = std::move(properties);
    auto streams = KafkaStreams::open(options, *Exposure::parse({"*"}), clock_, nullptr, 1);
    ASSERT_TRUE(streams) << streams.error().detail;
    streams_ = std::move(*streams);
    ASSERT_TRUE(run_until([&] { return streams_->catalog().topics()->version > 0; }));
  }

  // Runs the loop of this thread, as an io thread would, until `is_done` or a minute has passed.
  bool run_until(const std::function<bool()>& is_done) {
    const auto due = SteadyClock::now() + std::chrono::seconds{60};
    while (!is_done()) {
      if (SteadyClock::now() > due) return false;
      if (!loop_.run()) loop_.wait(5);
    }
    return true;
  }
  template <class Answer, class Question>
  Answer ask(const Question& question) {
    std::optional<Answer> got;
    const auto asking = question([&](Answer answer) { got = std::move(answer); });
    EXPECT_TRUE(run_until([&] { return got.has_value(); }));
    return std::move(*got);
  }

  // On its way: is_flushed() says when it has arrived.
  void send(const TopicPartition& to, std::string value) {
    ASSERT_EQ(rd_kafka_producev(producer_.get(), RD_KAFKA_V_TOPIC(to.topic.c_str()), RD_KAFKA_V_PARTITION(to.partition),
                                RD_KAFKA_V_VALUE(value.data(), value.size()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                RD_KAFKA_V_END),
              RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  bool is_flushed(int wait_ms = 0) { return rd_kafka_flush(producer_.get(), wait_ms) == RD_KAFKA_RESP_ERR_NO_ERROR; }
  // Their values begin with 0, 1, 2, …
  void produce(const TopicPartition& to, int count, std::size_t value_bytes = 1) {
    for (int i = 0; i < count; ++i) {
      std::string value = std::to_string(i) + " ";
      value.resize(std::max(value.size(), value_bytes), 'x');
      send(to, std::move(value));
    }
    ASSERT_TRUE(is_flushed(/*wait_ms=*/60'000));
  }

  // What history gives up to `end`, read as one client would; what there was after a minute.
  std::vector<Offset> history_up_to(const TopicPartition& partition, Offset end) {
    const auto due = SteadyClock::now() + std::chrono::seconds{60};
    std::vector<Offset> offsets;
    for (Offset next = 0; next < end && SteadyClock::now() < due;) {
      const auto answer = ask<HistoryAnswer>(
          [&](auto then) { return streams_->history().read(partition, next, Headers::left_out, loop_, then); });
      const auto* page = std::get_if<std::shared_ptr<const HistoryPage>>(&answer);
      if (page == nullptr) {  // not yet, or Kafka is away: asked again
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
  // Of what a tail has read, behind those that it took before.
  static void take(const Follow& follow, RecordLog::Cursor& cursor, std::vector<Offset>& offsets) {
    RecordView record;
    while (follow.log().read(cursor, record) == RecordLog::Step::record) offsets.push_back(record.offset);
  }

  SystemClock clock_;
  StepLoop loop_{clock_, 0};
  std::unique_ptr<MockCluster> cluster_;
  CHandle<rd_kafka_t, rd_kafka_destroy> producer_;
  std::unique_ptr<KafkaStreams> streams_;
};

}  // namespace tailgate::scripted
