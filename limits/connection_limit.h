// How many connections this process has, in all and from one address.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/ip_address.h"

namespace tailgate {

// Whom connections are counted for: an IPv4 address, the /64 of an IPv6 address (one customer has all of it), or none.
struct AddressKey {
  std::array<std::uint8_t, 9> bytes{};  // the family, then 4 or 8 bytes
  bool operator==(const AddressKey&) const = default;

  // Every Unix socket peer is the same one.
  static AddressKey of(const IpAddress& address);
  std::string text() const;  // 192.0.2.1, 2001:db8:0:1::/64
};

// Threads: any.
class ConnectionLimit {
 public:
  enum class Verdict : std::uint8_t {
    admitted,
    full,          // over max_connections: to be told so, then closed
    address_full,  // over connections_per_address: the same
    turned_away,   // too many are being told already: close at once
  };

  // Held by a connection as long as it lives.
  class Slot {
   public:
    Slot() = default;
    Slot(Slot&& other) noexcept;
    Slot& operator=(Slot&& other) noexcept;
    ~Slot() { release(); }
    // Counts it for an address too, once, where it was let in without one: its proxy has said whose it is.
    Verdict count(const AddressKey& key);

   private:
    friend class ConnectionLimit;
    explicit Slot(ConnectionLimit* limit) : limit_{limit} {}
    void release();
    ConnectionLimit* limit_ = nullptr;
    bool has_address_ = false;
    AddressKey key_;
  };

  struct Admission {
    Verdict verdict;
    Slot slot;
  };

  // per_address 0: no such limit. Up to `told_max` connections above the limits are let in to hear why they are
  // refused.
  ConnectionLimit(std::size_t connections_max, std::size_t per_address_max, std::size_t told_max = 256)
      : connections_max_{connections_max}, per_address_max_{per_address_max}, told_max_{told_max} {}

  // Counts it, but not for an address: it is a proxy's.
  Admission admit();
  Admission admit(const AddressKey& key);
  std::size_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  struct Hash {
    std::size_t operator()(const AddressKey& key) const;
  };
  void release(const Slot& slot);

  const std::size_t connections_max_;
  const std::size_t per_address_max_;
  const std::size_t told_max_;
  std::atomic<std::size_t> count_{0};
  std::mutex mutex_;
  // At most one entry a connection; empty without that limit.
  std::unordered_map<AddressKey, std::size_t, Hash> by_address_;
};

}  // namespace tailgate
