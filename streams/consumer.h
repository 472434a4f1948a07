// Reading partitions of Kafka, without groups: what librdkafka's simple consumer gives, small enough to be played by a
// simulation. kafka_consumer.h is the real one.
#pragma once

#include <cstddef>
#include <string>

#include "streams/record.h"

namespace tailgate {

// What a consumer has read, in the order of each partition. Called from within Consumer::poll.
class ConsumerEvents {
 public:
  virtual ~ConsumerEvents() = default;
  // Asked at least at the first record of each start.
  virtual Headers headers_of(const TopicPartition&) { return Headers::read; }
  // Offsets ascend, with holes (markers, aborted, compacted). The bytes are gone when the call returns.
  virtual void on_record(const TopicPartition& from, const RecordView& record) = 0;
  // The reader stands at the readable end: every readable record below `next` has been given.
  virtual void on_end(const TopicPartition& from, Offset next) = 0;
  // The position asked for is below the log's start or beyond its end. The partition is stopped until started again.
  virtual void on_out_of_range(const TopicPartition& from, Offset asked) = 0;
  // Something that the reader keeps retrying (a corrupt batch, an authorization refused): `text` for the log.
  virtual void on_error(const TopicPartition& from, const std::string& text) = 0;
  // Of these: Kafka's access rules do not let us read it.
  virtual void on_refused(const TopicPartition& from, const std::string& text) { on_error(from, text); }
};

// start and stop may also be called from within the events of a poll; nothing of the batch at hand reaches what they
// changed.
//
// Threads: one.
class Consumer {
 public:
  virtual ~Consumer() = default;
  // Reads on from `next` (absolute, >= 0). The partition must not be started already.
  virtual void start(const TopicPartition& partition, Offset next) = 0;
  // After it returns nothing of the partition comes any more. No effect on one that is not started.
  virtual void stop(const TopicPartition& partition) = 0;
  // Hands over at most about `records_max` of what has arrived and returns how many events that were; never waits.
  virtual std::size_t poll(ConsumerEvents& events, std::size_t records_max) = 0;
  // The high watermark as of the last fetch; 0 while it is not known. Cheap; asks nobody.
  virtual Offset end_of_log(const TopicPartition& partition) = 0;
};

}  // namespace tailgate
