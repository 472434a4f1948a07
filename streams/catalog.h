// What topics exist, and where their partitions begin and end: metadata of Kafka through the ADMIN handles.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/loop.h"
#include "streams/record.h"

namespace tailgate {

// An exposed topic that exists and may be read.
struct Topic {
  std::string name;  // public: in paths, ids and envelopes
  std::string kafka_name;
  std::int32_t partitions = 0;
};

// Immutable once published.
struct Topics {
  std::map<std::string, Topic, std::less<>> by_name;  // by public name
  std::uint64_t version = 0;                          // 0: metadata has never been read
};

struct PartitionEnds {
  Offset begin = 0;     // first offset that Kafka still has
  Offset end = 0;       // high watermark: next offset to be written
  Offset readable = 0;  // last stable offset: what read_committed gives ends here
};

// Answers come on the asker's loop. Kafka silent for the deadline (2 s): upstream_down.
// Threads: any.
class Catalog {
 public:
  using EndsAnswer = Result<std::map<TopicPartition, PartitionEnds>>;
  using OffsetsAnswer = Result<std::map<TopicPartition, Offset>>;
  using TopicsAnswer = std::shared_ptr<const Topics>;

  virtual ~Catalog() = default;
  // The last metadata read (at least every 5 s); never null.
  virtual std::shared_ptr<const Topics> topics() const = 0;
  // True if `name` could be reached at all: exposed by `topics`, a legal name, not internal. Cheap; no request.
  virtual bool is_exposed(std::string_view name) const = 0;
  // begin, end and readable of partitions, asked now (single-flight: joined with a question that has not been sent
  // yet).
  virtual Ask<EndsAnswer> ends(std::vector<TopicPartition> partitions, Loop& loop,
                               std::function<void(EndsAnswer)> then) = 0;
  // First offset at or after the time; the readable end where there is none. The readable end is asked before the
  // lookup.
  virtual Ask<OffsetsAnswer> offsets_at(std::vector<TopicPartition> partitions, std::int64_t wall_ms, Loop& loop,
                                        std::function<void(OffsetsAnswer)> then) = 0;
  // Reads the metadata again now (joined, at most one a second) and answers with it.
  virtual Ask<TopicsAnswer> refresh(Loop& loop, std::function<void(TopicsAnswer)> then) = 0;
  // The same for a name that a client has sent and that may be newer than topics(): it does not wait for its second.
  // Kafka is asked a few times in a row, then once a second; in between, and while Kafka is away, the answer is at once
  // what is known.
  virtual Ask<TopicsAnswer> refresh_at_once(Loop& loop, std::function<void(TopicsAnswer)> then) {
    return refresh(loop, std::move(then));
  }
  // True: Kafka is known to compact none of these topics (public names), so that records below the readable end stay as
  // they are until retention removes them from the front. Where it does not say so in time, or may not be asked: false.
  virtual Ask<bool> are_uncompacted(const std::vector<std::string>& topics, Loop& loop,
                                    std::function<void(bool)> then) {
    static_cast<void>(topics);
    auto [ask, reply] = make_ask<bool>(loop, std::move(then));
    reply(false);
    return std::move(ask);
  }
  // `on_change` runs on `loop` after every change of topics(): until the returned object is destroyed.
  virtual std::unique_ptr<Watch> watch(Loop& loop, std::function<void()> on_change) = 0;
  // Kafka answered within the last few seconds.
  virtual bool is_reachable() const = 0;
};

}  // namespace tailgate
