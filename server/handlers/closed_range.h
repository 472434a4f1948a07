// Closed ranges: long polls from an id to an id. Their answers never change, so caches may keep them.
#pragma once

#include <cstdint>

#include "server/handlers/stream_request.h"
#include "server/http/exchange.h"
#include "streams/poll.h"

namespace tailgate {

// How long an answer is kept without being asked for again. Not for ever: a topic that is deleted and made anew has
// other records at the same URL.
inline constexpr std::int64_t kRangeFreshS = 86'400;

// The URL says it all: every topic of a long poll starts at an id and ends at one. What a cursor holds, or the field
// Last-Event-ID says, is not in the URL.
bool is_closed_range(const StreamRequest& request);

// Of a closed range: the records decided where it ends and all that is in it, not time, pace or drain, and none was
// missing. They are below the last stable offset, as nothing else is read.
bool is_final(const PollAnswer& answer);

// `response` is a final answer of topics that are not compacted: gets the fields that let caches keep it, and becomes a
// 304 where the client has it already.
void let_caches_keep(Response& response, const StreamRequest& stream, const Request& request);

}  // namespace tailgate
