// Which representation of a stream a client takes: RFC 9110 section 12.5.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace tailgate {

enum class Representation : std::uint8_t {
  sse,     // text/event-stream
  json,    // application/json: a long poll
  ndjson,  // application/x-ndjson
};

inline constexpr std::size_t kAcceptBytesMax = 1024;

struct Negotiated {
  Representation representation = Representation::sse;
  bool is_event_source = false;  // the first type named is text/event-stream: what EventSource sends
};

// `accept`: the field's value, empty if there is none. The highest q wins, then what is named first, then SSE, JSON,
// NDJSON. Ranges that do not parse are passed over (Java sends "*; q=.2"), parameters other than q too. not_acceptable:
// no representation is acceptable. bad_request: longer than kAcceptBytesMax.
Result<Negotiated> negotiate(std::string_view accept);

// The representation that `?as=` calls by this name.
std::optional<Representation> representation_named(std::string_view name);
std::string_view name_of(Representation representation);
std::string_view media_type_of(Representation representation);

}  // namespace tailgate
