// For how long Kafka denies a position.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tailgate {

// A position that Kafka says lies beyond the end of its log. Between two such answers Kafka may have had it: a leader
// that has just become one lags now and then, and one that is away says nothing.
class Denials {
 public:
  // Of the time between two denials so much counts: while Kafka is asked each second, and answers within two, all of
  // it.
  static constexpr std::int64_t kSilenceMs = 3'000;

  // Kafka says so at `now_ms` (steady); for how many milliseconds it does by now.
  std::int64_t add(std::int64_t now_ms) {
    const std::int64_t last_ms = std::exchange(last_ms_, now_ms);
    if (last_ms >= 0) for_ms_ += std::min(now_ms - last_ms, kSilenceMs);
    return for_ms_;
  }

 private:
  std::int64_t last_ms_ = -1;
  std::int64_t for_ms_ = 0;
};

}  // namespace tailgate
