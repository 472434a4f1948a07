// How many replicas share the limits: what Redis last said, or what the operator says.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

#include "base/loop.h"
#include "base/redis.h"
#include "base/timers.h"

namespace tailgate {

// Threads: of one loop; count() any.
class ReplicaCount {
 public:
  // `fixed`: the setting; 0: they are counted in Redis, where each says every few seconds that it is there. `id` is
  // this replica's own.
  ReplicaCount(RedisLink& link, Loop& loop, const std::string& prefix, std::string id, std::size_t fixed);
  std::size_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  void ask();

  RedisLink& link_;
  Loop& loop_;
  const std::string key_;
  const std::string id_;
  const bool is_fixed_;
  std::atomic<std::size_t> count_;
  Ask<RedisAnswer> asked_;
  Timer timer_;
};

}  // namespace tailgate
