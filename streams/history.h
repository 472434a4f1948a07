// Reading what is no longer in a RecordLog: pages of a partition, fetched once for all who want them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <variant>

#include "base/loop.h"
#include "streams/record.h"
#include "streams/record_chunk.h"

namespace tailgate {

// The readable records of a partition in [first, next). Immutable.
struct HistoryPage {
  HistoryPage(TopicPartition of, Headers with, Offset first_in, Offset next_in,
              std::shared_ptr<const RecordChunk> chunk, std::size_t begin_in = 0)
      : partition{std::move(of)},
        headers{with},
        first{first_in},
        next{next_in},
        records{std::move(chunk)},
        begin{begin_in},
        end{records->published()} {}

  // It is for who does not need them, or for all.
  bool is_for(Headers needed) const { return headers == Headers::read || needed == Headers::left_out; }

  TopicPartition partition;
  Headers headers;
  Offset first;
  Offset next;  // from a record or from the end of the partition: every offset inside has been seen, or holds nothing
  std::shared_ptr<const RecordChunk> records;
  // Its part of them: what lies before and behind belongs to other pages.
  std::size_t begin;
  std::size_t end;
};

// The offset lies below the log's start.
struct HistoryGone {
  Offset begin;
};
// The offset lies beyond the log's end: truncated, recreated, or this broker lags.
struct HistoryBeyond {
  Offset end;
};
// The offset is the readable end: nothing there yet.
struct HistoryNotYet {
  Offset readable;
};
// Kafka does not answer, or the topic is gone: ask again later.
struct HistoryDown {};
using HistoryAnswer =
    std::variant<std::shared_ptr<const HistoryPage>, HistoryGone, HistoryBeyond, HistoryNotYet, HistoryDown>;

// Threads: any io thread.
class History {
 public:
  virtual ~History() = default;
  // A cached page with first <= offset < next that has the headers, if they are needed; or null. No request.
  virtual std::shared_ptr<const HistoryPage> find(const TopicPartition& partition, Offset offset, Headers needed) = 0;
  // The page that holds `offset` (>= 0), read if need be: single-flight, also with a read that will pass the offset.
  virtual Ask<HistoryAnswer> read(const TopicPartition& partition, Offset offset, Headers needed, Loop& loop,
                                  std::function<void(HistoryAnswer)> then) = 0;
  // Forgets every page of the partition: its log was truncated or made anew.
  virtual void drop(const TopicPartition& partition) = 0;
};

}  // namespace tailgate
