#include "base/redis_url.h"

#include <sys/un.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "base/decimal.h"
#include "base/percent.h"

namespace tailgate {
namespace {

constexpr std::int64_t kDbMax = 1'000'000;
constexpr std::uint16_t kSentinelPort = 26379;
constexpr std::size_t kUnixPathMax = sizeof(sockaddr_un::sun_path) - 1;

Error wrong(std::string detail) { return {ErrorCode::bad_config, std::move(detail)}; }

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// What is before the first `separator`; `rest` goes on behind it, or is empty.
std::string_view take_until(std::string_view& rest, char separator) {
  const std::size_t at = std::min(rest.find(separator), rest.size());
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return taken;
}

Result<RedisAddress> parse_address(std::string_view text, std::uint16_t default_port) {
  RedisAddress address{.host = {}, .port = default_port};
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos) return wrong("an IPv6 address is written in brackets: [::1]:6379");
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return wrong("behind the brackets of an IPv6 address comes :PORT");
  } else if (const std::size_t colon = text.find(':'); colon != text.npos) {
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  const auto is_legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_' || c == ':' || c == '%';
  };
  if (host.empty() || !std::all_of(host.begin(), host.end(), is_legal)) return wrong("a host is a name or an address");
  address.host = host;
  if (!port.empty()) {
    const auto number = parse_decimal(port.substr(1), std::numeric_limits<std::uint16_t>::max());
    if (!number || *number == 0) return wrong("a port is a number from 1 to 65535");
    address.port = static_cast<std::uint16_t>(*number);
  }
  return address;
}

Result<void> take_user(std::string_view text, RedisOptions& options) {
  std::string_view rest = text;
  const auto user = percent_decode(take_until(rest, ':'), Plus::as_it_is);
  const auto password = percent_decode(rest, Plus::as_it_is);
  if (!user || !password || password->empty()) {
    return wrong("before the @ comes USER:PASSWORD or :PASSWORD, percent-encoded");
  }
  options.user = *user;
  options.password = *password;
  return {};
}

Result<void> take_db(std::string_view text, RedisOptions& options) {
  if (text.empty()) return {};
  const auto db = parse_decimal(text, kDbMax);
  if (!db) return wrong("behind the host comes the number of a database, if anything");
  options.db = static_cast<int>(*db);
  return {};
}

}  // namespace

std::string RedisAddress::text() const {
  if (is_socket()) return "unix:" + host;
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

Result<RedisOptions> parse_redis_url(std::string_view text) {
  RedisOptions options;
  if (take_prefix(text, "unix:")) {
    if (!text.starts_with('/')) return wrong("unix: takes the whole path of a socket: unix:/run/redis.sock");
    if (text.size() > kUnixPathMax) return wrong("the path of a Unix socket has at most 107 bytes");
    options.servers = {{.host = std::string{text}, .port = 0}};
    return options;
  }
  if (take_prefix(text, "rediss")) {
    options.is_tls = true;
  } else if (!take_prefix(text, "redis")) {
    return wrong("must be redis://, rediss://, redis-cluster://, redis-sentinel:// or unix:/path");
  }
  if (take_prefix(text, "-cluster")) options.kind = RedisKind::cluster;
  if (take_prefix(text, "-sentinel")) options.kind = RedisKind::sentinel;
  if (!take_prefix(text, "://")) {
    return wrong("must be redis://, rediss://, redis-cluster://, redis-sentinel:// or unix:/path");
  }
  std::string_view path = text;
  std::string_view authority = take_until(path, '/');
  if (const std::size_t at = authority.rfind('@'); at != authority.npos) {
    if (Result<void> taken = take_user(authority.substr(0, at), options); !taken) return taken.error();
    authority.remove_prefix(at + 1);
  }
  const std::uint16_t port = options.kind == RedisKind::sentinel ? kSentinelPort : std::uint16_t{6379};
  do {
    auto address = parse_address(take_until(authority, ','), port);
    if (!address) return address.error();
    options.servers.push_back(std::move(*address));
  } while (!authority.empty());
  if (options.kind == RedisKind::single && options.servers.size() > 1) {
    return wrong("takes one host; several are for redis-cluster:// and redis-sentinel://");
  }
  if (options.kind == RedisKind::sentinel) {
    options.master_name = take_until(path, '/');
    if (options.master_name.empty()) return wrong("redis-sentinel:// needs the name of the master behind the hosts");
  }
  if (Result<void> taken = take_db(path, options); !taken) return taken.error();
  if (options.kind == RedisKind::cluster && options.db != 0) return wrong("a cluster has no numbered databases");
  return options;
}

}  // namespace tailgate
