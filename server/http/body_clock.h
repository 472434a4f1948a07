// Whether the body of a request comes fast enough.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "server/http/options.h"

namespace tailgate {

// It is given body_grace_ms, and as long again each time that as much has come as the slowest allowed sends in that
// time. What came faster is no credit: a body that stops is held for no longer than one that is small.
class BodyClock {
 public:
  explicit BodyClock(std::int64_t now_ms = 0) : since_ms_{now_ms} {}

  void add(std::size_t bytes, std::int64_t now_ms, const HttpOptions& options) {
    come_ += bytes;
    if (come_ * 1000 < options.body_bytes_per_second_min * static_cast<std::uint64_t>(options.body_grace_ms)) return;
    since_ms_ = now_ms;
    come_ = 0;
  }
  // Time up to `now_ms` in which nothing was read.
  void skip(std::int64_t ms, std::int64_t now_ms) { since_ms_ = std::min(since_ms_ + ms, now_ms); }
  std::int64_t deadline_ms(const HttpOptions& options) const { return since_ms_ + options.body_grace_ms; }

 private:
  std::int64_t since_ms_;
  std::uint64_t come_ = 0;  // since then
};

}  // namespace tailgate
