// Positions of clients that lie beyond all that this replica has seen, and since when they are asked for.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "streams/record.h"

namespace tailgate {

// A stream waits itself until its doubt has lasted long enough for a `reset`. Who polls comes anew each time, and with
// a busy partition beside it leaves within milliseconds: its doubt lasts from one poll to the next.
//
// Threads: any.
class Doubts {
 public:
  static constexpr std::int64_t kKeptMs = 120'000;  // beyond the longest wait of a poll
  static constexpr std::size_t kMax = 10'000;       // the oldest are forgotten first: their doubt begins anew

  // Since when (steady ms) `passed` has been asked about, with no longer pause than kKeptMs; `now_ms` the first time.
  std::int64_t since(const std::string& topic, std::int32_t partition, Offset passed, std::int64_t now_ms);
  // It is in Kafka, or was reset.
  void forget(const std::string& topic, std::int32_t partition, Offset passed);

 private:
  using Key = std::tuple<std::string, std::int32_t, Offset>;
  struct Doubt {
    std::int64_t since_ms;
    std::int64_t asked_ms;
  };
  std::mutex mutex_;
  std::atomic<bool> is_empty_{true};  // so that those without doubts do not wait for each other
  // Those asked for since `young_` was last full, and those before: dropped when it is full again.
  std::map<Key, Doubt> young_;
  std::map<Key, Doubt> old_;
};

}  // namespace tailgate
