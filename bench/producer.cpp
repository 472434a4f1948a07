// Writes stamped records: evenly at a rate with the least delay, or in bulk as fast as they go.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/kafka.h"
#include "bench/pace.h"
#include "bench/stamp.h"

namespace tailgate::bench {
namespace {

struct Options {
  std::string brokers;
  std::string topic;
  int partitions = 1;
  std::size_t bytes = 200;
  std::uint64_t records = 0;
  double rate = 0;
  double seconds = 0;
  std::uint64_t keys = 0;
  int linger_ms = 0;
  std::string compression = "none";
  bool is_of_orders = false;
};

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
    give_up(std::string{"a record was not written: "} + rd_kafka_err2str(message->err));
}

void produce(rd_kafka_t* kafka, rd_kafka_topic_t* topic, int partition, std::string_view key, std::string_view value) {
  for (;;) {
    auto* bytes = const_cast<char*>(value.data());
    if (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, bytes, value.size(), key.empty() ? nullptr : key.data(),
                         key.size(), nullptr) == 0) {
      return;
    }
    if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) give_up(rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_poll(kafka, 10);
  }
}

int run(const Options& options) {
  const bool is_paced = options.rate > 0;
  auto kafka = make_kafka(RD_KAFKA_PRODUCER, options.brokers,
                          {{"linger.ms", is_paced ? std::to_string(options.linger_ms) : "20"},
                           {"batch.num.messages", "10000"},
                           {"queue.buffering.max.messages", "500000"},
                           {"retries", "0"},
                           {"compression.codec", options.compression}},
                          &on_delivery);
  create_topic(kafka.get(), options.topic, options.partitions);
  TopicHandle topic{rd_kafka_topic_new(kafka.get(), options.topic.c_str(), nullptr)};
  const auto records =
      is_paced && options.seconds > 0 ? static_cast<std::uint64_t>(options.rate * options.seconds) : options.records;

  StampWriter writer{options.bytes, options.is_of_orders ? StampWriter::Filler::orders : StampWriter::Filler::letters};
  Pace pace{is_paced ? options.rate : 1};
  // Sequences of a key where there are keys, else of a partition: what one reader gets has no holes.
  std::vector<std::uint64_t> next(std::max(options.keys, static_cast<std::uint64_t>(options.partitions)));
  std::string key;
  const auto began = realtime_ns();
  for (std::uint64_t i = 0; i < records; ++i) {
    if (is_paced) pace.wait();
    const auto partition = static_cast<std::uint32_t>(i % static_cast<std::uint64_t>(options.partitions));
    const std::uint64_t of_key = options.keys > 0 ? i % options.keys : partition;
    if (options.keys > 0) key = "key-" + std::to_string(of_key);
    produce(kafka.get(), topic.get(), static_cast<int>(partition), key,
            writer.write({partition, next[of_key]++, realtime_ns()}));
    if (is_paced || i % 1024 == 0) rd_kafka_poll(kafka.get(), 0);
  }
  if (rd_kafka_flush(kafka.get(), 60'000) != RD_KAFKA_RESP_ERR_NO_ERROR)
    give_up("records are left unwritten after 60 s");
  std::printf("{\"records\":%llu,\"seconds\":%.3f}\n", static_cast<unsigned long long>(records),
              static_cast<double>(realtime_ns() - began) / 1e9);
  return 0;
}

}  // namespace
}  // namespace tailgate::bench

int main(int argc, char** argv) {
  tailgate::bench::Options options;
  CLI::App app{"Writes stamped records into a Kafka topic, in turn into each partition"};
  app.add_option("--brokers", options.brokers)->required();
  app.add_option("--topic", options.topic, "made if it does not exist")->required();
  app.add_option("--partitions", options.partitions)->check(CLI::PositiveNumber);
  app.add_option("--bytes", options.bytes, "of a value");
  app.add_option("--records", options.records);
  app.add_option("--rate", options.rate, "records a second; 0: as many as go, in large batches");
  app.add_option("--seconds", options.seconds, "with --rate, instead of --records");
  app.add_option("--linger", options.linger_ms, "ms that records at a rate may wait for each other");
  app.add_option("--keys", options.keys, "number of different keys; 0: no key");
  app.add_flag("--orders", options.is_of_orders, "values that have fields in common, as those of one feed do");
  app.add_option("--compression", options.compression, "none, gzip, snappy, lz4 or zstd");
  CLI11_PARSE(app, argc, argv);
  return tailgate::bench::run(options);
}
