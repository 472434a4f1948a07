// The chunks of one thread's feeds between their uses.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/loop.h"
#include "streams/feed_log.h"

namespace tailgate {

// Many feeds of few subscribers fill and leave small chunks all the time: those are used again.
//
// Threads: the loop's. Outlives what the loop has been given to do.
class FeedChunkPool {
 public:
  explicit FeedChunkPool(Loop& loop) : loop_{loop} {}

  // Empty, with room for so many bytes at least.
  std::unique_ptr<FeedChunk> make(std::size_t capacity);
  // Writes of this turn may still refer to its bytes: it is left as it is until the turn is over.
  void retire(std::unique_ptr<FeedChunk> chunk);

  std::size_t spare() const { return spare_.size(); }

 private:
  void on_turn_over();

  Loop& loop_;
  std::vector<std::unique_ptr<FeedChunk>> retired_;
  std::vector<std::unique_ptr<FeedChunk>> spare_;  // all of kChunkBytesMin
};

}  // namespace tailgate
