// Where a listener listens, as it is written in the configuration.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tailgate {

enum class Scheme : std::uint8_t { http, https };

constexpr std::string_view scheme_name(Scheme scheme) { return scheme == Scheme::https ? "https" : "http"; }

struct ListenAddress {
  Scheme scheme = Scheme::http;
  std::string host;               // an IPv4 or IPv6 address or a name, without brackets; "" with a Unix socket
  std::uint16_t port = 0;         // 0: the kernel chooses
  std::string unix_path;          // of a Unix socket, else ""
  bool has_proxy_header = false;  // every connection begins with one

  bool is_unix() const { return !unix_path.empty(); }
  std::string text() const;  // http://[::1]:8080, unix:/run/tailgate.sock
  bool operator==(const ListenAddress&) const = default;
};

// `http://host:port`, `https://host:port`, `unix:PATH`, or a bare `host:port`, which is `bare_scheme`. IPv6 in
// brackets. `?proxy=v1v2` may stand behind it.
Result<ListenAddress> parse_listen_address(std::string_view text, Scheme bare_scheme = Scheme::http);

}  // namespace tailgate
