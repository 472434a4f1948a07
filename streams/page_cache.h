// The history pages that are kept: least recently used ones go first, old ones always. One that somebody holds takes
// its memory whether it is kept or not, so it stays, and others go for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "streams/history.h"
#include "streams/history_memory.h"

namespace tailgate {

// Threads: any.
class PageCache {
 public:
  // `bytes_max`: of all that `memory` counts.
  PageCache(const Clock& clock, const HistoryMemory& memory, std::size_t bytes_max, std::int64_t kept_ms)
      : clock_{clock}, memory_{memory}, bytes_max_{bytes_max}, kept_ms_{kept_ms} {}

  struct Hit {
    std::shared_ptr<const HistoryPage> page;
    std::uint64_t run = 0;  // that it was put by
    bool is_first_ask = false;
  };
  // The page with first <= offset < next that is for who needs these headers, unless it is older than kept_ms:
  // compaction may have changed what it holds.
  std::optional<Hit> find(const TopicPartition& partition, Offset offset, Headers needed);
  // As find, but does not count as an ask.
  std::shared_ptr<const HistoryPage> peek(const TopicPartition& partition, Offset offset) const;
  // Where the first page that begins at `offset` or behind it begins; kNone: there is none.
  static constexpr Offset kNone = std::numeric_limits<Offset>::max();
  Offset first_from(const TopicPartition& partition, Offset offset) const;
  // Pages may overlap, but none that lies within another is kept: so of those that begin up to an offset the last one
  // also ends last.
  void put(std::shared_ptr<const HistoryPage> page, std::uint64_t run, bool is_asked);
  // Lets pages go until there is room for so much more. False: what is held leaves none.
  bool make_room(std::size_t bytes);
  void drop(const TopicPartition& partition);
  void drop_old();
  // What went without having been asked for, by put, make_room or drop_old, since this was last called.
  struct Unasked {
    TopicPartition partition;
    std::uint64_t run = 0;
    std::size_t bytes = 0;
  };
  std::vector<Unasked> take_unasked();
  // Of a page, its chunk and its entry here, besides its records.
  static constexpr std::size_t kPageOverhead = 256;
  // Of one page, without what its chunk has besides.
  static std::size_t bytes_of(const HistoryPage& page);

 private:
  struct Entry;
  using Uses = std::list<Entry*>;  // least recently used first
  struct Entry {
    std::shared_ptr<const HistoryPage> page;
    std::uint64_t run = 0;
    std::int64_t put_ms = 0;
    bool is_asked = false;
    Uses::iterator use;
  };
  using Pages = std::map<Offset, Entry>;  // by first

  const Entry* look(const TopicPartition& partition, Offset offset) const;
  void erase_within(const HistoryPage& page);
  bool is_held(const Entry& entry) const;
  void leave_chunk(const Entry& entry);
  void erase(const Entry& entry);
  bool make_room_locked(std::size_t bytes);

  const Clock& clock_;
  const HistoryMemory& memory_;
  const std::size_t bytes_max_;
  const std::int64_t kept_ms_;
  mutable std::mutex mutex_;
  std::map<TopicPartition, Pages> pages_;
  Uses uses_;
  std::unordered_map<const RecordChunk*, long> chunks_;  // how many of the pages lie in it: they share its memory
  std::vector<Unasked> unasked_;
};

}  // namespace tailgate
