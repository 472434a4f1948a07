// Refusals that EventSource survives: browsers give up for ever on any status but 200.
#pragma once

#include <optional>
#include <string_view>

#include "server/handlers/stream_request.h"
#include "server/http/exchange.h"

namespace tailgate {

// 200, `retry:` with the wait, `event: busy` with the client's own id back (no `id:` line if it came without one), and
// the end.
Response make_busy(std::string_view id, std::string_view reason, int retry_after_s);

// That, if the request is for a stream, is sound, and asks for soft refusals (its first Accept type is
// text/event-stream, or `soft=1`); else nothing.
std::optional<Response> make_soft_refusal(const Request& request, std::string_view reason, int retry_after_s);

}  // namespace tailgate
