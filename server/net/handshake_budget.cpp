#include "server/net/handshake_budget.h"

#include <algorithm>
#include <functional>
#include <string_view>

namespace tailgate {

namespace {

constexpr std::int64_t kSecondUs = 1'000'000;

}  // namespace

std::size_t HandshakeBudget::Hash::operator()(const AddressKey& key) const {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()});
}

bool HandshakeBudget::may_begin(const AddressKey& address, std::int64_t now_ms) {
  if (failures_per_second_ == 0) return true;
  const std::scoped_lock lock{mutex_};
  const auto known = settled_us_.find(address);
  return known == settled_us_.end() || known->second < now_ms * 1000 + kBurstSeconds * kSecondUs;
}

void HandshakeBudget::add_failure(const AddressKey& address, std::int64_t now_ms) {
  if (failures_per_second_ == 0) return;
  const std::scoped_lock lock{mutex_};
  const std::int64_t now_us = now_ms * 1000;
  if (settled_us_.size() >= kAddressesMax && !settled_us_.contains(address)) {
    std::erase_if(settled_us_, [now_us](const auto& entry) { return entry.second <= now_us; });
    if (settled_us_.size() >= kAddressesMax) return;
  }
  std::int64_t& settled_us = settled_us_[address];
  settled_us = std::max(settled_us, now_us) + kSecondUs / static_cast<std::int64_t>(failures_per_second_);
}

}  // namespace tailgate
