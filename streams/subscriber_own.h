// What a subscriber keeps while it is not live; of streams/subscriber*.cpp only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "streams/subscriber.h"

namespace tailgate {

struct Subscriber::Own {
  static constexpr Offset kNoEnd = std::numeric_limits<Offset>::max();
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  static constexpr std::int64_t kAnswerKeptMs = 1'000;
  static constexpr std::size_t kScanBytes = 512 * 1024;   // looked through in one turn, when little is for the client
  static constexpr std::int64_t kCheckMs = 1'000;         // ids beyond what was seen here: mostly a faster replica's
  static constexpr std::int64_t kBeyondGraceMs = 10'000;  // a watermark may lag so far behind what other replicas saw
  static constexpr std::int64_t kUnknownPartitionMs = 60'000;  // a replica may hear that late of a topic's growth

  struct Seen {
    Offset passed = kNothingPassed;  // v
    Offset feed = kNotStarted;       // P at place_
    Offset until = kNoEnd;
    std::size_t id_slot = 0;
    std::int64_t retry_ms = 0;       // history is not asked before
    std::int64_t check_ms = kNever;  // v is beyond all that was seen here: when Kafka is asked for its end
    bool is_beyond = false;          // history says that v is beyond the end
    bool is_asked = false;
    bool is_end_in_doubt = false;  // v is beyond an `until` that was the end: not finished before Kafka has been asked
    // v may be beyond the log's end.
    bool is_suspect() const {
      const bool is_ahead = feed != kNotStarted && passed > feed;
      return is_end_in_doubt || (passed < until && (is_ahead || is_beyond));
    }
  };
  struct Unknown {
    std::string topic;
    std::int32_t partition = 0;
    Offset passed = kNothingPassed;
    Offset until = kNoEnd;
  };
  struct Control {
    Delivery::Kind kind;
    Slot slot;
    Offset from;
    Offset to;
    std::string topic = {};  // of a partition without slot
    std::int32_t partition = 0;
    std::string_view code = {};
  };
  // The one place in records of a partition that is behind.
  struct Reading {
    enum class From : std::uint8_t { none, log, page } from = From::none;
    Slot slot = 0;
    Offset next = 0;                          // where it stands: of use only while that is v + 1
    RecordLog::Cursor cursor;                 // log
    std::shared_ptr<const HistoryPage> page;  // page
    std::size_t at = 0;
    std::weak_ptr<const RecordChunk> left_chunk;  // unpinned
    std::weak_ptr<const HistoryPage> left_page;
    void pin() {
      if (from == From::log && !cursor.chunk) {
        cursor.chunk = left_chunk.lock();
      } else if (from == From::page && !page) {
        page = left_page.lock();
        if (!page) from = From::none;
      }
    }
    void unpin() {
      if (from == From::log) {
        left_chunk = cursor.chunk;
        cursor.chunk.reset();
      } else if (from == From::page) {
        left_page = page;
        page.reset();
      }
    }
  };

  Own(IdForm form, Subscriber& subscriber) : id{form}, timer{subscriber, [](Subscriber& self) { self.on_due(); }} {}

  IdText id;
  std::vector<Seen> slots;
  std::vector<Unknown> unknown;  // partitions that the client knows and this replica does not, yet
  std::vector<std::size_t> unknown_id_slots;
  std::int64_t unknown_since_ms = 0;
  std::size_t differing = 0;  // slots with passed != feed
  Reading reading;
  std::vector<std::pair<Slot, Ask<HistoryAnswer>>> asks;
  std::shared_ptr<const HistoryPage> answered;  // kept until it is looked at, or for kAnswerKeptMs
  std::int64_t answered_ms = 0;
  std::list<Control> controls;  // none for nearly all: a deque would have memory without any
  std::vector<Slot> suspects;   // asked for with `ends`
  Ask<Catalog::EndsAnswer> ends;
  Ask<Catalog::TopicsAnswer> refresh;
  Ask<HistoryAnswer> find_ask;  // for find()
  std::optional<HistoryAnswer> found;
  std::unique_ptr<PartialEvent> partial;
  Timer timer;
  std::int64_t timer_ms = kNever;  // when it is due
  std::int64_t checked_ms = 0;     // when ids were last looked at
  std::size_t scanned_bytes = 0;
  Slot turn = 0;  // of the partitions that are behind
  bool is_feeds_turn = true;
  bool is_end_told = false;
  bool is_doubt_due = false;  // nothing is given before `ends` has been answered
};

}  // namespace tailgate
