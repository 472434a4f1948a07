// The newest records of one tailed partition, raw: written by the reader thread, read by every io thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "streams/record.h"
#include "streams/record_chunk.h"

namespace tailgate {

// A stretch without loss: holds every readable record in [first(), next()), and within one epoch it only grows at
// next() and loses chunks at first(). When continuity is lost (retention overtook the reader, the log was truncated or
// made anew) a new epoch starts somewhere else, empty.
//
// Threads: one writer; any reader. Readers lock only to find a chunk or to move to the next one.
class RecordLog {
 public:
  static constexpr std::size_t kChunkBytesMin = 4 * 1024;
  static constexpr std::size_t kChunkBytesMax = 512 * 1024;

  RecordLog() = default;
  RecordLog(const RecordLog&) = delete;
  RecordLog& operator=(const RecordLog&) = delete;

  // ---- the writer ----
  // Starts an epoch: nothing is held, and the next record to come has an offset >= `next`.
  void start(Offset next);
  // Kafka's log may be another than the one that this is of: nothing is held or known until the next start().
  void stop();
  // Ascending offsets, >= next().
  // A chunk that it has to begin is at most chunk_bytes_max large, unless the record is larger.
  void append(const RecordView& record, std::int64_t now_ms, std::size_t chunk_bytes_max = kChunkBytesMax);
  // The reader stands at the readable end: everything below `next` has been seen.
  void reach_end(Offset next);
  // Drops the oldest chunk if it was filled before `before_ms`; the bytes freed (0: none left but the one written to,
  // or too young).
  std::size_t drop_oldest(std::int64_t before_ms);
  // When the oldest sealed chunk was filled; INT64_MAX without one.
  std::int64_t oldest_ms() const;
  std::size_t bytes() const;  // of all chunks held

  // ---- readers ----
  // 0 before start() and after stop().
  std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  // Every readable record below it has been appended (or dropped since). Of one epoch: read epoch() before and after.
  Offset next() const { return next_.load(std::memory_order_acquire); }
  // The reader has been at the readable end and nothing has been appended since.
  bool at_end() const { return at_end_.load(std::memory_order_acquire); }
  // First offset from which on everything is held.
  Offset first() const;

  // A place in the log. Keeps the chunk it stands in alive: hold one only for as long as it moves.
  struct Cursor {
    std::uint64_t epoch = 0;
    Offset next = 0;  // the record to come has an offset >= next
    std::shared_ptr<const RecordChunk> chunk;
    std::size_t at = 0;
  };
  enum class Step : std::uint8_t {
    record,    // `record` was filled; the cursor stands behind it
    progress,  // no record, but the cursor has moved over offsets that hold none, up to next()
    head,      // nothing new
    lost,      // cursor.next is no longer held (dropped), or of an epoch that is over
  };
  // A cursor at `next` in the epoch that is; `lost` on its first step unless first() <= next <= next().
  Cursor seek(Offset next) const;
  // The view is valid while the cursor stands in its chunk: until the next call with this cursor.
  Step read(Cursor& cursor, RecordView& record) const;

 private:
  struct Held {
    Offset first;  // behind the last record of the chunk before: all readable ones from here to the next chunk's first
    std::int64_t filled_ms;  // when its last record came
    std::shared_ptr<RecordChunk> chunk;
  };
  bool find(Cursor& cursor) const;
  void drop_all(Offset next);  // under mutex_

  mutable std::mutex mutex_;  // chunks_ (the writer, which alone changes it, reads it unlocked)
  std::deque<Held> chunks_;
  std::size_t bytes_ = 0;         // under mutex_
  Offset start_ = 0;              // of the epoch; under mutex_
  Offset first_free_ = 0;         // behind the last record appended; the writer's
  std::uint64_t last_epoch_ = 0;  // the writer's
  std::atomic<std::uint64_t> epoch_{0};
  std::atomic<Offset> next_{0};
  std::atomic<bool> at_end_{false};
};

}  // namespace tailgate
