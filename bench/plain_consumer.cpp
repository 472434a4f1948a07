// Reads a topic by librdkafka alone: the measure for replay and latency.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "bench/histogram.h"
#include "bench/plain_consumer.h"
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

void replay(const Options& options) {
  PlainConsumer consumer{options.brokers, options.topic, options.partitions};
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
  PlainConsumer consumer{options.brokers, options.topic, options.partitions};
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
