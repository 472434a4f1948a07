#include "server/net/listen_address.h"

#include <sys/un.h>

#include <charconv>

namespace tailgate {
namespace {

constexpr std::size_t kUnixPathMax = sizeof(sockaddr_un::sun_path) - 1;

constexpr std::string_view kProxyOption = "?proxy=v1v2";

Error wrong(std::string detail) { return Error{ErrorCode::bad_config, std::move(detail)}; }

bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  for (const char c : host) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                    c == '-' || c == '_' || c == ':' || c == '%';
    if (!ok) return false;
  }
  return true;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

std::string ListenAddress::text() const {
  const std::string option{has_proxy_header ? kProxyOption : std::string_view{}};
  if (is_unix()) return "unix:" + unix_path + option;
  const bool is_v6 = host.find(':') != std::string::npos;
  std::string out{scheme_name(scheme)};
  out += "://";
  out += is_v6 ? '[' + host + ']' : host;
  out += ':';
  out += std::to_string(port);
  return out + option;
}

Result<ListenAddress> parse_listen_address(std::string_view text, Scheme bare_scheme) {
  ListenAddress address;
  if (const auto question = text.find('?'); question != std::string_view::npos) {
    if (text.substr(question) != kProxyOption) return wrong("what may stand behind a listener is ?proxy=v1v2");
    address.has_proxy_header = true;
    text = text.substr(0, question);
  }
  if (take_prefix(text, "unix:")) {
    if (text.empty()) return wrong("unix: needs a path");
    if (text.size() > kUnixPathMax) return wrong("the path of a Unix socket has at most 107 bytes");
    address.unix_path = text;
    return address;
  }
  address.scheme = bare_scheme;
  if (take_prefix(text, "https://")) {
    address.scheme = Scheme::https;
  } else if (take_prefix(text, "http://")) {
    address.scheme = Scheme::http;
  }
  const auto colon = text.rfind(':');
  const bool has_other_scheme = text.find("://") != std::string_view::npos;
  if (has_other_scheme || colon == std::string_view::npos)
    return wrong("a listener is http://host:port, https://host:port or unix:PATH");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) return wrong("brackets are for IPv6 addresses");
  } else if (host.find(':') != std::string_view::npos) {
    return wrong("an IPv6 address is written in brackets: [::1]:8080");
  }
  if (!is_host(host)) return wrong("the host of a listener is an address or a name");
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || error != std::errc{} || end != port.data() + port.size()) {
    return wrong("the port of a listener is a number from 0 to 65535");
  }
  address.host = host;
  return address;
}

}  // namespace tailgate
