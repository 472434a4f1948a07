// Where Redis is, and how to enter: the setting `redis`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tailgate {

struct RedisAddress {
  std::string host;  // a name, or an address without brackets; a path with '/' in front: a Unix socket
  std::uint16_t port = 6379;
  bool is_socket() const { return host.starts_with('/'); }
  std::string text() const;
  auto operator<=>(const RedisAddress&) const = default;
};

enum class RedisKind : std::uint8_t { single, cluster, sentinel };

struct RedisOptions {
  RedisKind kind = RedisKind::single;
  bool is_tls = false;
  std::vector<RedisAddress> servers;  // single: one; cluster: some of its nodes; sentinel: the sentinels
  std::string master_name;            // sentinel
  std::string user;                   // "": the default one
  std::string password;               // "": none
  int db = 0;

  std::string ca_file;  // PEM; "": what the system trusts
  std::string cert_file;
  std::string key_file;

  int deadline_ms = 50;           // of a call
  int connect_ms = 1'000;         // of a connection, until it has greeted
  std::size_t queue_max = 1'000;  // calls without a reply, of a connection
};

// redis://[[user]:password@]host[:port][/db], rediss://…, unix:/path, redis-cluster://host[:port],…,
// redis-sentinel://host[:port],…/name[/db]; rediss-cluster:// and rediss-sentinel:// with TLS. User and password are
// percent-encoded. bad_config: a sentence that does not repeat the text, which may hold a password.
Result<RedisOptions> parse_redis_url(std::string_view text);

}  // namespace tailgate
