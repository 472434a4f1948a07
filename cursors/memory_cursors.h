// Cursors of one replica without Redis: in memory, gone with the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "cursors/cursor_store.h"

namespace tailgate {

// What all threads share.
//
// Bounds: for each principal per_principal_max cursors of kCursorPartitionsMax partitions, and a number.
//
// Threads: any.
class MemoryCursorTable {
 public:
  MemoryCursorTable(const Clock& clock, CursorOptions options) : clock_{clock}, options_{options} {}
  CursorAnswer read(const CursorKey& key);
  CursorAnswer move(const CursorKey& key, const CursorMove& move);
  void erase(const CursorKey& key);
  CursorAnswer find_room(const CursorKey& key);

 private:
  struct Entry {
    Cursor cursor;
    std::int64_t expires_ms = 0;  // steady
  };
  struct Principal {
    std::map<std::string, Entry> entries;  // by name
    std::int64_t floor = 1;                // the least generation that no erased cursor has had
  };

  // Null: there is none, or no longer.
  Entry* find(const CursorKey& key);
  bool has_room(const std::string& principal);

  const Clock& clock_;
  const CursorOptions options_;
  std::mutex mutex_;
  std::map<std::string, Principal> principals_;
};

class MemoryCursors final : public CursorStore {
 public:
  MemoryCursors(MemoryCursorTable& table, Loop& loop) : table_{table}, loop_{loop} {}
  Ask<CursorAnswer> read(const CursorKey& key, Then then) override;
  Ask<CursorAnswer> move(const CursorKey& key, CursorMove move, Then then) override;
  Ask<CursorAnswer> erase(const CursorKey& key, Then then) override;
  Ask<CursorAnswer> find_room(const CursorKey& key, Then then) override;

 private:
  Ask<CursorAnswer> answer(CursorAnswer answer, Then then);

  MemoryCursorTable& table_;
  Loop& loop_;
};

}  // namespace tailgate
