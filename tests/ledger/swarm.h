// Many clients in one thread: they connect, read at their own pace, are cut at random bytes, come back to the next
// replica with the id that their application saw last, and write it all into a ledger.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/ledger/ledger.h"

namespace tailgate::ledger {

struct SwarmSettings {
  std::uint64_t seed = 1;
  std::vector<std::uint16_t> ports;  // of the replicas, on 127.0.0.1
  // A connection lives for 1 to so many bytes, small numbers as likely as large ones.
  std::size_t cut_bytes_max = 30'000;
  std::int64_t pause_ms_max = 200;   // between a cut and the next connection
  std::int64_t away_ms_max = 4'000;  // the same for those who stay away
  // HAProxy 2.6 ends what it has lost as if it were whole, over HTTP/2.
  bool hides_cuts_of_h2 = false;
};

class VirtualClient;

class Swarm {
 public:
  // Starts a client for every plan in the ledger, which the swarm's thread writes until the swarm is stopped.
  Swarm(Ledger& ledger, SwarmSettings settings);
  ~Swarm();
  Swarm(const Swarm&) = delete;
  Swarm& operator=(const Swarm&) = delete;

  // Connections that the clients themselves ended before the response did; and of these, inside of an event.
  std::uint64_t cuts() const { return cuts_.load(); }
  std::uint64_t cuts_inside() const { return cuts_inside_.load(); }
  // From now on nobody cuts, stays away or reads slowly.
  void settle();
  // What every client would come back with now; "" for one that has seen no id.
  std::vector<std::string> last_ids();
  // Closes all connections and ends the thread. The ledger is the caller's then.
  void stop();

 private:
  friend class VirtualClient;

  Ledger& ledger_;
  SwarmSettings settings_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::vector<std::unique_ptr<VirtualClient>> clients_;
  bool is_settled_ = false;  // the swarm's thread
  bool is_stopped_ = false;  // the swarm's thread
  std::atomic<std::uint64_t> cuts_{0};
  std::atomic<std::uint64_t> cuts_inside_{0};
  std::thread thread_;
};

}  // namespace tailgate::ledger
