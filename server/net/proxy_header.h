// The header that a proxy puts in front of a connection to say whose it is (PROXY protocol, versions 1 and 2).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.h"

namespace tailgate {

// Fed with what has come, in any pieces; never takes a byte that lies behind the header.
class ProxyHeader {
 public:
  static constexpr std::size_t kV1BytesMax = 107;
  static constexpr std::size_t kV2BytesMax = 16 + 4096;  // addresses and TLVs: what proxies send has some hundred bytes

  enum class State : std::uint8_t {
    partial,
    complete,
    refused,  // no such header, or one that is not as it should be: nothing that follows is to be trusted
  };

  // How many of these bytes belong to the header.
  std::size_t take(std::string_view bytes);
  State state() const { return state_; }
  // Once complete. nullopt: the proxy speaks for itself (a health check) or does not know: the peer is who it is.
  const std::optional<IpAddress>& client() const { return client_; }

 private:
  std::size_t wanted() const;
  void look();
  void look_v1();
  void look_v2();

  std::string kept_;
  std::optional<IpAddress> client_;
  State state_ = State::partial;
};

}  // namespace tailgate
