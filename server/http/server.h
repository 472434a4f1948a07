// The HTTP server: turns accepted sockets into connections on their io threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "server/http/connection.h"
#include "server/http/http_thread.h"
#include "server/net/acceptor.h"
#include "server/net/handshake_budget.h"
#include "server/net/io_threads.h"

namespace tailgate {

class TlsContext;

// To stop: the acceptor first, then drain() and wait_closed(), then the io threads, and then destroy this: what is
// still open is closed by that.
class HttpServer {
 public:
  HttpServer(IoThreads& threads, const HttpOptions& options, Handler& handler, ExchangeObserver& observer);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // For the listeners of clear HTTP/1.1 and HTTP/2.
  AcceptSink& clear_sink();
  // For those of TLS.
  AcceptSink& tls_sink(const TlsContext& tls);

  // Threads: any but the io threads. Idle connections close, others when what is under way has ended; HTTP/2 peers get
  // their GOAWAYs. What was accepted before is open, and counted, when it returns.
  void drain();
  // Threads: any but the io threads. Whether all connections have closed in time.
  bool wait_closed(std::chrono::milliseconds time) const;
  // Threads: any but the io threads. Resets what is still open; how many connections had something under way.
  std::size_t reset_open();

  std::size_t threads() const { return per_thread_.size(); }
  // Threads: any.
  const HttpCounters& counters(std::size_t index) const { return per_thread_[index]->http.counters; }
  std::uint64_t bodies_bytes(std::size_t index) const { return per_thread_[index]->http.bodies.held_bytes(); }

 private:
  class Sink;
  struct PerThread {
    PerThread(IoLoop& loop, LoopLoad& load, const HttpOptions& options, Handler& handler, ExchangeObserver& observer)
        : http{loop, load, options, handler, observer}, connections{loop} {}
    HttpThread http;
    ConnectionSet connections;  // destroyed first: connections use `http`
  };

  std::size_t on_each_thread(const std::function<std::size_t(PerThread&)>& work);
  std::int64_t open_connections() const;

  IoThreads& threads_;
  const HttpOptions options_;
  HandshakeBudget handshakes_;
  std::vector<std::unique_ptr<PerThread>> per_thread_;
  std::deque<std::unique_ptr<Sink>> sinks_;
};

}  // namespace tailgate
