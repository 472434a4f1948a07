// History pages, read by a few consumers for all who ask, as a machine that is driven step by step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/block.h"
#include "base/clock.h"
#include "base/loop.h"
#include "streams/catalog.h"
#include "streams/consumer.h"
#include "streams/history.h"
#include "streams/history_memory.h"
#include "streams/kafka_reports.h"
#include "streams/page_cache.h"

namespace tailgate {

struct HistoryOptions {
  std::size_t history_bytes = std::size_t{256} << 20;  // of all pages: kept, being read, held by who asked
  std::int64_t kept_ms = 60'000;                       // how old a page may become
  std::size_t chunk_bytes_first = 256 * 1024;          // of a run's first pages; each chunk is twice the one before
  std::size_t chunk_bytes_max = kHugePageBytes;        // and at most a sixty-fourth of history_bytes
  std::size_t page_bytes_asked = 64 * 1024;  // a page that somebody waits for is cut here when no more has come
  std::size_t ahead_bytes_max = std::size_t{4} << 20;  // how far a run reads ahead of one who reads page after page
  std::int64_t down_ms = 5'000;                        // no news of Kafka for so long: those who ask are told
  std::int64_t silent_ms = 60'000;  // and the run goes on so much longer: it may be passing a long aborted transaction
  std::int64_t rest_ms = 10'000;    // how long a run that stands still remembers its readers
  std::int64_t full_ms = 1'000;     // how long a run waits for memory that those who asked hold
  std::size_t runs_per_consumer = 16;
  std::size_t batch_records = 4'000;
};

struct HistoryCounts {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t pages = 0;  // read from Kafka
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;         // that they take
  std::uint64_t errors = 0;        // that partitions reported
  std::uint64_t downs = 0;         // asks that ended without Kafka
  std::uint64_t starts = 0;        // of a partition on a consumer
  std::uint64_t runs_reading = 0;  // now
  std::uint64_t runs_waiting = 0;  // for a place on a consumer, now
  std::uint64_t memory_bytes = 0;  // of all pages, whoever holds them, now
};

// A *run* reads a partition from an offset on, and cuts what comes into pages. It is on a consumer only while somebody
// waits for what it will pass, or while one who takes page after page is less than the read-ahead behind it; else it
// rests, which costs nothing, and goes on where it stood. Leaving the consumer it keeps all that the last fetch
// brought. So a single page costs one start and stop, and a replay almost none.
//
// A run whose partition says nothing keeps its place, as it may be passing a long aborted transaction: but where others
// wait for one, such runs have half of the places.
//
// What another run has read already is passed by: pages begin and end there, so that however many ask, and wherever
// they begin, about as many pages are made as the range takes.
//
// history_bytes is of all memory that pages take. At the bound what nobody holds goes. Where those who asked hold all
// of it, nothing is read ahead, and runs start one after the other or when they have waited for full_ms: so one that
// never lets go keeps nobody waiting for longer, and a subscriber lets go within a second.
//
// Threads: find, read, drop, counts any; the rest the one that runs `own`.
class PageHistory final : public History {
 public:
  PageHistory(const std::vector<Consumer*>& consumers, Catalog& catalog, Loop& own, const Clock& clock,
              KafkaReports& reports, HistoryOptions options);
  ~PageHistory() override;

  std::shared_ptr<const HistoryPage> find(const TopicPartition& partition, Offset offset) override;
  Ask<HistoryAnswer> read(const TopicPartition& partition, Offset offset, Loop& loop,
                          std::function<void(HistoryAnswer)> then) override;
  void drop(const TopicPartition& partition) override;

  // Takes what the consumers have. True: there may be more at once.
  bool step();

  HistoryCounts counts() const;

 private:
  class Reader;
  struct Asker {
    Offset offset;
    Reply<HistoryAnswer> reply;
    std::int64_t asked_ms = 0;
  };
  enum class State : std::uint8_t {
    waiting,  // for a place on a consumer
    reading,  // on one
    asking,   // the catalog, why its offset cannot be read
    resting,
  };
  struct Run {
    std::uint64_t id = 0;
    TopicPartition partition;
    Offset first = 0;
    State state = State::resting;
    Reader* reader = nullptr;            // reading
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
    bool is_touched = false;       // in touched_
    std::int64_t event_ms = 0;     // of the last event, or the start
    std::int64_t asked_ms = 0;
    bool is_silent = false;  // nothing has come for down_ms while it was on a consumer, and nothing since
    int refused = 0;         // times in a row that the offset was out of range and then was not
    Ask<Catalog::EndsAnswer> ends;
  };

  void want(const TopicPartition& partition, Asker asker);
  Run* run_towards(const TopicPartition& partition, Offset offset);
  static bool is_near(const Run& run, Offset offset);
  Run& run_from(const TopicPartition& partition, Offset offset);
  void page_asked(const TopicPartition& partition, std::uint64_t run, Offset first, std::size_t bytes);
  void forget(const TopicPartition& partition);
  void queue(Run& run);
  Reader* place_for(const Run& run) const;
  bool has_place() const;
  std::size_t silent_max() const;
  void start_waiting();
  void give_way(std::vector<Run*> silent);
  void on_record(Run& run, const RecordView& record);
  void pass_known(Run& run);
  void on_end(Run& run, Offset next);
  void on_out_of_range(Run& run, Offset asked);
  void on_error(const Run& run, const std::string& text);
  void touch(Run& run);
  bool has_records(const Run& run) const;
  void cut(Run& run, Offset next);
  std::shared_ptr<RecordChunk> make_chunk(std::size_t bytes);
  std::shared_ptr<RecordChunk> fitted(std::shared_ptr<RecordChunk> chunk);
  void leave_chunk(Run& run);
  void decide(Run& run, bool is_drained);
  void stop(Run& run);
  bool may_read_ahead(const Run& run);
  void ask_ends(Run& run);
  void ask_why_silent(Run& run);
  void on_ends(Run& run, const Catalog::EndsAnswer& answer);
  bool answer(const Asker& asker, const std::optional<PartitionEnds>& ends);
  void count_unasked();
  void on_tick();
  void erase(const Run& run);

  Catalog& catalog_;
  Loop& own_;
  const Clock& clock_;
  KafkaReports& reports_;
  const HistoryOptions options_;
  HistoryMemory memory_;
  PageCache cache_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::map<TopicPartition, std::map<std::uint64_t, Run>> runs_;
  std::deque<Run*> waiting_;
  std::vector<Run*> touched_;
  std::uint64_t last_run_ = 0;
  std::size_t ahead_bytes_ = 0;  // of all runs
  Timer tick_;
  HistoryCounts totals_;
  mutable std::mutex counts_mutex_;
  HistoryCounts counts_;  // under counts_mutex_: totals_ as of the last step, and the hits and misses
};

}  // namespace tailgate
