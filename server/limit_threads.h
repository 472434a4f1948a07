// The limits of callers, put together: what each io thread has of them.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "limits/limit_counters.h"
#include "limits/memory_limits.h"
#include "limits/pace.h"
#include "limits/redis_limits.h"
#include "limits/replica_count.h"
#include "limits/stream_slot.h"
#include "limits/token_leases.h"
#include "server/handlers/caller_limits.h"
#include "server/net/io_threads.h"
#include "server/redis_links.h"

namespace tailgate {

struct LimitOptions {
  TokenRate requests;       // of a caller; a rate of 0: any
  std::size_t streams = 0;  // at a time; 0: any
  PaceRates pace;
  std::size_t replicas = 0;  // 0: those that are found in Redis
};

// Made before the threads start, destroyed when they have stopped.
class LimitThreads {
 public:
  // `redis`: null: in memory. All outlive it.
  LimitThreads(const LimitOptions& options, const Clock& clock, IoThreads& threads, RedisLinks* redis,
               const std::string& redis_prefix);

  // By Loop::index().
  std::vector<CallerLimits> limits();
  // Threads: any.
  std::vector<const LimitCounters*> counters() const;
  std::size_t slots() const { return table_.slots(); }
  std::size_t replicas() const { return replicas_ ? replicas_->count() : 1; }

 private:
  struct Thread {
    LimitCounters counters;
    std::unique_ptr<LimitStore> store;
    std::optional<TokenLeases> requests;
    std::optional<StreamSlots> slots;
    std::optional<Paces> paces;
  };

  LimitTable table_;
  std::unique_ptr<ReplicaCount> replicas_;  // null without Redis
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace tailgate
