// The server, put together: what owns what, what starts and stops when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/redis_url.h"
#include "cursors/cursor_store.h"
#include "server/handlers/streams_handler.h"
#include "server/http/options.h"
#include "server/limit_threads.h"
#include "server/net/acceptor.h"
#include "server/net/listen_address.h"
#include "server/net/tls_context.h"
#include "streams/feed.h"
#include "streams/kafka_streams.h"

namespace tailgate {

struct AppOptions {
  bool is_demo = false;  // on an embedded Kafka with a sample producer
  std::vector<ListenAddress> listen;
  TlsOptions tls;  // for the https ones
  ListenAddress admin;
  bool is_health_on_public = false;
  bool has_console = false;
  std::size_t threads = 1;
  std::size_t max_connections = 15'000;
  std::size_t connections_per_address = 0;  // 0: no limit
  std::vector<std::string> topics;
  std::vector<std::string> cors_origins;
  std::int64_t drain_delay_ms = 5'000;  // from SIGTERM until the listeners close
  std::int64_t drain_ms = 20'000;       // how long streams then have to end
  std::size_t metrics_topics = 200;
  std::optional<RedisOptions> redis;  // none: everything in memory
  std::string redis_prefix = "tailgate";
  int redis_wait = 0;
  CursorOptions cursors;
  KafkaStreamsOptions kafka;
  FeedOptions feeds;  // feeds_bytes: of the process
  StreamsOptions streams;
  LimitOptions limits;
  HttpOptions http;  // its clients.trusted_proxies are the listeners' too
  SocketOptions sockets;
};

// Serves until SIGTERM or SIGINT, and then ends its streams in good order, within drain_delay_ms + drain_ms; a second
// signal ends the process at once. At SIGHUP certificates are read again and `on_hangup` runs. The error: what kept it
// from starting.
Result<void> run_app(const AppOptions& options, const std::function<void()>& on_hangup);

}  // namespace tailgate
