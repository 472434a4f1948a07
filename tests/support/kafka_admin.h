// Topics of a real Kafka, changed while tests run. Every call returns when the change is visible, and throws when it
// fails.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/support/kafka_client.h"

namespace tailgate::test {

struct TopicOptions {
  int partitions = 1;
  int replication = 1;
  std::map<std::string, std::string> config = {};
};

class KafkaAdmin {
 public:
  explicit KafkaAdmin(const std::string& bootstrap);

  void create_topic(const std::string& topic, const TopicOptions& options = {});
  // Many in one request.
  void create_topics(const std::vector<std::string>& topics, const TopicOptions& options = {});
  // A topic of that stem with a name that no other test has. Returns the name.
  std::string make_topic(const std::string& stem, const TopicOptions& options = {});
  void delete_topic(const std::string& topic);
  void set_partitions(const std::string& topic, int total);
  // The log begins at `before` afterwards, as retention would have it.
  void delete_records(const std::string& topic, int partition, std::int64_t before);
  // All of the topic's own settings: librdkafka 2.0 can only replace them together.
  void set_config(const std::string& topic, const std::map<std::string, std::string>& config);
  // An access rule that refuses the topic to the user, on a cluster with KafkaOptions::secure.
  void deny(const std::string& topic, const std::string& user);
  // One that lets the user see the topic, and nothing else.
  void let_describe_only(const std::string& topic, const std::string& user);
  // The same, and read it.
  void let_read_only(const std::string& topic, const std::string& user);

  struct Ends {
    std::int64_t begin;
    std::int64_t end;
  };
  Ends ends(const std::string& topic, int partition);
  // The broker that leads it; -1 while none does.
  int leader(const std::string& topic, int partition);

 private:
  void add_rule(const std::string& topic, const std::string& user, rd_kafka_AclOperation_t operation,
                rd_kafka_AclPermissionType_t permission);

  KafkaClient client_;
};

}  // namespace tailgate::test
