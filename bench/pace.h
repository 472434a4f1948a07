// Even spacing: one turn every 1/rate seconds of the clock, whatever the turns themselves take.
#pragma once

#include <cstdint>

namespace tailgate::bench {

class Pace {
 public:
  explicit Pace(double rate);
  // Sleeps until the next turn is due; returns at once while behind.
  void wait();

 private:
  double interval_ns_;
  std::int64_t began_ns_;  // CLOCK_MONOTONIC
  std::uint64_t turns_ = 0;
};

}  // namespace tailgate::bench
