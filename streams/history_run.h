// A reading of one partition from an offset on, that cuts what comes into history pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/loop.h"
#include "streams/catalog.h"
#include "streams/history.h"
#include "streams/record_chunk.h"

namespace tailgate {

class HistoryReader;

struct HistoryRun {
  struct Asker {
    Offset offset;
    Headers headers;
    Reply<HistoryAnswer> reply;
    std::int64_t asked_ms = 0;
  };
  enum class State : std::uint8_t {
    waiting,  // for a place on a consumer
    reading,  // on one
    asking,   // the catalog, why its offset cannot be read
    resting,
  };

  // The page at hand is not empty.
  bool has_records() const { return chunk && chunk->published() > page_begin; }

  std::uint64_t id = 0;
  TopicPartition partition;
  Headers headers = Headers::left_out;
  Offset first = 0;
  State state = State::resting;
  HistoryReader* reader = nullptr;     // reading
  Offset next = 0;                     // every readable record below it has been read
  Offset page_first = 0;               // of the page at hand
  Offset look_at = 0;                  // a record from there on may be in a page that another run has read
  std::shared_ptr<RecordChunk> chunk;  // that it lies in, behind pages that were cut before; null: nothing in it yet
  std::size_t page_begin = 0;          // in the chunk
  std::size_t chunk_bytes = 0;         // of the next one
  std::vector<Asker> askers;
  std::size_t ahead_bytes = 0;   // in pages that nobody has asked for
  std::size_t budget_bytes = 0;  // that ahead_bytes may grow to: 0 until somebody has asked for a second page
  bool is_at_end = false;        // nothing was readable at `next` when it was last there
  std::size_t bytes = 0;         // read so far
  bool is_touched = false;       // it has had an event in the step at hand
  std::int64_t event_ms = 0;     // of the last event, or the start
  std::int64_t asked_ms = 0;
  bool is_silent = false;  // nothing has come for long while it was on a consumer, and nothing since
  int refused = 0;         // times in a row that the offset was out of range and then was not
  Ask<Catalog::EndsAnswer> ends;
};

}  // namespace tailgate
