// Listening sockets and the one thread that accepts for all of them and hands each connection to the least loaded io
// thread.
//
// (Listening sockets of each io thread's own, SO_REUSEPORT, balance badly where connections are few and fat: of 20, one
// of two threads got up to 80 %.)
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/ip_address.h"
#include "limits/connection_limit.h"
#include "server/net/fd.h"
#include "server/net/io_threads.h"
#include "server/net/listen_address.h"

namespace tailgate {

struct SocketOptions {
  int backlog = 4096;
  int notsent_lowat_bytes = 32 * 1024;  // what a slow client costs in kernel memory
  int sndbuf_bytes = 0;          // 0: the kernel tunes it; a fixed one caps a connection at its size a round trip
  int user_timeout_ms = 30'000;  // unacknowledged for so long: the peer is gone
};

struct Accepted {
  Fd fd;                          // non-blocking
  IpAddress peer;                 // none on a Unix socket
  bool has_proxy_header = false;  // the peer is a trusted proxy, which says first whose connection this is
  ConnectionLimit::Verdict verdict = ConnectionLimit::Verdict::admitted;
  ConnectionLimit::Slot slot;
};

// Where accepted connections go.
class AcceptSink {
 public:
  virtual ~AcceptSink() = default;
  // On the thread of loop `loop_index`, whose load already counts this connection. Never turned_away.
  virtual void on_accepted(std::size_t loop_index, Accepted accepted) = 0;
};

// Threads: any reads, the acceptor's writes.
struct AcceptCounters {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> turned_away{0};  // above the limits and above those who are told why
  std::atomic<std::uint64_t> untrusted{0};    // came to a listener with PROXY headers, and not from a trusted proxy
  std::atomic<std::uint64_t> out_of_fds{0};   // times that accepting paused for want of file descriptors or memory
};

class Acceptor {
 public:
  // Connections from `trusted_proxies` do not count for an address: they carry those of others.
  Acceptor(IoThreads& threads, ConnectionLimit& limit, Networks trusted_proxies = {});
  // Stops.
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Before start(). The address says the port that the kernel chose. `sink` outlives the io threads' last handler.
  Result<ListenAddress> listen(const ListenAddress& address, const SocketOptions& options, AcceptSink& sink);
  void start();
  // Hands out the connections that wait already and closes the listening sockets; returns when nothing more will be
  // handed out.
  void stop();
  const AcceptCounters& counters() const { return counters_; }

 private:
  class Listener;
  boost::asio::io_context context_{1};
  IoThreads& threads_;
  ConnectionLimit& limit_;
  const Networks trusted_proxies_;
  AcceptCounters counters_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::thread thread_;
};

}  // namespace tailgate
