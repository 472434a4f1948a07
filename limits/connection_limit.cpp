#include "limits/connection_limit.h"

#include <algorithm>
#include <cassert>
#include <string_view>
#include <utility>

namespace tailgate {
namespace {

constexpr std::uint8_t kV4 = 4;
constexpr std::uint8_t kV6 = 6;

}  // namespace

AddressKey AddressKey::of(const IpAddress& address) {
  AddressKey key;
  if (address.is_none()) return key;
  key.bytes[0] = address.is_v4() ? kV4 : kV6;
  std::copy_n(address.bytes().begin(), address.is_v4() ? 4 : 8, key.bytes.begin() + 1);
  return key;
}

std::string AddressKey::text() const {
  if (bytes[0] == kV4) return IpAddress::of_v4(bytes.data() + 1).text();
  std::array<std::uint8_t, 16> network{};
  std::copy_n(bytes.begin() + 1, 8, network.begin());
  return bytes[0] == kV6 ? IpAddress::of_v6(network.data()).text() + "/64" : IpAddress{}.text();
}

ConnectionLimit::Slot::Slot(Slot&& other) noexcept
    : limit_{std::exchange(other.limit_, nullptr)}, has_address_{other.has_address_}, key_{other.key_} {}

ConnectionLimit::Slot& ConnectionLimit::Slot::operator=(Slot&& other) noexcept {
  if (this == &other) return *this;
  release();
  limit_ = std::exchange(other.limit_, nullptr);
  has_address_ = other.has_address_;
  key_ = other.key_;
  return *this;
}

void ConnectionLimit::Slot::release() {
  if (limit_ != nullptr) limit_->release(*this);
  limit_ = nullptr;
}

std::size_t ConnectionLimit::Hash::operator()(const AddressKey& key) const {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()});
}

ConnectionLimit::Admission ConnectionLimit::admit() {
  const std::size_t before = count_.fetch_add(1, std::memory_order_relaxed);
  if (before >= connections_max_ + told_max_) {
    count_.fetch_sub(1, std::memory_order_relaxed);
    return {Verdict::turned_away, Slot{}};
  }
  return {before >= connections_max_ ? Verdict::full : Verdict::admitted, Slot{this}};
}

ConnectionLimit::Admission ConnectionLimit::admit(const AddressKey& key) {
  Admission admission = admit();
  if (admission.verdict == Verdict::turned_away) return admission;
  const Verdict of_address = admission.slot.count(key);
  if (of_address == Verdict::turned_away) return {of_address, Slot{}};
  if (of_address == Verdict::address_full) admission.verdict = of_address;
  return admission;
}

ConnectionLimit::Verdict ConnectionLimit::Slot::count(const AddressKey& key) {
  if (limit_ == nullptr || limit_->per_address_max_ == 0) return Verdict::admitted;
  assert(!has_address_);
  const std::lock_guard lock{limit_->mutex_};
  std::size_t& of_address = limit_->by_address_[key];
  if (of_address >= limit_->per_address_max_ + limit_->told_max_) return Verdict::turned_away;
  has_address_ = true;
  key_ = key;
  return of_address++ >= limit_->per_address_max_ ? Verdict::address_full : Verdict::admitted;
}

void ConnectionLimit::release(const Slot& slot) {
  count_.fetch_sub(1, std::memory_order_relaxed);
  if (!slot.has_address_) return;
  const std::lock_guard lock{mutex_};
  const auto found = by_address_.find(slot.key_);
  if (found != by_address_.end() && --found->second == 0) by_address_.erase(found);
}

}  // namespace tailgate
