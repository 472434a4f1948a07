// What a caller is told that has reached a limit: 429 with Retry-After and the RateLimit fields
// (draft-ietf-httpapi-ratelimit-headers-10), or `busy` where browsers would give up.
#pragma once

#include <cstdint>
#include <string_view>

#include "limits/gcra.h"
#include "server/handlers/stream_request.h"
#include "server/http/exchange.h"

namespace tailgate {

inline constexpr int kRetryAfterSlotsS = 10;  // nobody knows when a stream or a connection ends

// `retry_ms`: when there is a token again.
Response make_rate_refusal(const Request& request, const TokenRate& rate, std::int64_t retry_ms);
Response make_slots_refusal(const StreamRequest& request, std::size_t slots_max);
// Of an address with more connections than it may have. Null: what it asks for is not known.
Response make_connections_refusal(const Request* request, std::string_view code, std::string_view detail,
                                  std::size_t connections_max);

}  // namespace tailgate
