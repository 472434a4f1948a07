// What Kafka holds, and everything that it has ever held: the logs that replicas read and that clients are judged by.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cursors/position.h"
#include "streams/record.h"
#include "tests/simulation/random.h"

namespace tailgate::simulation {

struct TruthRecord {
  Offset offset = 0;
  std::int64_t timestamp_ms = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::string headers;
  std::uint64_t oversize_bytes = 0;
  bool has_oversize_headers = false;

  RecordView view(Headers headers_read = Headers::read) const;
};

// One partition.
class TruthLog {
 public:
  Offset start() const { return start_; }
  Offset end() const { return static_cast<Offset>(slots_.size()); }  // high watermark
  Offset readable() const { return open_ ? *open_ : end(); }         // last stable offset
  // Of the log as it is; null: a hole, or not committed yet.
  const TruthRecord* at(Offset offset) const;

  void append(TruthRecord record);
  void append_hole();
  // A transaction is open from here on: what is appended is not readable before it ends.
  void open() { open_ = end(); }
  bool is_open() const { return open_.has_value(); }
  // Ends with a marker; aborted records become holes.
  void close(bool is_committed);
  void compact(Offset offset);
  void retain_from(Offset start);
  // What lies at `end` and above has never been: an unclean leader, or with 0 a topic made anew.
  void truncate(Offset end, std::int64_t now_ms);

  // ---- what may be seen ----
  // Every record that was ever readable at this offset.
  std::vector<const TruthRecord*> versions(Offset offset) const;
  // Has always been a record for readers: nobody may pass it in silence.
  bool is_owed(Offset offset) const;
  bool was_start(Offset offset) const { return starts_.contains(offset); }
  Offset start_max() const { return *starts_.rbegin(); }
  Offset end_ever() const { return std::max(end_ever_, end()); }
  // The log ended below what `asked` goes on at, at some time after it had been longer.
  bool was_beyond(Offset asked) const { return truncated_to_ && asked > *truncated_to_; }
  std::int64_t truncated_ms() const { return truncated_ms_; }
  bool was_truncated() const { return truncated_to_.has_value(); }

 private:
  Offset start_ = 0;
  std::vector<std::shared_ptr<const TruthRecord>> slots_;  // by offset
  std::optional<Offset> open_;
  std::set<Offset> starts_{0};
  Offset end_ever_ = 0;
  std::set<Offset> holes_;                                                    // ever
  std::map<Offset, std::vector<std::shared_ptr<const TruthRecord>>> former_;  // truncated or compacted
  std::optional<Offset> truncated_to_;                                        // the lowest
  std::int64_t truncated_ms_ = 0;                                             // the first time
};

class Truth {
 public:
  explicit Truth(Random& random) : random_{random} {}

  std::map<std::string, std::deque<TruthLog>>& topics() { return topics_; }
  const std::map<std::string, std::deque<TruthLog>>& topics() const { return topics_; }
  const TruthLog& log(const TopicPartition& name) const {
    return topics_.at(name.topic).at(static_cast<std::size_t>(name.partition));
  }
  TruthLog& log(const TopicPartition& name) {
    return topics_.at(name.topic).at(static_cast<std::size_t>(name.partition));
  }
  bool has(const TopicPartition& name) const {
    const auto it = topics_.find(name.topic);
    return it != topics_.end() && static_cast<std::size_t>(name.partition) < it->second.size();
  }
  TopicPartition any_partition();

  // Appends some records, with holes between them.
  void produce(const TopicPartition& to, std::int64_t wall_ms, bool is_large);

 private:
  TruthRecord make_record(const TopicPartition& to, std::int64_t wall_ms, bool is_large);

  Random& random_;
  std::map<std::string, std::deque<TruthLog>> topics_;
  std::uint64_t made_ = 0;
};

inline constexpr const char* kKeys[] = {"ant", "bee", "cat"};

}  // namespace tailgate::simulation
