// A librdkafka handle with the given properties, and the questions that tests ask through it.
//
// Threads: any.
#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <map>
#include <string>

#include "base/c_handle.h"

namespace tailgate::test {

using KafkaMetadata = CHandle<const rd_kafka_metadata_t, rd_kafka_metadata_destroy>;

class KafkaClient {
 public:
  // Throws when librdkafka does not take a property.
  KafkaClient(rd_kafka_type_t type, const std::map<std::string, std::string>& properties);
  rd_kafka_t* get() const { return handle_.get(); }

  // Of all topics when `topic` is null. Null when nobody answers in time.
  KafkaMetadata metadata(const char* topic, std::chrono::milliseconds timeout) const;

 private:
  CHandle<rd_kafka_t, rd_kafka_destroy> handle_;
};

}  // namespace tailgate::test
