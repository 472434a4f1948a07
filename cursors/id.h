// Ids: a position as text, what clients send back in Last-Event-ID.
//
//     id      = (offset | parts | topics) ["!"]
//     parts   = partition ":" offset *("," partition ":" offset)
//     topics  = topic "=" parts *(";" topic "=" parts)
//     offset  = 1*19DIGIT | "-"                 "-": nothing passed yet
//
// Bounds: kIdPartitionsMax partitions, kIdBytesMax bytes; ascending, without repetition; partitions up to 2^31 - 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cursors/position.h"

namespace tailgate {

inline constexpr std::size_t kIdPartitionsMax = 256;
inline constexpr std::size_t kIdBytesMax = std::size_t{6} * 1024;

// The shortest form that is written for a stream; the longer ones are accepted where a shorter one is written.
enum class IdForm : std::uint8_t {
  offset,  // 42            /streams/{topic}/{partition}
  parts,   // 0:42,1:17     /streams/{topic}
  topics,  // a=0:42;b=0:7  /streams/{a},{b}
};

struct ParsedId {
  Position position;
  bool ended = false;  // it had a "!" behind it: the stream was at its asked end
};

// What an id may name: the topics of the stream, and its one partition on /streams/{topic}/{partition}.
struct IdScope {
  std::span<const std::string> topics;  // public names, not empty
  std::optional<std::int32_t> partition;
};

// bad_id with a sentence for the client that does not repeat the input; newer_id for a "v2~" id.
Result<ParsedId> parse_id(std::string_view text, const IdScope& scope);

std::string format_id(const Position& position, IdForm form);

}  // namespace tailgate
