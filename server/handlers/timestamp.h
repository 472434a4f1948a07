// Points in time as clients write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tailgate {

// Milliseconds since the epoch of an RFC 3339 time ("2026-01-31T12:00:00.5+01:00"; a space for the 'T' and for the '+'
// of the zone is taken, because that is what '+' in a query decodes to) or of "@" and milliseconds. A part of a
// millisecond rounds up: the first record at or after the time is meant. Times before 1970 are 0. nullopt: neither of
// the two, or no such day.
std::optional<std::int64_t> parse_timestamp(std::string_view text);

}  // namespace tailgate
