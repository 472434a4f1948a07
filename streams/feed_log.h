// The encoded events of one feed on one io thread: what all of its subscribers there read in place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "cursors/position.h"
#include "streams/coded_unit.h"
#include "streams/coding.h"

namespace tailgate {

// P of a slot before its partition has been started.
inline constexpr Offset kNotStarted = std::numeric_limits<Offset>::min();

// A slot is a partition of the feed: its number in the order in which the feed got to know it.
using Slot = std::uint16_t;

struct FeedEntry {
  enum class Kind : std::uint8_t {
    record,    // an event; P[slot] becomes `offset`
    progress,  // no bytes; nothing for clients up to `offset`: P[slot] becomes it
    barrier,   // no bytes; the feed goes on behind `offset` and has not seen what lies between: P[slot] becomes it
  };
  std::uint32_t end;         // bytes of the chunk up to the end of this entry
  std::uint32_t tail_bytes;  // of them the id line and the empty line
  Slot slot;
  Kind kind;
  Offset offset;
};

// Bytes and the entries that describe them. An entry never spans chunks.
struct FeedChunk {
  std::unique_ptr<char[]> bytes;
  std::size_t capacity = 0;
  std::vector<FeedEntry> entries;
  // Of its bytes, by coding, ascending; none where nobody takes them compressed.
  std::array<std::vector<CodedUnit>, kCodings> units;
  std::size_t units_bytes = 0;    // that they cost
  std::uint64_t begin = 0;        // bytes of the log before it
  std::vector<Offset> start;      // P before the first entry, by slot; shorter where slots came later
  std::uint32_t barriers = 0;     // among the entries
  std::uint32_t subscribers = 0;  // that stand in it
  FeedChunk* next = nullptr;

  std::size_t used() const { return entries.empty() ? 0 : entries.back().end; }
  std::size_t begin_of(std::size_t entry) const { return entry == 0 ? 0 : entries[entry - 1].end; }
  std::string_view view(std::size_t from, std::size_t to) const { return {bytes.get() + from, to - from}; }
  std::size_t cost() const {
    return capacity + entries.capacity() * sizeof(FeedEntry) + start.size() * sizeof(Offset) + units_bytes;
  }
};

class FeedChunkPool;

// Threads: its io thread only.
// Invariants: bytes and entries, once appended, never change; P at an entry is the chunk's start and the entries before
// it. Chunks that nobody stands in and that are not the newest are dropped; so memory is what the slowest subscriber
// needs.
class FeedLog {
 public:
  // Where a subscriber stands: before entry `entry` of `chunk`.
  struct Place {
    FeedChunk* chunk = nullptr;
    std::uint32_t entry = 0;
  };

  static constexpr std::size_t kChunkBytesMin = 1024;

  // Chunks come from `pool`, and go there when they are out of use.
  explicit FeedLog(FeedChunkPool& pool);
  FeedLog(const FeedLog&) = delete;
  FeedLog& operator=(const FeedLog&) = delete;

  void append_record(Slot slot, Offset offset, std::string_view front, std::string_view tail);
  void append_progress(Slot slot, Offset offset);
  void append_barrier(Slot slot, Offset offset);
  // The compressed form of bytes that are there, behind those of the chunk that have one.
  const CodedUnit& append_unit(FeedChunk& chunk, Coding coding, CodedUnit unit);

  // P at the head, by slot; kNotStarted where nothing was appended.
  const std::vector<Offset>& head_position() const { return head_; }
  // P at a place.
  std::vector<Offset> position_at(const Place& place) const;

  // A subscriber enters at the head, moves on and leaves: that is what keeps chunks.
  Place enter();
  void leave(const Place& place);
  // Moves to the next chunk where the place is at its chunk's end and there is one. False: at the head.
  bool advance(Place& place);

  std::size_t bytes() const { return bytes_; }
  std::size_t chunks() const { return chunks_.size(); }
  // The oldest chunk if it is not the newest. It is dropped when everyone who stands in it has entered the next one.
  FeedChunk* oldest() { return chunks_.size() > 1 ? chunks_.front().get() : nullptr; }
  // Enters the start of the next chunk; the old place is still to be left.
  Place after(const Place& place);

 private:
  std::size_t next_capacity() const;
  FeedEntry& append(Slot slot, FeedEntry::Kind kind, Offset offset, std::size_t bytes);
  void drop_unused();

  FeedChunkPool& pool_;
  std::vector<std::unique_ptr<FeedChunk>> chunks_;  // never empty; mostly one or two
  std::vector<Offset> head_;
  std::size_t bytes_ = 0;
};

}  // namespace tailgate
