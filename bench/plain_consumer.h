// Every partition of a topic read by librdkafka's simple consumer in batches: what Kafka's own client gives.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/kafka.h"

namespace tailgate::bench {

class PlainConsumer {
 public:
  PlainConsumer(const std::string& brokers, const std::string& topic, int partitions)
      : partitions_{partitions},
        kafka_{make_kafka(RD_KAFKA_CONSUMER, brokers,
                          {{"group.id", "unused"},
                           {"check.crcs", "true"},
                           {"fetch.wait.max.ms", "100"},
                           {"queued.min.messages", "1000000"},
                           {"enable.auto.commit", "false"}})},
        topic_{rd_kafka_topic_new(kafka_.get(), topic.c_str(), nullptr)},
        queue_{rd_kafka_queue_new(kafka_.get())},
        batch_(4096) {
    // A topic that the handle does not know yet takes half a second to start: not what is measured here.
    const rd_kafka_metadata_t* metadata = nullptr;
    if (rd_kafka_metadata(kafka_.get(), 0, topic_.get(), &metadata, 10'000) != RD_KAFKA_RESP_ERR_NO_ERROR)
      give_up("no metadata");
    rd_kafka_metadata_destroy(metadata);
  }

  void start(std::int64_t offset) {
    for (int p = 0; p < partitions_; ++p) {
      if (rd_kafka_consume_start_queue(topic_.get(), p, offset, queue_.get()) != 0)
        give_up(rd_kafka_err2str(rd_kafka_last_error()));
    }
  }

  void stop() {
    for (int p = 0; p < partitions_; ++p) rd_kafka_consume_stop(topic_.get(), p);
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

  int partitions_;
  KafkaHandle kafka_;
  TopicHandle topic_;
  QueueHandle queue_;
  std::vector<rd_kafka_message_t*> batch_;
};

}  // namespace tailgate::bench
