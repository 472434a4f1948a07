// For tests and fuzzing: one connection with its loop, clock and peer in memory, run step by step.
#pragma once

#include <memory>
#include <string_view>

#include "base/manual_loop.h"
#include "server/http/connection.h"
#include "server/http/http_thread.h"
#include "server/http/test_handler.h"
#include "server/net/memory_transport.h"

namespace tailgate::testing {

class MemoryConnection {
 public:
  explicit MemoryConnection(const HttpOptions& options_in = {})
      : options{options_in}, thread{loop, load, options, handler, observer} {
    load.add(1);
    connections
        .add(std::make_unique<Connection>(thread, connections, std::make_unique<MemoryTransport>(peer),
                                          ConnectionInfo{}, ConnectionLimit::Slot{}))
        .start();
  }

  // Runs what is due, but not for ever: a source without an end has something whenever it is asked.
  void run(int turns_max = 1000) {
    while (turns_max-- > 0 && (loop.turn() || peer.turn())) {
    }
  }
  void send(std::string_view bytes) {
    peer.to_read += bytes;
    run();
  }
  void advance(std::int64_t ms) {
    loop.clock.advance(ms);
    loop.timers().run_due();
    run();
  }
  bool is_open() const { return connections.size() > 0; }

  const HttpOptions options;
  ManualLoop loop;
  TestHandler handler;
  TestObserver observer;
  LoopLoad load;
  MemoryPeer peer;
  HttpThread thread;
  ConnectionSet connections{loop};
};

}  // namespace tailgate::testing
