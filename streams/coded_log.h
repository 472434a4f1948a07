// The compressed form of a feed's log: one stream of a coding for all of its subscribers that take it.
//
// What a unit refers to counts bytes of what a client has got, and the state that these left it in: a unit fits a
// client only if it has got the unit before it and nothing since, or if the unit is a restart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "streams/coded_format.h"
#include "streams/coded_unit.h"
#include "streams/feed_log.h"

namespace tailgate {

// A unit holds as much as is there when somebody asks for it first, and at most this of the log. A client that has got
// the first part of one keeps the rest for itself.
inline constexpr std::size_t kCodedUnitBytes = 16 * 1024;
// A part of an event is a unit from here on: who is paced may get no more than some bytes of one.
inline constexpr std::size_t kCodedPartBytes = kCodedUnitBytes / 2;

// Threads: its feed's. Costs a compressor while it has users.
class CodedLog {
 public:
  CodedLog(FeedLog& log, Coding coding) : log_{log}, format_{format_of(coding)}, coding_{coding} {}

  void enter();
  void leave();

  // The unit that begins at byte `from` of a chunk; null: there is none.
  const CodedUnit* find(const FeedChunk& chunk, std::size_t from) const;
  // Compresses [from, to) of a chunk, at most kCodedUnitBytes. Null: what lies behind `from` has been compressed or
  // passed over, or `to` is within an event and near.
  const CodedUnit* make(FeedChunk& chunk, std::size_t from, std::size_t to, std::int64_t now_ms);
  // Somebody waits for a restart. They cost everybody: there is one soon, not at once.
  void want_restart() { is_restart_wanted_ = true; }
  // Where the next restart in this chunk begins, from byte `from` on; the chunk's end if there is none yet.
  std::size_t next_restart(const FeedChunk& chunk, std::size_t from) const;

  // Of the compressor: units count in their chunks.
  std::size_t bytes() const { return bytes_; }

 private:
  FeedLog& log_;
  const CodedFormat& format_;
  const Coding coding_;
  std::size_t users_ = 0;
  std::unique_ptr<Compressor> compressor_;
  std::size_t bytes_ = 0;
  std::string scratch_;
  std::uint64_t made_ = 0;  // units
  std::uint64_t end_ = 0;   // bytes of the log up to the end of the newest one
  bool is_restart_wanted_ = false;
  std::size_t since_restart_bytes_ = 0;
  std::int64_t restart_ms_ = 0;
};

}  // namespace tailgate
