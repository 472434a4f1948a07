// How much a peer lets us send, on a stream or on the whole connection, before it gives more (RFC 9113, 5.2 and 6.9).
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>

namespace tailgate {

class H2Window {
 public:
  static constexpr std::int64_t kMax = 0x7fffffff;  // RFC 9113, 6.9.1
  static constexpr std::int32_t kDefault = 65'535;  // 6.9.2

  explicit H2Window(std::int32_t bytes = kDefault) : bytes_{bytes} {}

  bool is_open() const { return bytes_ > 0; }
  std::size_t room() const { return is_open() ? static_cast<std::size_t>(bytes_) : 0; }
  // At most room().
  void take(std::size_t bytes) {
    assert(bytes <= room());
    bytes_ -= static_cast<std::int32_t>(bytes);
  }
  // The peer gives more; or less than it had, and what is in flight may then be more than the window (6.9.2). False: it
  // would be above kMax, and nothing has changed.
  [[nodiscard]] bool change(std::int64_t by) {
    if (bytes_ + by > kMax) return false;
    bytes_ = static_cast<std::int32_t>(bytes_ + by);
    return true;
  }

 private:
  std::int32_t bytes_;  // not below -kMax: no more than kMax can be in flight
};

}  // namespace tailgate
