// The configuration: plain values, checked. Where they come from is load_config.h; what they are called is settings.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "limits/gcra.h"
#include "server/http/client_address.h"

namespace tailgate {

enum class Mode : std::uint8_t {
  serve,  // a real Kafka
  demo,   // an embedded one
};

enum class TlsVersion : std::uint8_t { v1_2, v1_3 };

struct Config {
  Mode mode = Mode::serve;

  std::vector<std::string> listen{"0.0.0.0:8080"};
  std::string admin = "127.0.0.1:8081";
  bool health_on_public = false;

  std::string kafka;                              // "" in demo
  std::map<std::string, std::string> librdkafka;  // its own properties, from the table, the flags and the environment
  std::vector<std::string> topics;

  std::size_t threads = 0;  // 0: one a core
  std::size_t max_connections = 15'000;
  std::size_t connections_per_address = 0;    // 0: no limit
  std::size_t tls_failures_per_address = 20;  // a second; 0: no limit

  std::string tls_cert;  // path of a PEM file; "": none
  std::string tls_key;
  std::string tls_client_ca;
  TlsVersion tls_min_version = TlsVersion::v1_2;

  std::vector<std::string> cors_origins;
  std::vector<std::string> trusted_proxies;
  ForwardedHeader forwarded_header = ForwardedHeader::none;

  std::string redis;       // base/redis_url.h; "": everything in memory. May hold a password.
  std::string redis_file;  // where `redis` is read from; "": nowhere
  std::string redis_prefix = "tailgate";
  std::size_t redis_wait = 0;
  std::string redis_ca;  // paths of PEM files; "": none
  std::string redis_cert;
  std::string redis_key;
  std::size_t cursors_per_principal = 1'000;
  std::int64_t cursor_ttl_ms = std::int64_t{30} * 86'400'000;

  TokenRate limit_requests;       // a rate of 0: none
  std::size_t limit_streams = 0;  // 0: none
  std::size_t limit_records = 0;
  std::size_t limit_bytes = 0;
  std::size_t replicas = 0;  // 0: as many as are found in Redis

  std::size_t record_bytes = std::size_t{256} << 20;
  std::size_t feed_bytes = std::size_t{8} << 20;
  std::size_t feeds_bytes = std::size_t{512} << 20;
  std::size_t history_bytes = std::size_t{256} << 20;
  std::size_t bodies_bytes = std::size_t{128} << 20;
  std::size_t max_event_bytes = std::size_t{1} << 20;
  std::size_t notsent_lowat = std::size_t{32} << 10;
  std::size_t sndbuf = 0;  // 0: the kernel's choice

  std::int64_t heartbeat_ms = 15'000;
  std::int64_t retry_ms = 3'000;
  std::int64_t write_stall_ms = 30'000;
  std::int64_t stream_age_ms = 0;  // 0: none
  std::int64_t drain_delay_ms = 5'000;
  std::int64_t drain_ms = 20'000;

  std::int64_t handshake_timeout_ms = 10'000;
  std::int64_t first_byte_timeout_ms = 10'000;
  std::int64_t header_timeout_ms = 10'000;
  std::int64_t idle_timeout_h1_ms = 60'000;
  std::int64_t idle_timeout_h2_ms = 75'000;
  std::int64_t ping_interval_ms = 30'000;
  std::int64_t ping_timeout_ms = 15'000;
  std::int64_t settings_timeout_ms = 10'000;
  std::int64_t user_timeout_ms = 30'000;

  bool gzip = false;
  bool zstd = false;
  bool console = false;
  LogLevel log_level = LogLevel::info;
  LogFormat log_format = LogFormat::automatic;
  std::size_t metrics_topics = 200;
};

// What a mode starts from.
Config default_config(Mode mode);

}  // namespace tailgate
