// The io threads: one loop each, and how loaded each is.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "server/net/socket_events.h"

namespace tailgate {

// What a loop has to serve, in connections and streams, for whoever hands out new connections.
// Threads: any. The loop's own thread writes, but for the one who hands out, which adds what it has just given.
class alignas(64) LoopLoad {
 public:
  void add(int units) { units_.fetch_add(units, std::memory_order_relaxed); }
  int units() const { return units_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int> units_{0};
};

class IoThreads {
 public:
  IoThreads(const Clock& clock, std::size_t count);
  // Stops and joins.
  ~IoThreads();
  IoThreads(const IoThreads&) = delete;
  IoThreads& operator=(const IoThreads&) = delete;

  std::size_t size() const { return loops_.size(); }
  IoLoop& loop(std::size_t index) { return loops_[index]; }
  SocketEvents& sockets(std::size_t index) { return sockets_[index]; }
  LoopLoad& load(std::size_t index) { return loads_[index]; }
  std::size_t least_loaded() const;

  // Until then nothing runs, and whatever lives on a loop may be built by the caller.
  // The threads are called `name`-0, `name`-1, …
  void start(const std::string& name = "io");
  // Returns once every loop has run the handler at hand. What lives on a loop may then be destroyed by the caller.
  void stop();

 private:
  std::deque<IoLoop> loops_;
  std::deque<SocketEvents> sockets_;
  std::deque<LoopLoad> loads_;
  std::vector<std::thread> threads_;
};

// Writes to a socket whose peer is gone fail with EPIPE instead of ending the process. Once, at the start.
void ignore_broken_pipes();

}  // namespace tailgate
