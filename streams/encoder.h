// A record as bytes for clients: the `front` of an event, which all who ask the same share, and the `tail` with its id.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "streams/record.h"

namespace tailgate {

enum class EventFormat : std::uint8_t {
  sse_value,     // text/event-stream, data is the value
  sse_envelope,  // text/event-stream, data is the envelope
  ndjson,        // one envelope a line, with its id
  json,          // envelopes of a long poll, without ids
};

constexpr bool is_sse(EventFormat as) { return as == EventFormat::sse_value || as == EventFormat::sse_envelope; }

// Appends everything of an event but its id. `topic` is the public name.
void append_front(std::string& out, EventFormat as, std::string_view topic, std::int32_t partition,
                  const RecordView& record);

// Appends what completes the event: the id line and the empty line of SSE, `,"id":"…"}` and LF of NDJSON, `}` of a long
// poll.
void append_tail(std::string& out, EventFormat as, std::string_view id);

// A block that is no record: `data` is a JSON object. SSE `event: NAME`, `data:`, and `id:` unless `id` is empty;
// NDJSON
// {"event":NAME,"id":ID, members of data}.
void append_control(std::string& out, EventFormat as, std::string_view name, std::string_view data,
                    std::string_view id);

}  // namespace tailgate
