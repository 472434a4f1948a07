// How many TLS handshakes an address may begin for nothing. Each costs a signature, so who only begins them, again and
// again, is closed on unheard for a while. Who completes what it begins never meets this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "limits/connection_limit.h"

namespace tailgate {

// Threads: any.
class HandshakeBudget {
 public:
  static constexpr std::int64_t kBurstSeconds = 10;     // what may fail at once: the failures of so many seconds
  static constexpr std::size_t kAddressesMax = 10'000;  // those that failed lately; of more no account is kept

  // 0: no limit.
  explicit HandshakeBudget(std::size_t failures_per_second) : failures_per_second_{failures_per_second} {}

  bool may_begin(const AddressKey& address, std::int64_t now_ms);
  void add_failure(const AddressKey& address, std::int64_t now_ms);

 private:
  struct Hash {
    std::size_t operator()(const AddressKey& key) const;
  };
  const std::size_t failures_per_second_;
  std::mutex mutex_;
  // When all failures so far are made up for, in microseconds; under mutex_.
  std::unordered_map<AddressKey, std::int64_t, Hash> settled_us_;
};

}  // namespace tailgate
