// Asking leaders where partitions begin and end: librdkafka can only ask and wait, so a few threads do the waiting.
#pragma once

#include <librdkafka/rdkafka.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "streams/catalog.h"

namespace tailgate {

struct FoundOffsets {
  PartitionEnds ends;
  Offset at = 0;  // of a question with a time: the first offset at or after it, `readable` where there is none
};

// Questions wait by leader and are joined with those that wait for the same; a leader is asked one batch at a time. So
// a slow leader delays only its own, and while some are slow the others still find a thread.
//
// Threads: any.
class OffsetLookups {
 public:
  static constexpr std::int64_t kDeadlineMs = 2'000;
  using Answer = Result<std::map<TopicPartition, FoundOffsets>>;
  using Done = std::function<void(Answer)>;
  struct Place {
    TopicPartition partition;
    std::int32_t leader = -1;  // broker id; -1: not known
  };
  // For clusters that cannot look up by time: the first offset from `begin` on that is at or after `wall_ms`, else
  // `readable`.
  using Scan = std::function<Offset(const TopicPartition& partition, const PartitionEnds& ends, std::int64_t wall_ms)>;

  // The handles outlive the object. `scan` empty: the cluster is asked by time.
  OffsetLookups(rd_kafka_t* committed, rd_kafka_t* uncommitted, const Clock& clock, Scan scan);
  ~OffsetLookups();

  // `done` runs once, on any thread: with all partitions, or an error once one of them cannot be had. upstream_down: no
  // answer within kDeadlineMs.
  void ask(const std::vector<Place>& places, std::optional<std::int64_t> wall_ms, Done done);
  // When a leader last answered, on the steady clock; 0: never.
  std::int64_t answered_ms() const;

 private:
  struct Asked {
    Done done;  // null once answered
    std::map<TopicPartition, FoundOffsets> found;
    std::size_t left = 0;
    std::int64_t asked_ms = 0;
  };
  using AskedPtr = std::shared_ptr<Asked>;
  using Waiting = std::map<TopicPartition, std::vector<AskedPtr>>;
  using Times = std::map<std::optional<std::int64_t>, Waiting>;  // by time asked for; nullopt: the ends alone
  struct Leader {
    Times waiting;
    std::optional<std::int64_t> last_wall_ms = std::numeric_limits<std::int64_t>::min();  // that was asked for
    bool had_ends = false;                                                                // the last time
    bool is_busy = false;
    bool is_slow = false;  // did not answer in time when last asked
  };
  struct Batch {
    std::int32_t leader = -1;
    std::optional<std::int64_t> wall_ms;
    Waiting waiting;
  };
  using Found = std::map<TopicPartition, FoundOffsets>;

  static constexpr std::size_t kBatchMax = 500;  // partitions; librdkafka finds each by going through all
  static constexpr std::size_t kThreads = 4;
  static constexpr std::size_t kSlowThreadsMax = 2;  // of these

  void run();
  void run_expiry();
  void expire();
  std::optional<Batch> take();
  static Times::iterator next_of(Leader& leader);
  bool answer(const Batch& batch);
  Found look_up(const std::vector<TopicPartition>& partitions, std::optional<std::int64_t> wall_ms,
                std::int64_t due_ms);
  using Offsets = std::map<TopicPartition, Offset>;
  Offsets list(rd_kafka_t* handle, const std::vector<TopicPartition>& partitions, std::int64_t time,
               std::int64_t due_ms);
  static void learn_leaders(rd_kafka_t* handle, const std::vector<TopicPartition>& partitions);
  void finish(const AskedPtr& asked, Answer answer);

  rd_kafka_t* const committed_;
  rd_kafka_t* const uncommitted_;
  const Clock& clock_;
  const Scan scan_;
  mutable std::mutex mutex_;
  std::condition_variable has_work_;
  std::condition_variable stop_;
  bool is_stopping_ = false;
  std::map<std::int32_t, Leader> leaders_;
  std::int32_t last_leader_ = -2;  // that was taken from, so that all have their turn
  std::size_t slow_busy_ = 0;
  std::list<AskedPtr> asked_;  // oldest first
  std::int64_t answered_ms_ = 0;
  std::vector<std::thread> threads_;  // kThreads, and one that minds the deadline
};

}  // namespace tailgate
