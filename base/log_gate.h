// Against floods of lines: what anybody outside can cause must not fill the log.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace tailgate {

// So many lines a second, after a burst; the others are counted, and the count comes with the next line.
// Threads: any.
class LogGate {
 public:
  LogGate(const Clock& clock, std::int64_t per_second, std::int64_t burst)
      : clock_{clock},
        per_second_{per_second},
        burst_{burst},
        tokens_milli_{burst * 1000},
        filled_ms_{clock.steady_ms()} {}

  // How many lines were kept back since the last one that was let through; nullopt: this one is kept back too.
  std::optional<std::uint64_t> admit() {
    const std::lock_guard lock{mutex_};
    const std::int64_t now_ms = clock_.steady_ms();
    tokens_milli_ = std::min(burst_ * 1000, tokens_milli_ + (now_ms - filled_ms_) * per_second_);
    filled_ms_ = now_ms;
    if (tokens_milli_ < 1000) {
      ++kept_back_;
      return std::nullopt;
    }
    tokens_milli_ -= 1000;
    return std::exchange(kept_back_, 0);
  }

 private:
  const Clock& clock_;
  const std::int64_t per_second_;
  const std::int64_t burst_;
  std::mutex mutex_;
  std::int64_t tokens_milli_;
  std::int64_t filled_ms_;
  std::uint64_t kept_back_ = 0;
};

}  // namespace tailgate
