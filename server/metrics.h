// What /metrics says: the counts of all parts, read when somebody asks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/redis_counters.h"
#include "limits/connection_limit.h"
#include "limits/limit_counters.h"
#include "server/access_log.h"
#include "server/handlers/cursor_commits.h"
#include "server/http/server.h"
#include "server/net/acceptor.h"
#include "streams/kafka_streams.h"
#include "streams/stream_counters.h"

namespace tailgate {

// Which topics are labels of their own: the first `names_max` that there are. Who has one keeps it, so that no counter
// goes back.
//
// Threads: any.
class TopicLabels {
 public:
  explicit TopicLabels(std::size_t names_max) : names_max_{names_max} {}
  // `topic` itself, or "other".
  std::string of(const std::string& topic);

 private:
  const std::size_t names_max_;
  std::mutex mutex_;
  std::set<std::string> names_;  // under mutex_
};

// All outlive the page. Threads: any.
struct MetricSources {
  const AccessLog& access;
  const HttpServer& http;
  const AcceptCounters& accept;
  const ConnectionLimit& connections;
  std::vector<const StreamCounters*> streams;  // of each io thread
  std::vector<const RedisCounters*> redis;     // of each link; empty without Redis
  std::vector<const CursorCounters*> cursors;  // of each io thread
  std::vector<const LimitCounters*> limits;    // of each io thread
  std::size_t limit_slots = 0;                 // that are taken here
  std::size_t replicas = 1;                    // that share the limits
  KafkaStreams& kafka;
  TopicLabels& topic_labels;
  std::function<std::uint64_t()> log_lines_dropped;
  // The bounds that gauges are held against.
  std::size_t max_connections = 0;
  std::size_t record_bytes = 0;
  std::size_t feeds_bytes = 0;
  std::size_t history_bytes = 0;
  std::size_t bodies_bytes = 0;
};

std::string metrics_text(const MetricSources& sources);

}  // namespace tailgate
