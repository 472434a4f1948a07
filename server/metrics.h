// What /metrics says: the counts of all parts, read when somebody asks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
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
  std::function<std::uint64_t()> log_lines_dropped;
  // The bounds that gauges are held against.
  std::size_t max_connections = 0;
  std::size_t record_bytes = 0;
  std::size_t feeds_bytes = 0;
  std::size_t history_bytes = 0;
  std::size_t metrics_topics = 0;
};

std::string metrics_text(const MetricSources& sources);

}  // namespace tailgate
