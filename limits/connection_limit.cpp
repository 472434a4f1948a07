#include "limits/connection_limit.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace tailgate {
namespace {

constexpr std::uint8_t kV4 = 4;
constexpr std::uint8_t kV6 = 6;
constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

AddressKey AddressKey::of_v4(const std::uint8_t* address_4) {
  AddressKey key;
  key.bytes[0] = kV4;
  std::copy_n(address_4, 4, key.bytes.begin() + 1);
  return key;
}

AddressKey AddressKey::of_v6(const std::uint8_t* address_16) {
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address_16)) return of_v4(address_16 + 12);
  AddressKey key;
  key.bytes[0] = kV6;
  std::copy_n(address_16, 8, key.bytes.begin() + 1);
  return key;
}

ConnectionLimit::Slot::Slot(Slot&& other) noexcept : limit_{std::exchange(other.limit_, nullptr)}, key_{other.key_} {}

ConnectionLimit::Slot& ConnectionLimit::Slot::operator=(Slot&& other) noexcept {
  if (this == &other) return *this;
  release();
  limit_ = std::exchange(other.limit_, nullptr);
  key_ = other.key_;
  return *this;
}

void ConnectionLimit::Slot::release() {
  if (limit_ != nullptr) limit_->release(key_);
  limit_ = nullptr;
}

std::size_t ConnectionLimit::Hash::operator()(const AddressKey& key) const {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()});
}

ConnectionLimit::Admission ConnectionLimit::admit(const AddressKey& key) {
  const std::size_t before = count_.fetch_add(1, std::memory_order_relaxed);
  if (before >= connections_max_ + told_max_) {
    count_.fetch_sub(1, std::memory_order_relaxed);
    return {Verdict::turned_away, Slot{}};
  }
  Verdict verdict = before >= connections_max_ ? Verdict::full : Verdict::admitted;
  if (per_address_max_ > 0) {
    const std::lock_guard lock{mutex_};
    std::size_t& of_address = by_address_[key];
    if (of_address >= per_address_max_ + told_max_) {
      count_.fetch_sub(1, std::memory_order_relaxed);
      return {Verdict::turned_away, Slot{}};
    }
    if (of_address >= per_address_max_) verdict = Verdict::address_full;
    ++of_address;
  }
  return {verdict, Slot{this, key}};
}

void ConnectionLimit::release(const AddressKey& key) {
  count_.fetch_sub(1, std::memory_order_relaxed);
  if (per_address_max_ == 0) return;
  const std::lock_guard lock{mutex_};
  const auto found = by_address_.find(key);
  if (found != by_address_.end() && --found->second == 0) by_address_.erase(found);
}

}  // namespace tailgate
