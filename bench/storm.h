// Clients that lose their streams together and come back to some replicas: a simulation of events, with costs as they
// were measured.
//
// What is modelled: EventSource's wait as the server tells it, the balancer's choice, the accept queue and its thread,
// io threads that take one connection after the other beside live delivery, questions to one or more Redis with their
// deadline and breaker, pages of Kafka that are read once for all who wait on a replica. What is not: packets that are
// lost, bandwidth, a balancer that runs out of CPU, callers that are over their limits.
#pragma once

#include <cstdint>
#include <string_view>

namespace tailgate::bench {

// From, to: evenly. Milliseconds.
struct Between {
  double from_ms = 0;
  double to_ms = 0;
};

enum class Disaster : std::uint8_t {
  killed,    // `lost` replicas die at once, and are back, empty, after back_s (0: never)
  balancer,  // every connection is cut, and nobody gets in for back_s
  rolling,   // one replica after the other drains, ends, and is back after back_s
};

enum class Choice : std::uint8_t { least_connections, random };

struct StormOptions {
  std::uint64_t seed = 1;
  int replicas = 50;
  int threads = 4;  // io threads of a replica, each with a core of its own
  int clients = 1'000'000;
  Disaster disaster = Disaster::killed;
  int lost = 1;
  double back_s = 10;
  Choice choice = Choice::least_connections;

  Between retry{1'500, 3'000};        // what the first block of a stream tells
  Between drain_retry{1'500, 3'000};  // what its last one does when a replica drains
  double drain_delay_s = 5;
  double drain_s = 20;
  Between round_trip{10, 150};

  double events_per_second = 1;  // of a topic that everybody reads
  double record_bytes = 200;
  int partitions = 1;
  double page_bytes = 64 * 1024;
  double page_ms = 5;  // from asking Kafka to the page

  double connect_us = 38;   // of an io thread: request, first block
  double handshake_us = 0;  // more of it, with TLS
  double accept_us = 12.5;  // of the accepting thread
  int backlog = 4'096;
  double patience_s = 10;     // how long a connection may wait for a thread: handshake_timeout, first_byte_timeout
  double event_us = 13;       // delivering one event to one client
  double replayed_us = 0.26;  // the same of one that a client has missed

  int redis = 0;  // servers; 0: no limits
  double script_us = 8.5;
  double redis_round_trip_ms = 0.5;
};

// Of times in seconds.
struct Spread {
  double p50 = 0;
  double p99 = 0;
  double max = 0;
};

struct StormResult {
  std::uint64_t cut = 0;        // streams that were lost
  std::uint64_t back = 0;       // that began again
  int connected = 0;            // clients with a stream at the end
  double all_back_s = 0;        // from the beginning until nobody is without
  Spread silence_s;             // of each stream that was lost
  std::uint64_t tries = 0;      // connections that were begun: refused + unheard + left + back
  std::uint64_t refused = 0;    // nobody there, or it died under way
  std::uint64_t unheard = 0;    // gave up on a full accept queue
  std::uint64_t left = 0;       // waited for a thread beyond patience
  std::uint64_t dropped = 0;    // times that a SYN met a full accept queue
  double connects_peak = 0;     // begun in one second
  double replica_peak = 0;      // the same, of one replica
  double thread_wait_s = 0;     // the longest that a connection waited for its io thread
  double connect_cpu_s = 0;     // of all replicas
  double live_share = 0;        // of a core: the most that live delivery takes of a thread
  double kafka_pages_peak = 0;  // fetched in one second
  std::uint64_t kafka_pages = 0;
  std::uint64_t scripts = 0;
  double scripts_peak = 0;          // asked of Redis in one second
  double commands_peak = 0;         // the same, with what the scripts call
  std::uint64_t without_redis = 0;  // questions answered from the replicas' shares
  std::uint64_t slots_left = 0;     // of streams that have ended: Redis was not told, and they count 15 s more
  int most_connections = 0;         // of one replica, at the end
  int fewest_connections = 0;
};

StormResult run_storm(const StormOptions& options);

}  // namespace tailgate::bench
