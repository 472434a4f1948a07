// Against floods of lines: what anybody outside can cause must not fill the log.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace tailgate {

// So many lines a minute, after a burst; the others are counted, and the count comes with the next line.
// Threads: any.
class LogGate {
 public:
  LogGate(const Clock& clock, std::int64_t per_minute, std::int64_t burst)
      : clock_{clock},
        per_minute_{per_minute},
        tokens_max_{burst * kLine},
        tokens_{tokens_max_},
        filled_ms_{clock.steady_ms()} {}

  // How many lines were kept back since the last one that was let through; nullopt: this one is kept back too.
  std::optional<std::uint64_t> admit() {
    const std::lock_guard lock{mutex_};
    const std::int64_t now_ms = clock_.steady_ms();
    tokens_ = std::min(tokens_max_, tokens_ + (now_ms - filled_ms_) * per_minute_);
    filled_ms_ = now_ms;
    if (tokens_ < kLine) {
      ++kept_back_;
      return std::nullopt;
    }
    tokens_ -= kLine;
    return std::exchange(kept_back_, 0);
  }

 private:
  static constexpr std::int64_t kLine = 60'000;  // tokens: as many as a minute has milliseconds

  const Clock& clock_;
  const std::int64_t per_minute_;
  const std::int64_t tokens_max_;
  std::mutex mutex_;
  std::int64_t tokens_;
  std::int64_t filled_ms_;
  std::uint64_t kept_back_ = 0;
};

}  // namespace tailgate
