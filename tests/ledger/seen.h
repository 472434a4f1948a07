// What a client makes of the bytes of a stream: the events that its application gets to see.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tailgate::ledger {

// The content of a record in the form in which all representations agree: its kind and its bytes.
enum class Content : char { none = '-', json = 'j', text = 't', binary = 'b', null = 'n', oversize = 'o' };

struct Seen {
  enum class Kind : std::uint8_t { record, position, gap, reset, busy, expiring, reconnect, end, fault, malformed };
  Kind kind = Kind::record;
  std::string id;               // "": the event had none
  std::string topic;            // "": not said (a bare value)
  std::int32_t partition = -1;  // -1: not said
  std::int64_t offset = -1;     // -1: not said
  std::int64_t from = -1;       // gap: first and last offset that are gone; reset: where it goes on
  std::int64_t to = -1;         // reset: what was asked for
  Content content = Content::none;
  bool newlines_lost = false;  // SSE gives CR and CRLF of a bare value as LF
  std::string bytes;           // the value (of an event that is no record: its data, for people)
  bool key_known = false;
  std::string key;
};

inline std::string_view name_of(Seen::Kind kind) {
  switch (kind) {
    case Seen::Kind::record:
      return "record";
    case Seen::Kind::position:
      return "position";
    case Seen::Kind::gap:
      return "gap";
    case Seen::Kind::reset:
      return "reset";
    case Seen::Kind::busy:
      return "busy";
    case Seen::Kind::expiring:
      return "expiring";
    case Seen::Kind::reconnect:
      return "reconnect";
    case Seen::Kind::end:
      return "end";
    case Seen::Kind::fault:
      return "fault";
    case Seen::Kind::malformed:
      return "malformed";
  }
  return "?";
}

}  // namespace tailgate::ledger
