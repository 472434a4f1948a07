#include "limits/memory_limits.h"

#include <algorithm>
#include <utility>

namespace tailgate {

TokenGrant LimitTable::take(const std::string& bucket, const TokenRate& rate, std::int64_t wanted) {
  const std::lock_guard lock{mutex_};
  if (buckets_.size() >= sweep_at_) forget_full();
  Bucket& known = buckets_[bucket];
  const TokenGrant grant = take_tokens(known.full_us, now_us(), rate, wanted);
  known.owed_us = std::max(known.owed_us, now_us()) + static_cast<double>(grant.granted) * rate.interval_us();
  return grant;
}

double LimitTable::settle(const std::string& bucket, const TokenRate& rate) {
  const std::lock_guard lock{mutex_};
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return 0;
  return std::max(0.0, (std::exchange(found->second.owed_us, 0) - now_us()) / rate.interval_us());
}

void LimitTable::owe(const std::string& bucket, const TokenRate& rate, double tokens) {
  const std::lock_guard lock{mutex_};
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return;  // it was full again
  found->second.owed_us = std::max(found->second.owed_us, now_us()) + tokens * rate.interval_us();
}

void LimitTable::forget_full() {
  std::erase_if(buckets_, [now_us = now_us()](const auto& item) { return item.second.full_us <= now_us; });
  sweep_at_ = std::max<std::size_t>(1'024, 2 * buckets_.size());
}

bool LimitTable::take_slot(const std::string& owner, const std::string& place, std::size_t slots_max) {
  const std::lock_guard lock{mutex_};
  auto& places = places_[owner];
  if (places.size() >= slots_max && !places.contains(place)) {
    if (places.empty()) places_.erase(owner);
    return false;
  }
  if (places.insert(place).second) ++slots_;
  return true;
}

void LimitTable::leave_slot(const std::string& owner, const std::string& place) {
  const std::lock_guard lock{mutex_};
  const auto found = places_.find(owner);
  if (found == places_.end() || found->second.erase(place) == 0) return;
  --slots_;
  if (found->second.empty()) places_.erase(found);
}

std::size_t LimitTable::slots_of(const std::string& owner) const {
  const std::lock_guard lock{mutex_};
  const auto found = places_.find(owner);
  return found == places_.end() ? 0 : found->second.size();
}

std::size_t LimitTable::buckets() const {
  const std::lock_guard lock{mutex_};
  return buckets_.size();
}

std::size_t LimitTable::slots() const {
  const std::lock_guard lock{mutex_};
  return slots_;
}

Ask<TokenGrant> MemoryLimits::take(const std::string& bucket, const TokenRate& rate, std::int64_t wanted,
                                   ThenTokens then) {
  auto [ask, reply] = make_ask<TokenGrant>(loop_, std::move(then));
  reply(table_.take(bucket, rate, wanted));
  return std::move(ask);
}

Ask<bool> MemoryLimits::take_slot(const std::string& owner, const std::string& place, std::size_t slots_max,
                                  ThenSlot then) {
  auto [ask, reply] = make_ask<bool>(loop_, std::move(then));
  reply(table_.take_slot(owner, place, slots_max));
  return std::move(ask);
}

}  // namespace tailgate
