// Partitions of Kafka through librdkafka's simple consumer: no group, no coordinator, any partition from any offset.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/c_handle.h"
#include "base/error.h"
#include "streams/consumer.h"
#include "streams/kafka_handle.h"

namespace tailgate {

// One handle, all of its partitions on one queue. An unknown partition is silent: ask the catalog first.
// start and stop may be called from within the events of poll.
//
// Threads: one at a time; made and destroyed by any.
class KafkaConsumer final : public Consumer {
 public:
  // `wake_fd` (an eventfd, which outlives the consumer; -1: none) is written to when something comes after poll has
  // returned 0.
  static Result<std::unique_ptr<KafkaConsumer>> open(const KafkaOptions& options, KafkaRole role, int wake_fd,
                                                     KafkaReports& reports);
  ~KafkaConsumer() override;

  void start(const TopicPartition& partition, Offset next) override;
  void stop(const TopicPartition& partition) override;
  std::size_t poll(ConsumerEvents& events, std::size_t records_max) override;
  Offset end_of_log(const TopicPartition& partition) override;

  // Messages that came below the offset asked for and were passed over. Threads: any.
  std::uint64_t below_position() const { return below_position_.load(std::memory_order_relaxed); }

 private:
  using Queue = CHandle<rd_kafka_queue_t, rd_kafka_queue_destroy>;
  using TopicHandle = CHandle<rd_kafka_topic_t, rd_kafka_topic_destroy>;
  struct Partition {
    TopicPartition name;
    bool is_started = false;
    Offset next = 0;                 // what comes is here or behind
    std::uint64_t started_in = 0;    // the batch at hand when it was started: what that holds is of an earlier start
    std::optional<Headers> headers;  // not known before its first record
  };
  struct KnownTopic {
    TopicHandle handle;  // its opaque is this object
    std::map<std::int32_t, Partition> partitions;
  };

  KafkaConsumer(KafkaClient client, const KafkaOptions& options, int wake_fd);
  KnownTopic& topic_of(const std::string& name);
  static Partition* partition_of(const rd_kafka_message_t& message);
  void give(const rd_kafka_message_t& message, ConsumerEvents& events);
  void give_record(Partition& partition, const rd_kafka_message_t& message, ConsumerEvents& events);
  void pack_headers(const rd_kafka_message_t& message);
  void bound(RecordView& record) const;

  KafkaClient client_;
  Queue queue_;
  const std::size_t max_event_bytes_;
  // Kept once made: it costs a round trip to learn their leaders.
  std::map<std::string, std::unique_ptr<KnownTopic>> topics_;
  std::vector<rd_kafka_message_t*> batch_;
  std::uint64_t batch_number_ = 0;
  std::string headers_;                                         // packed, of the record at hand
  std::vector<std::pair<TopicPartition, std::string>> failed_;  // starts that librdkafka refused, for the next poll
  std::atomic<std::uint64_t> below_position_{0};
};

}  // namespace tailgate
