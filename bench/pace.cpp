#include "bench/pace.h"

#include <cerrno>
#include <ctime>

namespace tailgate::bench {

Pace::Pace(double rate) : interval_ns_{1e9 / rate} {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  began_ns_ = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void Pace::wait() {
  ++turns_;
  const auto due = began_ns_ + static_cast<std::int64_t>(interval_ns_ * static_cast<double>(turns_));
  const timespec at{due / 1'000'000'000, due % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) == EINTR) {
  }
}

}  // namespace tailgate::bench
