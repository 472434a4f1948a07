// Positions of clients that lie beyond all that this replica has seen.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "streams/denials.h"
#include "streams/record.h"

namespace tailgate {

// A stream finds out itself whether Kafka has such a position, and waits until Kafka has denied it for long enough for
// a `reset`. Who polls comes anew each time, and with a busy partition beside it leaves within milliseconds: what is
// known lasts from one poll to the next.
//
// Threads: any.
class Doubts {
 public:
  static constexpr std::int64_t kKeptMs = 120'000;  // without a question: beyond the longest wait of a poll
  static constexpr std::size_t kMax = 10'000;       // the oldest are forgotten first: their doubt begins anew

  // Somebody stands there; since when (steady ms).
  std::int64_t notice(const std::string& topic, std::int32_t partition, Offset passed, std::int64_t now_ms);
  // Kafka says that it is beyond the end; for how long it does.
  std::int64_t deny(const std::string& topic, std::int32_t partition, Offset passed, std::int64_t now_ms);
  // It is in Kafka. A reset of one is none of the others that stand there: what Kafka has said holds for them too.
  void forget(const std::string& topic, std::int32_t partition, Offset passed, std::int64_t now_ms);
  std::size_t size() const;

 private:
  using Key = std::tuple<std::string, std::int32_t, Offset>;
  struct Kept {
    std::int64_t asked_ms = 0;    // the last time
    std::int64_t noticed_ms = 0;  // since when somebody stands there
    Denials denials = {};
  };
  Kept& keep(const std::string& topic, std::int32_t partition, Offset passed, std::int64_t now_ms);
  void grow_old(std::int64_t now_ms);

  mutable std::mutex mutex_;
  std::atomic<bool> is_empty_{true};  // so that those without doubts do not wait for each other
  // Those asked for since `old_ms_`, and those before: dropped when `young_` is full, or after kKeptMs.
  std::int64_t old_ms_ = 0;
  std::map<Key, Kept> young_;
  std::map<Key, Kept> old_;
};

}  // namespace tailgate
