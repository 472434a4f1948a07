// What one io thread counts of its streams; read by the metrics at any time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/counter.h"
#include "streams/coding.h"
#include "streams/topic_counters.h"

namespace tailgate {

// Delivery delay in milliseconds: the record's timestamp to the moment when its bytes are made for the first
// subscriber.
inline constexpr std::array<std::int64_t, 12> kDelayBucketsMs{1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 60000};

// Where a subscriber stands: in step in every partition, else behind in some, else ahead in some.
enum class StreamState : std::uint8_t { live, ahead, behind };
inline constexpr std::size_t kStreamStates = 3;
inline constexpr std::size_t kEventFormats = 4;

// Of streams that are compressed.
struct CodingCounters {
  Counter streams;       // gauge
  Counter plain_bytes;   // of bytes_out
  Counter bytes_out;     // what they became
  Counter shared_bytes;  // compressed once for all of a feed
};

struct alignas(64) StreamCounters {
  Counter feeds;       // gauge
  Counter feed_bytes;  // gauge
  // Gauges, by EventFormat and StreamState.
  std::array<std::array<Counter, kStreamStates>, kEventFormats> streams;
  Counter records_encoded;
  Counter records_out;
  Counter bytes_out;                           // before they are compressed
  std::array<CodingCounters, kCodings> coded;  // by Coding
  Counter gaps;
  Counter resets;
  Counter faults;
  Counter evictions;  // subscribers that fell out of a feed's log
  Counter resumed;    // events whose rest was encoded again
  Counter cuts;       // streams cut within an event whose record is gone
  std::array<Counter, kDelayBucketsMs.size() + 1> delay_buckets;
  Counter delay_sum_ms;
  TopicCounters topics;
};

}  // namespace tailgate
