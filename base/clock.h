// Time as an object, so that a test can move it.
#pragma once

#include <chrono>
#include <cstdint>

namespace tailgate {

// Threads: any.
class Clock {
 public:
  virtual ~Clock() = default;
  // Never goes back; its zero is arbitrary.
  virtual std::int64_t steady_ms() const = 0;
  // Milliseconds since the epoch, UTC; may jump.
  virtual std::int64_t wall_ms() const = 0;
};

class SystemClock final : public Clock {
 public:
  std::int64_t steady_ms() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  std::int64_t wall_ms() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

class ManualClock final : public Clock {
 public:
  std::int64_t steady_ms() const override { return now_ms_; }
  std::int64_t wall_ms() const override { return wall_start_ms_ + now_ms_; }
  void advance(std::int64_t ms) { now_ms_ += ms; }

 private:
  std::int64_t now_ms_ = 1'000'000;
  std::int64_t wall_start_ms_ = 1'790'000'000'000;
};

}  // namespace tailgate
