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
#include "streams/history_readers.h"
#include "streams/history_run.h"
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
// Headers are read where somebody needs them: from then on, until nothing of the partition is left that was read for
// somebody, all of its runs and pages have them. Who shows values alone is most who come, and does not pay for it.
//
// history_bytes is of all memory that pages take. At the bound what nobody holds goes. Where those who asked hold all
// of it, nothing is read ahead, and runs start one after the other or when they have waited for full_ms: so one that
// never lets go keeps nobody waiting for longer, and a subscriber lets go within a second.
//
// Threads: find, read, drop, counts any; the rest the one that runs `own`.
class PageHistory final : public History, private HistoryRunEvents {
 public:
  PageHistory(const std::vector<Consumer*>& consumers, Catalog& catalog, Loop& own, const Clock& clock,
              KafkaReports& reports, HistoryOptions options);
  ~PageHistory() override;

  std::shared_ptr<const HistoryPage> find(const TopicPartition& partition, Offset offset, Headers needed) override;
  Ask<HistoryAnswer> read(const TopicPartition& partition, Offset offset, Headers needed, Loop& loop,
                          std::function<void(HistoryAnswer)> then) override;
  void drop(const TopicPartition& partition) override;

  // Takes what the consumers have. True: there may be more at once.
  bool step();

  HistoryCounts counts() const;

 private:
  using Run = HistoryRun;
  using Asker = HistoryRun::Asker;
  using State = HistoryRun::State;

  void want(const TopicPartition& partition, Asker asker);
  void need_headers(const TopicPartition& partition);
  // Of those who wait for the run, who does not stay asks anew.
  template <class Stays>
  void send_on(Run& run, Stays stays);
  Run* run_towards(const TopicPartition& partition, Offset offset);
  static bool is_near(const Run& run, Offset offset);
  Run& run_from(const TopicPartition& partition, Offset offset);
  void page_asked(const TopicPartition& partition, std::uint64_t run, Offset first, std::size_t bytes);
  void forget(const TopicPartition& partition);
  void queue(Run& run);
  void start_waiting();
  void give_way(std::vector<Run*> silent);
  void on_record(Run& run, const RecordView& record) override;
  void pass_known(Run& run);
  void on_end(Run& run, Offset next) override;
  void on_out_of_range(Run& run) override;
  void on_error(const Run& run, const std::string& text) override;
  void touch(Run& run);
  void cut(Run& run, Offset next);
  std::shared_ptr<RecordChunk> make_chunk(std::size_t bytes);
  std::shared_ptr<RecordChunk> fitted(std::shared_ptr<RecordChunk> chunk);
  static void leave_chunk(Run& run);
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
  HistoryReaders readers_;
  std::map<TopicPartition, std::map<std::uint64_t, Run>> runs_;
  std::map<TopicPartition, std::int64_t> with_headers_;  // and when it was last seen to have runs
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
