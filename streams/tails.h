// Following the tails of partitions: what io threads see of the reader thread.
#pragma once

#include <functional>
#include <memory>

#include "base/loop.h"
#include "streams/record.h"
#include "streams/record_log.h"

namespace tailgate {

// While it lives the partition is tailed. Belongs to the loop that it was made on.
class Follow {
 public:
  virtual ~Follow() = default;
  virtual const RecordLog& log() const = 0;
};

// Threads: any io thread.
class Tails {
 public:
  virtual ~Tails() = default;
  // Starts to tail the partition unless it is tailed (then its log has a past). The log's `epoch()` is 0 until the
  // start offset is known. `on_news` runs on `loop`, never within this call: soon after the log's next(), epoch() or
  // at_end() changed, once for any number of changes. A log that nobody follows stays tailed for `linger` (60 s), so
  // that one who comes back finds it warm.
  virtual std::unique_ptr<Follow> follow(const TopicPartition& partition, Loop& loop,
                                         std::function<void()> on_news) = 0;
};

}  // namespace tailgate
