// What streams do for named cursors, on one io thread: positions that clients have proven (commit=auto), and bookmarks
// of what was written out (commit=sent), joined to one save a second and cursor.
//
// A position is saved no further than the log's end: an id may be forged or of a topic that was made anew. A save that
// comes to nothing because Redis is away is tried again, joined with what has come meanwhile; one that never succeeds
// leaves the cursor older, never newer.
// Bounds: kCursorsMax cursors and kProofsMax questions to Kafka at a time; above them saves are dropped and counted.
// kSavesMax saves are under way at a time, the others wait in turn: the store takes no more than some at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/counter.h"
#include "base/loop.h"
#include "base/timers.h"
#include "cursors/cursor_store.h"
#include "streams/catalog.h"

namespace tailgate {

struct CursorCounters {
  Counter saves;    // moves that the store has confirmed
  Counter retries;  // that it was away for
  Counter refused;  // fenced, over a bound, damaged
  Counter dropped;  // never asked: too many at a time, or Kafka did not say where the log ends
};

// Threads: its loop's.
class CursorCommits {
 public:
  static constexpr std::size_t kCursorsMax = 100'000;
  static constexpr std::size_t kProofsMax = 10'000;
  static constexpr std::size_t kSavesMax = 200;
  static constexpr std::int64_t kSaveMs = 1'000;

  CursorCommits(CursorStore& store, Catalog& catalog, Loop& loop, CursorCounters& counters);
  ~CursorCommits();
  CursorCommits(const CursorCommits&) = delete;
  CursorCommits& operator=(const CursorCommits&) = delete;

  CursorStore& store() { return store_; }

  // The client has passed `position`. Of a topic that it names, the partitions that it does not name have nothing
  // passed yet, unless it is of one partition only (`is_whole` is false).
  void prove(const CursorKey& key, Position position, bool is_whole);

  // A stream whose cursor follows it, until this is destroyed; then its last position is saved.
  class Bookmark {
   public:
    // `position`: of the stream, now. `generation`: of its cursor when it started; none: there was no cursor.
    Bookmark(CursorCommits& commits, CursorKey key, std::optional<std::int64_t> generation,
             std::function<Position()> position);
    ~Bookmark();
    Bookmark(const Bookmark&) = delete;
    Bookmark& operator=(const Bookmark&) = delete;

   private:
    friend class CursorCommits;
    void note();

    CursorCommits& commits_;
    const CursorKey key_;
    std::optional<std::int64_t> generation_;
    const std::function<Position()> position_;
    Position noted_;
    std::list<Bookmark*>::iterator place_;
  };

  // A position that a stream of `generation` has passed on its own (a long poll with commit=sent).
  void note(const CursorKey& key, std::optional<std::int64_t> generation, const Position& position);

  // A drain begins: what waits, and where bookmarked streams stand, is saved now, and from now on without waiting.
  void flush();
  // Nothing is on its way to the store.
  bool is_idle() const { return lines_.empty() && proofs_.empty(); }

 private:
  using LineKey = std::pair<CursorKey, std::optional<std::int64_t>>;
  struct Line {
    CursorMove waiting;  // joined; empty: nothing waits
    CursorMove sent;     // while `ask` waits
    bool is_sent = false;
    bool is_due = false;       // in due_
    std::int64_t next_ms = 0;  // no save before it
    Ask<CursorAnswer> ask;
  };
  struct Proof {
    CursorKey key;
    Position position;
    Ask<Catalog::EndsAnswer> ask;
  };

  void on_ends(std::list<Proof>::iterator proof, const Catalog::EndsAnswer& ends);
  void save_in_turn(const LineKey& key, Line& line);
  void save_next();
  void save(const LineKey& key, Line& line);
  void on_saved(const LineKey& key, const CursorAnswer& answer);
  void on_tick();
  // What waits, where its time has come or `at_once`; what has nothing left to do is forgotten.
  void save_all(bool at_once);
  std::map<std::string, std::int32_t> partitions_of(const Position& position) const;

  CursorStore& store_;
  Catalog& catalog_;
  Loop& loop_;
  CursorCounters& counters_;
  bool is_draining_ = false;
  std::map<LineKey, Line> lines_;
  std::deque<LineKey> due_;  // of lines that are to be saved, in turn
  std::size_t saves_ = 0;    // under way
  std::list<Proof> proofs_;
  std::list<Bookmark*> bookmarks_;  // those without a generation first
  Timer tick_{*this, [](CursorCommits& self) { self.on_tick(); }};
};

}  // namespace tailgate
