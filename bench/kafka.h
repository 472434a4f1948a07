// What the benchmark's Kafka programs share. Whatever fails ends the program with a line that says why.
#pragma once

#include <librdkafka/rdkafka.h>

#include <initializer_list>
#include <string>
#include <utility>

#include "base/c_handle.h"

namespace tailgate::bench {

using KafkaHandle = CHandle<rd_kafka_t, rd_kafka_destroy>;
using TopicHandle = CHandle<rd_kafka_topic_t, rd_kafka_topic_destroy>;
using QueueHandle = CHandle<rd_kafka_queue_t, rd_kafka_queue_destroy>;

[[noreturn]] void give_up(const std::string& why);

using Properties = std::initializer_list<std::pair<std::string, std::string>>;
// `on_delivery` may be null.
KafkaHandle make_kafka(rd_kafka_type_t type, const std::string& brokers, Properties properties,
                       void (*on_delivery)(rd_kafka_t*, const rd_kafka_message_t*, void*) = nullptr,
                       void* context = nullptr);

// Fine if it exists.
void create_topic(rd_kafka_t* kafka, const std::string& name, int partitions);

}  // namespace tailgate::bench
