#include "streams/mock_cluster.h"

#include <array>
#include <utility>

namespace tailgate {

namespace {

void drop_log(const rd_kafka_t*, int, const char*, const char*) {}  // it warns of having no brokers: it is them

}  // namespace

Result<std::unique_ptr<MockCluster>> MockCluster::open(int brokers) {
  std::array<char, 512> why{};
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set_log_cb(conf, drop_log);
  Handle handle{rd_kafka_new(RD_KAFKA_PRODUCER, conf, why.data(), why.size())};
  if (!handle) {
    rd_kafka_conf_destroy(conf);
    return Error{ErrorCode::upstream_down, std::string{"librdkafka: "} + why.data()};
  }
  std::unique_ptr<MockCluster> mock{new MockCluster{std::move(handle), brokers}};
  if (!mock->cluster_) return Error{ErrorCode::upstream_down, "the embedded Kafka cannot listen on 127.0.0.1"};
  return mock;
}

MockCluster::MockCluster(Handle handle, int brokers)
    : handle_{std::move(handle)}, cluster_{rd_kafka_mock_cluster_new(handle_.get(), brokers)} {}

bool MockCluster::create_topic(const std::string& name, int partitions) {
  return rd_kafka_mock_topic_create(cluster_.get(), name.c_str(), partitions, /*replication_factor=*/1) ==
         RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool MockCluster::set_leader(const std::string& topic, int partition, int broker) {
  return rd_kafka_mock_partition_set_leader(cluster_.get(), topic.c_str(), partition, broker) ==
         RD_KAFKA_RESP_ERR_NO_ERROR;
}

std::string MockCluster::bootstrap() const { return rd_kafka_mock_cluster_bootstraps(cluster_.get()); }

}  // namespace tailgate
