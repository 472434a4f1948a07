// What Kafka's own client gives: every partition of a topic read by librdkafka's simple consumer in batches. The
// measure for replay and latency.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/histogram.h"
#include "bench/kafka.h"
#include "bench/stamp.h"

namespace tailgate::bench {
namespace {

struct Options {
  std::string brokers;
  std::string topic;
  int partitions = 1;
  std::uint64_t records = 0;
  double warmup = 2;
  double seconds = 10;
};

class PlainConsumer {
 public:
  PlainConsumer(const Options& options)
      : options_{options},
        kafka_{make_kafka(RD_KAFKA_CONSUMER, options.brokers,
                          {{"group.id", "unused"},
                           {"check.crcs", "true"},
                           {"fetch.wait.max.ms", "100"},
                           {"queued.min.messages", "1000000"},
                           {"enable.auto.commit", "false"}})},
        topic_{rd_kafka_topic_new(kafka_.get(), options.topic.c_str(), nullptr)},
        queue_{rd_kafka_queue_new(kafka_.get())},
        batch_(4096) {
    // A topic that the handle does not know yet takes half a second to start: not what is measured here.
    const rd_kafka_metadata_t* metadata = nullptr;
    if (rd_kafka_metadata(kafka_.get(), 0, topic_.get(), &metadata, 10'000) != RD_KAFKA_RESP_ERR_NO_ERROR)
      give_up("no metadata");
    rd_kafka_metadata_destroy(metadata);
  }

  void start(std::int64_t offset) {
    for (int p = 0; p < options_.partitions; ++p) {
      if (rd_kafka_consume_start_queue(topic_.get(), p, offset, queue_.get()) != 0)
        give_up(rd_kafka_err2str(rd_kafka_last_error()));
    }
  }

  void stop() {
    for (int p = 0; p < options_.partitions; ++p) rd_kafka_consume_stop(topic_.get(), p);
  }

  // Calls `take` with each record that comes within a second, the first at once.
  template <class Take>
  void read(Take&& take) {
    // The batch call waits for a full batch or its time-out: so wait for one record, then take what else is there.
    if (auto* first = rd_kafka_consume_queue(queue_.get(), 1000); first != nullptr) {
      take_one(first, take);
      const auto count = rd_kafka_consume_batch_queue(queue_.get(), 0, batch_.data(), batch_.size());
      for (ssize_t i = 0; i < count; ++i) take_one(batch_[static_cast<std::size_t>(i)], take);
    }
  }

 private:
  template <class Take>
  void take_one(rd_kafka_message_t* message, Take& take) {
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      take(std::string_view{static_cast<const char*>(message->payload), message->len});
    } else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      give_up(rd_kafka_message_errstr(message));
    }
    rd_kafka_message_destroy(message);
  }

  const Options& options_;
  KafkaHandle kafka_;
  TopicHandle topic_;
  QueueHandle queue_;
  std::vector<rd_kafka_message_t*> batch_;
};

void replay(const Options& options) {
  PlainConsumer consumer{options};
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  const auto began = realtime_ns();
  consumer.start(0);  // not OFFSET_BEGINNING: looking that up costs half a second
  while (records < options.records) {
    consumer.read([&](std::string_view value) {
      ++records;
      bytes += value.size();
    });
  }
  const auto seconds = static_cast<double>(realtime_ns() - began) / 1e9;
  consumer.stop();
  std::printf("{\"records\":%llu,\"seconds\":%.4f,\"records_per_second\":%.0f,\"mb_per_second\":%.1f}\n",
              static_cast<unsigned long long>(records), seconds, static_cast<double>(records) / seconds,
              static_cast<double>(bytes) / seconds / 1e6);
}

void follow(const Options& options) {
  PlainConsumer consumer{options};
  Histogram latency;
  SequenceCheck check;
  SequenceFaults faults;
  consumer.start(RD_KAFKA_OFFSET_END);
  const auto begin = realtime_ns() + static_cast<std::int64_t>(options.warmup * 1e9);
  const auto end = begin + static_cast<std::int64_t>(options.seconds * 1e9);
  for (auto now = realtime_ns(); now < end; now = realtime_ns()) {
    consumer.read([&](std::string_view value) {
      Stamp stamp;
      std::size_t used = 0;
      const auto at = realtime_ns();
      if (parse_stamp(value, stamp, used) != StampParse::found) give_up("a record without a stamp");
      check.see(stamp, faults);
      if (at >= begin) latency.add(at - stamp.nanoseconds);
    });
  }
  consumer.stop();
  std::printf("{\"events\":%llu,\"lost\":%llu,\"latency_ms\":{\"p50\":%.4f,\"p99\":%.4f,\"p999\":%.4f,\"max\":%.4f}}\n",
              static_cast<unsigned long long>(latency.count()), static_cast<unsigned long long>(faults.lost),
              static_cast<double>(latency.quantile(0.5)) / 1e6, static_cast<double>(latency.quantile(0.99)) / 1e6,
              static_cast<double>(latency.quantile(0.999)) / 1e6, static_cast<double>(latency.max()) / 1e6);
}

}  // namespace
}  // namespace tailgate::bench

int main(int argc, char** argv) {
  tailgate::bench::Options options;
  CLI::App app{
      "Reads a topic as plain Kafka clients do: from its first record until --records have come, or live for "
      "--seconds"};
  app.add_option("--brokers", options.brokers)->required();
  app.add_option("--topic", options.topic)->required();
  app.add_option("--partitions", options.partitions)->check(CLI::PositiveNumber);
  app.add_option("--records", options.records);
  app.add_option("--warmup", options.warmup);
  app.add_option("--seconds", options.seconds);
  CLI11_PARSE(app, argc, argv);
  options.records > 0 ? tailgate::bench::replay(options) : tailgate::bench::follow(options);
}
