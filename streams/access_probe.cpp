#include "streams/access_probe.h"

#include <chrono>
#include <thread>

#include "streams/kafka_consumer.h"

namespace tailgate {

namespace {

constexpr Offset kBeyondEveryLog = Offset{1} << 62;

class Probe final : public ConsumerEvents {
 public:
  explicit Probe(const std::vector<TopicPartition>& partitions) : unanswered_{partitions.begin(), partitions.end()} {}
  void on_record(const TopicPartition& from, const RecordView&) override { unanswered_.erase(from); }
  void on_end(const TopicPartition& from, Offset) override { unanswered_.erase(from); }
  void on_out_of_range(const TopicPartition& from, Offset) override { unanswered_.erase(from); }
  void on_error(const TopicPartition& from, const std::string&) override { unanswered_.erase(from); }
  void on_refused(const TopicPartition& from, const std::string&) override {
    unanswered_.erase(from);
    refused.insert(from.topic);
  }
  bool is_done() const { return unanswered_.empty(); }

  std::set<std::string> refused;

 private:
  std::set<TopicPartition> unanswered_;
};

}  // namespace

std::set<std::string> refused_topics(const std::vector<TopicPartition>& partitions, const KafkaOptions& options,
                                     const Clock& clock, KafkaReports& reports) {
  // A handle for the moment: a thousand topics take megabytes in it.
  auto consumer = KafkaConsumer::open(options, KafkaRole::catch_up, /*wake_fd=*/-1, reports);
  if (!consumer) return {};
  Probe probe{partitions};
  for (const TopicPartition& partition : partitions) (*consumer)->start(partition, kBeyondEveryLog);
  const std::int64_t due_ms = clock.steady_ms() + kAccessProbeMs;
  while (!probe.is_done() && clock.steady_ms() < due_ms) {
    if ((*consumer)->poll(probe, partitions.size()) == 0) std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  return std::move(probe.refused);
}

}  // namespace tailgate
