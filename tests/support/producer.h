// Writes records into a real Kafka, one call a batch, and says where they went.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/kafka_client.h"

namespace tailgate::test {

struct NewRecord {
  std::optional<std::string> value;  // none: a tombstone
  std::optional<std::string> key = {};
  std::vector<std::pair<std::string, std::optional<std::string>>> headers = {};
  std::int64_t timestamp_ms = 0;  // 0: now
};

class Producer {
 public:
  // `properties` over the defaults, for example compression.type. With a transactional id, records need begin() first.
  explicit Producer(const std::string& bootstrap, const std::string& transactional_id = {},
                    const std::map<std::string, std::string>& properties = {});

  // Returns when all are acknowledged, with their offsets in order; throws when one is not.
  std::vector<std::int64_t> send(const std::string& topic, int partition, const std::vector<NewRecord>& records);
  std::int64_t send(const std::string& topic, int partition, NewRecord record);

  void begin();
  void commit();
  // What was sent is in the log, and no reader of committed records ever sees it.
  void abort();

 private:
  KafkaClient client_;
  std::set<std::string> known_;  // topics that it has written to
};

}  // namespace tailgate::test
