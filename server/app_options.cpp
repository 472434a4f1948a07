#include "server/app_options.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace tailgate {

namespace {

HttpOptions http_options(const Config& config) {
  HttpOptions http;
  http.tls_handshake_ms = config.handshake_timeout_ms;
  http.first_byte_ms = config.first_byte_timeout_ms;
  http.header_block_ms = config.header_timeout_ms;
  http.idle_h1_ms = config.idle_timeout_h1_ms;
  http.idle_h2_ms = config.idle_timeout_h2_ms;
  http.write_stall_ms = config.write_stall_ms;
  http.notsent_lowat_bytes = config.notsent_lowat;
  http.ping_after_ms = config.ping_interval_ms;
  http.ping_answer_ms = config.ping_timeout_ms;
  http.clients.header = config.forwarded_header;
  http.settings_ack_ms = config.settings_timeout_ms;
  http.handshake_failures_per_second = config.tls_failures_per_address;
  return http;
}

KafkaStreamsOptions kafka_options(const Config& config) {
  KafkaStreamsOptions kafka;
  kafka.kafka.bootstrap = config.kafka;
  kafka.kafka.properties = config.librdkafka;
  kafka.kafka.max_event_bytes = config.max_event_bytes;
  kafka.tails.record_bytes = config.record_bytes;
  kafka.history.history_bytes = config.history_bytes;
  return kafka;
}

}  // namespace

Result<AppOptions> app_options(const Config& config) {
  AppOptions options;
  options.is_demo = config.mode == Mode::demo;
  const Scheme bare = config.tls_cert.empty() ? Scheme::http : Scheme::https;
  for (const std::string& text : config.listen) {
    auto address = parse_listen_address(text, bare);
    if (!address) return address.error();
    options.listen.push_back(std::move(*address));
  }
  auto admin = parse_listen_address(config.admin, Scheme::http);
  if (!admin) return admin.error();
  options.admin = std::move(*admin);
  options.tls.cert_file = config.tls_cert;
  options.tls.key_file = config.tls_key;
  options.tls.client_ca_file = config.tls_client_ca;
  options.tls.requires_tls13 = config.tls_min_version == TlsVersion::v1_3;
  options.is_health_on_public = config.health_on_public;
  options.has_console = config.console;
  options.threads = config.threads > 0 ? config.threads : std::max(1u, std::thread::hardware_concurrency());
  options.max_connections = config.max_connections;
  options.connections_per_address = config.connections_per_address;
  options.topics = config.topics;
  options.cors_origins = config.cors_origins;
  if (!config.redis.empty()) {
    auto redis = parse_redis_url(config.redis);
    if (!redis) return redis.error();
    redis->ca_file = config.redis_ca;
    redis->cert_file = config.redis_cert;
    redis->key_file = config.redis_key;
    options.redis = std::move(*redis);
  }
  options.redis_prefix = config.redis_prefix;
  options.redis_wait = static_cast<int>(config.redis_wait);
  options.cursors.ttl_ms = config.cursor_ttl_ms;
  options.cursors.per_principal_max = config.cursors_per_principal;
  options.metrics_topics = config.metrics_topics;
  options.kafka = kafka_options(config);
  options.feeds.feed_bytes = config.feed_bytes;
  options.feeds.feeds_bytes = config.feeds_bytes;
  options.streams.heartbeat_ms = config.heartbeat_ms;
  options.streams.retry_ms = config.retry_ms;
  options.streams.age_ms = config.stream_age_ms;
  options.streams.codings[index_of(Coding::gzip)] = config.gzip;
  options.streams.codings[index_of(Coding::zstd)] = config.zstd;
  options.drain_delay_ms = config.drain_delay_ms;
  options.drain_ms = config.drain_ms;
  options.limits.requests = config.limit_requests;
  options.limits.streams = config.limit_streams;
  options.limits.pace = {static_cast<double>(config.limit_records), static_cast<double>(config.limit_bytes)};
  options.limits.replicas = config.replicas;
  options.http = http_options(config);
  options.http.bodies_bytes_max = config.bodies_bytes / options.threads;
  auto trusted_proxies = Networks::parse(config.trusted_proxies);
  if (!trusted_proxies) return trusted_proxies.error();
  options.http.clients.trusted_proxies = std::move(*trusted_proxies);
  options.sockets.notsent_lowat_bytes = static_cast<int>(config.notsent_lowat);
  options.sockets.sndbuf_bytes = static_cast<int>(config.sndbuf);
  options.sockets.user_timeout_ms = static_cast<int>(config.user_timeout_ms);
  return options;
}

}  // namespace tailgate
