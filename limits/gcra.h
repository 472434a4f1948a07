// The generic cell rate algorithm: a rate with a burst, kept as one time (when the bucket would be full again).
#pragma once

#include <algorithm>
#include <cstdint>

namespace tailgate {

struct TokenRate {
  double per_second = 0;  // > 0
  double burst = 1;       // ≥ 1: so many at once
  double interval_us() const { return 1e6 / per_second; }
};

struct TokenGrant {
  std::int64_t granted = 0;   // of those that were wanted
  std::int64_t left = 0;      // that could still be had
  std::int64_t retry_us = 0;  // until there is one; 0 where there is one
};

// `full_us`: the state, on a clock of which `now_us` is the time. What lies further ahead than a whole burst is cut
// down to it, so that a clock that was set back locks nobody out for longer.
inline TokenGrant take_tokens(double& full_us, double now_us, const TokenRate& rate, std::int64_t wanted) {
  const double interval_us = rate.interval_us();
  const double burst_us = rate.burst * interval_us;
  full_us = std::clamp(full_us, now_us, now_us + burst_us);
  // A little more than exact: sums of intervals come out a little short.
  const auto there = static_cast<std::int64_t>((now_us + burst_us - full_us) / interval_us + 1e-6);
  TokenGrant grant;
  grant.granted = std::min(wanted, there);
  grant.left = there - grant.granted;
  full_us += static_cast<double>(grant.granted) * interval_us;
  if (grant.left == 0) grant.retry_us = static_cast<std::int64_t>(full_us + interval_us - burst_us - now_us) + 1;
  return grant;
}

}  // namespace tailgate
