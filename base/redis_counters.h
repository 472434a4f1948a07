// What one thread's link to Redis counts; read by the metrics at any time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/counter.h"

namespace tailgate {

// Why a call came to nothing.
enum class RedisFailure : std::uint8_t {
  timeout,        // no reply within the deadline
  away,           // no connection, or it closed under the call
  breaker,        // refused here at once: Redis has failed too often in a row
  full,           // refused here at once: too many calls are waiting
  protocol,       // what came is no reply, or too large a one
  auth,           // NOAUTH, WRONGPASS, NOPERM
  loading,        // LOADING, MASTERDOWN
  readonly,       // READONLY: no longer the master
  busy,           // BUSY: a script runs too long
  out_of_memory,  // OOM
  misconf,        // MISCONF: it cannot save
  no_replicas,    // NOREPLICAS, or fewer confirmed than asked for
  cluster,        // CLUSTERDOWN, TRYAGAIN, MOVED and ASK too often or without a cluster
  wrong_type,     // WRONGTYPE: a key holds something else
  script,         // any other error
};
inline constexpr std::array<std::string_view, 15> kRedisFailureNames{
    "timeout", "away",          "breaker", "full",        "protocol", "auth",       "loading", "readonly",
    "busy",    "out_of_memory", "misconf", "no_replicas", "cluster",  "wrong_type", "script"};

inline constexpr std::array<std::int64_t, 9> kRedisLatencyBucketsUs{100,   250,    500,    1'000, 2'500,
                                                                    5'000, 10'000, 25'000, 50'000};

struct alignas(64) RedisCounters {
  Counter calls;  // scripts asked for, refused ones too
  std::array<Counter, kRedisFailureNames.size()> failures;
  Counter connects;  // connections that came up
  Counter breaker_opens;
  Counter is_breaker_open;                                         // gauge, 0 or 1
  Counter waiting;                                                 // gauge: calls without their reply
  std::array<Counter, kRedisLatencyBucketsUs.size() + 1> latency;  // of those that were answered
  Counter latency_sum_us;
};

}  // namespace tailgate
