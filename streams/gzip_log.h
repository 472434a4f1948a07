// The compressed form of a feed's log: one deflate stream for all of its subscribers that take gzip.
//
// References of deflate count bytes of what a client has got: a unit fits a client only if it has got the unit before
// it and nothing since, or if the unit is a restart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "streams/deflater.h"
#include "streams/feed_log.h"
#include "streams/gzip_unit.h"

namespace tailgate {

// A unit holds as much as is there when somebody asks for it first, and at most this of the log. A client that has got
// the first part of one keeps the rest for itself.
inline constexpr std::size_t kGzipUnitBytes = 16 * 1024;
// A part of an event is a unit from here on: who is paced may get no more than some bytes of one.
inline constexpr std::size_t kGzipPartBytes = kGzipUnitBytes / 2;

// Threads: its feed's. Costs Deflater::kBytes while it has users.
class GzipLog {
 public:
  explicit GzipLog(FeedLog& log) : log_{log} {}

  void enter();
  void leave();

  // The unit that begins at byte `from` of a chunk; null: there is none.
  static const GzipUnit* find(const FeedChunk& chunk, std::size_t from);
  // Compresses [from, to) of a chunk, at most kGzipUnitBytes. Null: what lies behind `from` has been compressed or
  // passed over, or `to` is within an event and near.
  const GzipUnit* make(FeedChunk& chunk, std::size_t from, std::size_t to, std::int64_t now_ms);
  // Somebody waits for a restart. They cost everybody: there is one soon, not at once.
  void want_restart() { is_restart_wanted_ = true; }
  // Where the next restart in this chunk begins, from byte `from` on; the chunk's end if there is none yet.
  static std::size_t next_restart(const FeedChunk& chunk, std::size_t from);

  std::size_t bytes() const { return deflater_ ? Deflater::kBytes : 0; }

 private:
  FeedLog& log_;
  std::size_t users_ = 0;
  std::unique_ptr<Deflater> deflater_;
  std::string scratch_;
  std::uint64_t made_ = 0;  // units
  std::uint64_t end_ = 0;   // bytes of the log up to the end of the newest one
  bool is_restart_wanted_ = false;
  std::size_t since_restart_bytes_ = 0;
  std::int64_t restart_ms_ = 0;
};

}  // namespace tailgate
