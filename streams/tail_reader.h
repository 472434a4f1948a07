// The reader of the tails: the only writer of RecordLogs, as a machine that is driven step by step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "streams/catalog.h"
#include "streams/consumer.h"
#include "streams/denials.h"
#include "streams/history.h"
#include "streams/kafka_reports.h"
#include "streams/tail_news.h"
#include "streams/tails.h"

namespace tailgate {

struct TailOptions {
  std::size_t record_bytes = std::size_t{256} << 20;  // of all RecordLogs
  std::int64_t kept_ms = 60'000;                      // what is older goes even when there is room
  std::int64_t linger_ms = 60'000;                    // how long a partition is tailed that nobody follows
  // How long a position may lie beyond the log's end before the log counts as truncated.
  std::int64_t beyond_ms = 10'000;
  std::int64_t retry_ms = 500;
  std::size_t batch_records = 2'000;
};

struct TailCounts {
  std::uint64_t records = 0;          // read, since the start
  std::uint64_t bytes = 0;            // that they took in the logs
  std::uint64_t errors = 0;           // that partitions reported
  std::uint64_t continuity_lost = 0;  // retention, truncation, recreation
  std::uint64_t tailed = 0;           // partitions, now
  std::uint64_t behind = 0;           // of these, not at the readable end
  std::uint64_t log_bytes = 0;        // held now
  std::int64_t delay_ms = 0;          // how old the newest record of the last batch was when it was read
};

struct TailTopicCounts {
  std::uint64_t records = 0;     // read at its tails, since the start
  std::uint64_t bytes = 0;       // of these
  std::uint64_t unreadable = 0;  // offsets between the readable end and the log's: the most of any partition
};

// Where a tail starts, and what happens when its position is no longer in Kafka:
// - below the log's start (retention was faster): a new epoch at the log's start;
// - beyond its end: the log and the partition's history are forgotten at once, as both may be of another log than
//   Kafka's. The leader may only lag behind the one before, so it is asked again for `beyond_ms`: a new epoch at the
//   same position when it has caught up, else the log was truncated or made anew, and there is one at its readable end;
// - the topic is gone from the catalog: both are forgotten; a new epoch at the readable end when it is back.
//
// Threads: follow any io thread, counts any; the rest the one that runs `own`. Follows are destroyed before the reader
// is.
class TailReader final : public Tails, private ConsumerEvents {
 public:
  TailReader(Consumer& consumer, Catalog& catalog, History& history, Loop& own, const Clock& clock,
             KafkaReports& reports, TailOptions options);
  ~TailReader() override;

  std::unique_ptr<Follow> follow(const TopicPartition& partition, Loop& loop, std::function<void()> on_news) override;

  // Takes a batch of what has come, and wakes the loops that follow it. True: there may be more at once.
  bool step();

  TailCounts counts() const;
  // By Kafka's names; of topics that are tailed or were.
  std::map<std::string, TailTopicCounts> topic_counts() const;

 private:
  enum class State : std::uint8_t {
    resolving,     // asking the catalog where to start
    reading,       // the consumer reads it
    out_of_range,  // asking the catalog why
    gone,          // not in the catalog
  };
  // A partition as the reader's own thread sees it.
  struct Reading {
    explicit Reading(std::shared_ptr<Tail> tail_in) : tail{std::move(tail_in)} {}
    std::shared_ptr<Tail> tail;
    State state = State::resolving;
    Ask<Catalog::EndsAnswer> ask;
    Offset asked = 0;  // out_of_range: the position that was refused
    Denials denials;   // out_of_range: of that position
    std::int64_t retry_due_ms = -1;
    std::int64_t unfollowed_ms = -1;
    bool is_changed = false;    // in changed_
    std::size_t log_bytes = 0;  // as last counted
  };
  struct Sealed {
    std::weak_ptr<Tail> tail;
    std::int64_t sealed_ms;
  };
  struct Hash {
    std::size_t operator()(const TopicPartition& name) const {
      return std::hash<std::string>{}(name.topic) ^ (static_cast<std::size_t>(name.partition) * 0x9e3779b97f4a7c15U);
    }
  };
  class Following;

  void on_record(const TopicPartition& from, const RecordView& record) override;
  void on_end(const TopicPartition& from, Offset next) override;
  void on_out_of_range(const TopicPartition& from, Offset asked) override;
  void on_error(const TopicPartition& from, const std::string& text) override;

  Reading* find(const TopicPartition& name);
  void begin(std::shared_ptr<Tail> tail);
  void unfollow(Tail& tail);
  void ask_ends(Reading& reading);
  void on_ends(const TopicPartition& name, const Catalog::EndsAnswer& answer);
  void on_ends_out_of_range(Reading& reading, const PartitionEnds& ends);
  void forget(Reading& reading);
  void start_epoch(Reading& reading, Offset next);
  void read_on(Reading& reading, Offset next);
  void retry_later(Reading& reading);
  void check_catalog();
  void count_readings();
  void mark_changed(Reading& reading);
  void publish();
  void count_bytes(Reading& reading);
  void evict();
  void on_tick();
  void end_unfollowed(std::int64_t now_ms);
  void look_at_ends_of_logs();

  Consumer& consumer_;
  Catalog& catalog_;
  History& history_;
  Loop& own_;
  const Clock& clock_;
  KafkaReports& reports_;
  const TailOptions options_;

  mutable std::mutex mutex_;
  std::unordered_map<TopicPartition, std::shared_ptr<Tail>, Hash> tails_;  // under mutex_
  std::map<Loop*, std::shared_ptr<LoopNews>> news_;                        // under mutex_
  std::map<std::string, TailTopicCounts> ended_;                           // of tails that are no more; under mutex_

  std::unordered_map<TopicPartition, std::unique_ptr<Reading>, Hash> readings_;
  Reading* last_ = nullptr;  // the one that find() gave last
  std::vector<Reading*> changed_;
  std::vector<TopicPartition> to_look_at_;  // whose log's end is asked for next
  std::deque<Sealed> sealed_;
  std::size_t log_bytes_ = 0;
  std::size_t chunk_bytes_max_ = RecordLog::kChunkBytesMax;
  std::int64_t now_ms_ = 0;  // of the batch at hand
  std::int64_t newest_ms_ = -1;
  Timer tick_;
  std::unique_ptr<Watch> watch_;

  TailCounts totals_;
  mutable std::mutex counts_mutex_;
  TailCounts counts_;  // under counts_mutex_: totals_ as of the last step
};

}  // namespace tailgate
