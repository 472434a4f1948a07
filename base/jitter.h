// Random shares of a time, so that what began together does not come back together.
#pragma once

#include <cstdint>
#include <random>

namespace tailgate {

// Threads: one.
class Jitter {
 public:
  explicit Jitter(std::uint32_t seed) : engine_{seed} {}

  // `ms` shortened by up to `percent` of it.
  std::int64_t shortened(std::int64_t ms, int percent) {
    return ms - std::uniform_int_distribution<std::int64_t>{0, ms * percent / 100}(engine_);
  }

 private:
  std::minstd_rand engine_;
};

}  // namespace tailgate
