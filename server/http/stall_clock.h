// Whether a peer takes what is ready for it. Bytes that dribble below a rate do not count as progress.
#pragma once

#include <cstdint>

#include "server/http/options.h"

namespace tailgate {

// Costs 16 bytes.
class StallClock {
 public:
  bool is_running() const { return since_ms_ != 0; }
  // Something is ready and the peer holds it up. Goes on when it runs already.
  void start(std::int64_t now_ms) {
    if (is_running()) return;
    since_ms_ = now_ms;
    taken_ = 0;
  }
  // Nothing is held up any more.
  void stop() { since_ms_ = 0; }
  void add(std::uint64_t bytes) { taken_ += bytes; }
  // Time that is not to count.
  void skip(std::int64_t ms) {
    if (is_running()) since_ms_ += ms;
  }
  std::int64_t deadline_ms(const HttpOptions& options) const { return since_ms_ + options.write_stall_ms; }
  // At or after the deadline: true when the peer took too little, else the next period begins.
  bool has_stalled(std::int64_t now_ms, const HttpOptions& options) {
    const auto period_s = static_cast<std::uint64_t>(options.write_stall_ms) / 1000;
    if (taken_ < options.stall_bytes_per_second_min * period_s || taken_ == 0) return true;
    since_ms_ = now_ms;
    taken_ = 0;
    return false;
  }

 private:
  std::int64_t since_ms_ = 0;  // 0: not running
  std::uint64_t taken_ = 0;
};

}  // namespace tailgate
