// Whose request it is: the address of the connection, or what a trusted proxy says behind which client it stands.
#pragma once

#include <cstdint>

#include "base/ip_address.h"
#include "server/http/exchange.h"

namespace tailgate {

// Which field is read; the other one is whatever a client has written into it.
enum class ForwardedHeader : std::uint8_t { none, x_forwarded_for, forwarded };

struct ClientAddressRules {
  Networks trusted_proxies;
  ForwardedHeader header = ForwardedHeader::none;
};

// From right to left, which is from the nearest hop to the farthest, the first address that is no trusted proxy's.
// Where a hop has not said an address (`unknown`, an obfuscated one, nonsense), the one that said it is who asks. A
// field that cannot be taken apart (Forwarded with an open quote) says nothing.
IpAddress client_address(const IpAddress& peer, const Request& request, const ClientAddressRules& rules);

}  // namespace tailgate
