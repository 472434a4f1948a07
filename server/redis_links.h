// The links to Redis of a process: one for each io thread, and where replicas have to confirm what is saved, a second
// one for that, because whatever comes behind such a call waits too.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/log_gate.h"
#include "base/redis.h"
#include "server/net/io_threads.h"

namespace tailgate {

class RedisLinks {
 public:
  // Starts to connect; nothing waits for it. `threads` outlives it; destroy it when they have stopped.
  static Result<std::unique_ptr<RedisLinks>> open(const RedisOptions& options, bool has_confirming, IoThreads& threads);

  // By Loop::index().
  RedisLink& link(std::size_t index) { return *links_[index].link; }
  // What calls with replicas go over.
  RedisLink& confirming(std::size_t index) { return has_confirming_ ? *confirming_[index].link : link(index); }

  // Threads: any. up, or away as long as one of them is.
  std::string_view state() const;
  std::vector<const RedisCounters*> counters() const;

 private:
  struct Thread {
    std::unique_ptr<RedisCounters> counters;
    std::unique_ptr<RedisLink> link;
  };
  RedisLinks(bool has_confirming, const Clock& clock);
  std::vector<Thread> open_all(const RedisSetup& setup, IoThreads& threads);

  const bool has_confirming_;
  LogGate log_gate_;
  std::unique_ptr<const RedisSetup> setup_;
  std::unique_ptr<const RedisSetup> confirming_setup_;
  std::vector<Thread> links_;
  std::vector<Thread> confirming_;
};

}  // namespace tailgate
