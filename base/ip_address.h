// The address of a peer: IPv4, IPv6, or none (a peer on a Unix socket).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tailgate {

// 17 bytes, compared as they stand: an IPv4 address mapped into IPv6 is kept as what it is.
class IpAddress {
 public:
  IpAddress() = default;
  static IpAddress of_v4(const std::uint8_t* address_4);
  static IpAddress of_v6(const std::uint8_t* address_16);
  // As inet_pton reads it: no brackets, no port, no zone.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_none() const { return family_ == Family::none; }
  bool is_v4() const { return family_ == Family::v4; }
  bool is_v6() const { return family_ == Family::v6; }
  // 4 or 16 bytes; none of none.
  std::string_view bytes() const;
  std::string text() const;  // "unix" of none
  bool operator==(const IpAddress&) const = default;

 private:
  enum class Family : std::uint8_t { none, v4, v6 };
  Family family_ = Family::none;
  std::array<std::uint8_t, 16> bytes_{};
};

// Networks as they are written in a configuration: 10.0.0.0/8, 2001:db8::/32, single addresses, and `unix` for all who
// come through a Unix socket.
class Networks {
 public:
  Networks() = default;
  // bad_config: an entry that is none, or whose address has bits beyond its prefix.
  static Result<Networks> parse(const std::vector<std::string>& entries);
  bool contains(const IpAddress& address) const;
  bool is_empty() const { return networks_.empty() && !has_unix_; }

 private:
  struct Network {
    IpAddress address;
    unsigned prefix;
  };
  std::vector<Network> networks_;
  bool has_unix_ = false;
};

}  // namespace tailgate
