// What limits callers on one io thread, and who a caller is.
#pragma once

#include <string>

#include "limits/connection_limit.h"
#include "limits/pace.h"
#include "limits/stream_slot.h"
#include "limits/token_leases.h"
#include "server/http/exchange.h"

namespace tailgate {

// Null: there is no such limit.
struct CallerLimits {
  TokenLeases* requests = nullptr;
  StreamSlots* slots = nullptr;
  Paces* paces = nullptr;
};

// Its address: there is no identity yet.
inline std::string caller_of(const Request& request) { return "ip:" + AddressKey::of(request.client).text(); }

}  // namespace tailgate
