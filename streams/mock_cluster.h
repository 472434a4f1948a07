// A Kafka cluster in the process, for the demo and for tests: librdkafka's mock. No files, no ports to choose.
#pragma once

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <memory>
#include <string>

#include "base/c_handle.h"
#include "base/error.h"

namespace tailgate {

// Keeps about 5 MB a partition and forgets the oldest. It has no transactions, no compaction and no lookup by time,
// answers a waiting fetch late, and makes every topic that its metadata is asked for by name: KafkaOptions::is_mock
// minds all that.
class MockCluster {
 public:
  static Result<std::unique_ptr<MockCluster>> open(int brokers);
  // Before anything is produced to it. False: it exists.
  bool create_topic(const std::string& name, int partitions);
  std::string bootstrap() const;

  // For tests: brokers are 1, 2, … False: there is no such partition or broker.
  bool set_leader(const std::string& topic, int partition, int broker);
  // For tests: what else librdkafka's mock can be told.
  rd_kafka_mock_cluster_t& mock() { return *cluster_; }

 private:
  using Handle = CHandle<rd_kafka_t, rd_kafka_destroy>;
  using Cluster = CHandle<rd_kafka_mock_cluster_t, rd_kafka_mock_cluster_destroy>;

  explicit MockCluster(Handle handle, int brokers);

  Handle handle_;  // carries the cluster: destroyed after it
  Cluster cluster_;
};

}  // namespace tailgate
