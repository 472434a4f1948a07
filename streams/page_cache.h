// The history pages that are kept: least recently used ones go first, old ones always.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "streams/history.h"

namespace tailgate {

// Threads: any.
class PageCache {
 public:
  PageCache(const Clock& clock, std::size_t bytes_max, std::int64_t kept_ms)
      : clock_{clock}, bytes_max_{bytes_max}, kept_ms_{kept_ms} {}

  struct Hit {
    std::shared_ptr<const HistoryPage> page;
    std::uint64_t run = 0;  // that it was put by
    bool is_first_ask = false;
  };
  // The page with first <= offset < next, unless it is older than kept_ms: compaction may have changed what it holds.
  std::optional<Hit> find(const TopicPartition& partition, Offset offset);
  // As find, but does not count as an ask.
  bool has(const TopicPartition& partition, Offset offset) const;
  void put(std::shared_ptr<const HistoryPage> page, std::uint64_t run, bool is_asked);
  void drop(const TopicPartition& partition);
  void drop_old();
  // What went without having been asked for, by put or drop_old, since this was last called.
  struct Unasked {
    TopicPartition partition;
    std::uint64_t run = 0;
    std::size_t bytes = 0;
  };
  std::vector<Unasked> take_unasked();
  // Of all chunks that pages lie in, and of the pages themselves.
  std::size_t bytes() const;
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
  void add_bytes(const HistoryPage& page);
  void remove_bytes(const HistoryPage& page);
  void erase(const Entry& entry);

  const Clock& clock_;
  const std::size_t bytes_max_;
  const std::int64_t kept_ms_;
  mutable std::mutex mutex_;
  std::map<TopicPartition, Pages> pages_;
  Uses uses_;
  std::unordered_map<const RecordChunk*, std::size_t> chunks_;  // how many pages lie in it: they share its memory
  std::size_t bytes_ = 0;
  std::vector<Unasked> unasked_;
};

}  // namespace tailgate
