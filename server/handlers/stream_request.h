// What a request for a stream asks: the path, the query and the header fields of /streams, read once and checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "cursors/id.h"
#include "cursors/position.h"
#include "server/handlers/accept.h"
#include "server/handlers/accept_encoding.h"
#include "server/http/exchange.h"
#include "streams/exposure.h"
#include "streams/reset_policy.h"

namespace tailgate {

inline constexpr std::size_t kStreamTopicsMax = 16;
inline constexpr std::int64_t kBackMax = 100'000;      // from=-N
inline constexpr std::int64_t kGatherMaxMs = 1000;     // gather
inline constexpr std::int64_t kPollWaitDefaultS = 25;  // wait
inline constexpr std::int64_t kPollWaitMaxS = 50;
inline constexpr std::int64_t kPollRecordsDefault = 500;  // limit of a long poll
inline constexpr std::int64_t kPollRecordsMax = 10'000;
inline constexpr std::int64_t kPollBytesDefault = std::int64_t{1} << 20;  // max_bytes
inline constexpr std::int64_t kPollBytesMax = std::int64_t{16} << 20;

// Where a topic starts that no id names.
struct FromLatest {};
struct FromEarliest {};
struct FromBack {
  std::int64_t offsets;
};  // so many before the readable end of each partition, 0 … kBackMax
struct FromTime {
  std::int64_t wall_ms;
};  // the first record at or after it
using From = std::variant<FromLatest, FromEarliest, FromBack, FromTime>;

// Where a stream stops besides its limit.
struct UntilNever {};
struct UntilNow {};  // the ends seen at the start of this request
struct UntilTime {
  std::int64_t wall_ms;
};  // not in the future
struct UntilPosition {
  Position position;
};  // names every topic; a partition that it does not name has nothing to give
using Until = std::variant<UntilNever, UntilNow, UntilTime, UntilPosition>;

// Who moves the cursor of a stream.
enum class Commit : std::uint8_t {
  automatic,  // what the client has proven: the id that it comes back with
  manual,     // the client alone
  sent,       // what was written out
};

enum class Format : std::uint8_t { value, envelope };

struct StreamRequest {
  // From the path: public names, legal ones, ascending and each once; whether they are exposed is the catalogue's to
  // say.
  std::vector<std::string> topics;
  std::optional<std::int32_t> partition;  // /streams/{topic}/{partition}

  Representation representation = Representation::sse;
  Format format = Format::value;
  bool is_as_given = false;  // the URL says the representation
  CodingWishes codings{};    // how its client wants it compressed
  bool is_soft = false;      // SSE: refusals that would be 429 or 503 come as `busy`

  // What the ids of the request say, by topic. A topic that is not in it starts by `from`; in a topic that is, a
  // partition that is not named starts at its beginning.
  Position position;
  From from = FromLatest{};
  std::string id;               // as the client brought it in Last-Event-ID or last_event_id; "" if it came without one
  bool is_id_in_field = false;  // Last-Event-ID: not in the URL
  bool is_over = false;         // that id ends in "!", and there is a limit or until: 204

  std::string cursor;  // the name; "": none
  Commit commit = Commit::automatic;
  // What the cursor covers, of topics that `position` does not name: filled in by the one who reads it. A partition of
  // those that is not in it starts by `from`.
  Position saved;
  Position from_position;  // with a cursor: `from` as an id, for what the cursor does not cover

  std::optional<std::int64_t> limit;  // records, > 0; always there for a long poll
  Until until;
  ResetPolicy on_reset = ResetPolicy::latest;
  std::vector<std::string> keys;  // ascending, each once; empty: all records
  std::int64_t gather_ms = 0;     // events may wait so long to be sent together

  // Of a long poll.
  std::int64_t wait_s = kPollWaitDefaultS;
  std::int64_t bytes_max = kPollBytesDefault;
  std::string preference_applied;  // the Preference-Applied field of the answer; "": none

  IdForm id_form() const {
    if (partition) return IdForm::offset;
    return topics.size() == 1 ? IdForm::parts : IdForm::topics;
  }
};

// Every offset has a next one then: readers may add 1. (Kafka's own last offset is far from there.) For what comes from
// outside: ids, and what Redis holds.
Position with_successors(Position position);

// `request.path` starts with "/streams/". `now_ms`: the wall clock.
//
// bad_request, bad_id, newer_id: the sentence names the parameter or field. not_found: no legal topic, or no legal
// partition. not_acceptable: as negotiate().
Result<StreamRequest> parse_stream_request(const Request& request, std::int64_t now_ms);

// The query that goes on at `id`: that of `request` without what it started from, for `Link: <?…>; rel="next"`.
// Never carries a credential.
std::string next_query(const Request& request, std::string_view id);

}  // namespace tailgate
