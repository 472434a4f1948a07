// The three representations of a stream, each turned into the events that an application of it sees.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/ledger/seen.h"

namespace tailgate::ledger {

enum class Representation : std::uint8_t { sse, ndjson, long_poll };

struct BodyShape {
  Representation representation = Representation::sse;
  bool is_envelope = false;  // SSE: `data` is an envelope (NDJSON and long poll always are)
  bool id_by_line = false;   // SSE: the parser takes the id when its line is parsed, as fetch-event-source does
};

class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // The next bytes of the body; what they complete is appended to `seen`.
  virtual void feed(std::string_view bytes, std::vector<Seen>& seen) = 0;
  // The body ended as it should (not by a cut).
  virtual void finish(std::vector<Seen>& seen) = 0;
  // What the client would come back with: of the last event seen in this body, "" before the first.
  virtual std::string last_id() const = 0;
  // The bytes so far end inside of an event: a cut here is one in the middle.
  virtual bool is_inside_event() const = 0;
  // Taken by line, and its block not yet dispatched: the one record that such a parser loses by a cut here.
  virtual bool is_behind_id_line() const { return false; }
};

std::unique_ptr<BodyReader> make_body_reader(const BodyShape& shape);

// An event as the representations agree on it; kind is malformed when `text` is no envelope.
Seen read_envelope(std::string_view text);

}  // namespace tailgate::ledger
