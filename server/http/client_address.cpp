#include "server/http/client_address.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/decimal.h"

namespace tailgate {
namespace {

// More hops than this are no chain of proxies.
constexpr std::size_t kHopsMax = 32;

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1], [2001:db8::1]:80.
std::optional<IpAddress> parse_node(std::string_view node) {
  if (node.starts_with('[')) {
    const std::size_t end = node.find(']');
    if (end == node.npos) return std::nullopt;
    const std::string_view port = node.substr(end + 1);
    if (!port.empty() && (port[0] != ':' || !parse_decimal(port.substr(1), 65'535))) return std::nullopt;
    const std::string_view inside = node.substr(1, end - 1);
    return inside.find(':') == inside.npos ? std::nullopt : IpAddress::parse(inside);
  }
  const bool has_port = std::count(node.begin(), node.end(), ':') == 1;
  if (!has_port) return IpAddress::parse(node);
  const std::size_t colon = node.find(':');
  if (!parse_decimal(node.substr(colon + 1), 65'535)) return std::nullopt;
  return IpAddress::parse(node.substr(0, colon));
}

using Hops = std::vector<std::optional<IpAddress>>;  // from left to right; nullopt: not an address

std::optional<Hops> hops_of_x_forwarded_for(std::string_view value) {
  Hops hops;
  while (true) {
    const std::size_t comma = value.find(',');
    hops.push_back(parse_node(trim(value.substr(0, comma))));
    if (comma == value.npos) return hops;
    value.remove_prefix(comma + 1);
  }
}

bool is_for(std::string_view name) {
  return name.size() == 3 && std::tolower(static_cast<unsigned char>(name[0])) == 'f' &&
         std::tolower(static_cast<unsigned char>(name[1])) == 'o' &&
         std::tolower(static_cast<unsigned char>(name[2])) == 'r';
}

// RFC 7239: for="[2001:db8::1]:4711";proto=https, for=192.0.2.1
std::optional<Hops> hops_of_forwarded(std::string_view value) {
  Hops hops;
  std::optional<IpAddress> hop;
  bool has_for = false;
  std::size_t at = 0;
  const auto skip_space = [&] {
    while (at < value.size() && (value[at] == ' ' || value[at] == '\t')) ++at;
  };
  while (true) {
    skip_space();
    const std::size_t name_end = value.find_first_of("=;,", at);
    if (name_end != value.npos && value[name_end] == '=') {
      const std::string_view name = trim(value.substr(at, name_end - at));
      at = name_end + 1;
      std::string text;
      if (at < value.size() && value[at] == '"') {
        for (++at; at < value.size() && value[at] != '"'; ++at) {
          if (value[at] == '\\' && ++at == value.size()) return std::nullopt;
          text += value[at];
        }
        if (at == value.size()) return std::nullopt;
        ++at;
      } else {
        const std::size_t end = std::min(value.find_first_of(";,\" \t", at), value.size());
        text = value.substr(at, end - at);
        at = end;
      }
      if (is_for(name)) {
        if (has_for) return std::nullopt;
        has_for = true;
        hop = parse_node(text);
      }
    } else if (trim(value.substr(at, std::min(name_end, value.size()) - at)).empty()) {
      at = std::min(name_end, value.size());
    } else {
      return std::nullopt;
    }
    skip_space();
    if (at < value.size() && value[at] != ';' && value[at] != ',') return std::nullopt;
    if (at == value.size() || value[at] == ',') {
      hops.push_back(hop);
      hop.reset();
      has_for = false;
    }
    if (at == value.size()) return hops;
    ++at;
  }
}

}  // namespace

IpAddress client_address(const IpAddress& peer, const Request& request, const ClientAddressRules& rules) {
  if (rules.header == ForwardedHeader::none || !rules.trusted_proxies.contains(peer)) return peer;
  const bool is_x = rules.header == ForwardedHeader::x_forwarded_for;
  const std::string* value = request.header(is_x ? "x-forwarded-for" : "forwarded");
  if (value == nullptr) return peer;
  const auto hops = is_x ? hops_of_x_forwarded_for(*value) : hops_of_forwarded(*value);
  if (!hops) return peer;
  IpAddress client = peer;
  const std::size_t first = hops->size() > kHopsMax ? hops->size() - kHopsMax : 0;
  for (std::size_t i = hops->size(); i > first && rules.trusted_proxies.contains(client); --i) {
    const std::optional<IpAddress>& hop = (*hops)[i - 1];
    if (!hop) break;
    client = *hop;
  }
  return client;
}

}  // namespace tailgate
