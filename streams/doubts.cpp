#include "streams/doubts.h"

#include <utility>

namespace tailgate {

void Doubts::grow_old(std::int64_t now_ms) {
  old_ = std::exchange(young_, {});
  old_ms_ = now_ms;
}

Doubts::Kept& Doubts::keep(const std::string& topic, std::int32_t partition, Offset passed, std::int64_t now_ms) {
  is_empty_.store(false, std::memory_order_relaxed);
  if (now_ms - old_ms_ > kKeptMs) grow_old(now_ms);
  Key key{topic, partition, passed};
  auto it = young_.find(key);
  if (it == young_.end()) {
    Kept kept{.asked_ms = now_ms, .noticed_ms = now_ms};
    if (const auto before = old_.extract(key)) kept = before.mapped();
    if (young_.size() >= kMax / 2) grow_old(now_ms);
    it = young_.emplace(std::move(key), kept).first;
  }
  if (now_ms - it->second.asked_ms > kKeptMs) it->second = {.noticed_ms = now_ms};
  it->second.asked_ms = now_ms;
  return it->second;
}

std::int64_t Doubts::notice(const std::string& topic, std::int32_t partition, Offset passed, std::int64_t now_ms) {
  const std::lock_guard lock{mutex_};
  return keep(topic, partition, passed, now_ms).noticed_ms;
}

std::int64_t Doubts::deny(const std::string& topic, std::int32_t partition, Offset passed, std::int64_t now_ms) {
  const std::lock_guard lock{mutex_};
  return keep(topic, partition, passed, now_ms).denials.add(now_ms);
}

void Doubts::forget(const std::string& topic, std::int32_t partition, Offset passed, std::int64_t now_ms) {
  if (is_empty_.load(std::memory_order_relaxed)) return;
  const Key key{topic, partition, passed};
  const std::lock_guard lock{mutex_};
  if (now_ms - old_ms_ > kKeptMs) grow_old(now_ms);
  young_.erase(key);
  old_.erase(key);
  if (young_.empty() && old_.empty()) is_empty_.store(true, std::memory_order_relaxed);
}

std::size_t Doubts::size() const {
  if (is_empty_.load(std::memory_order_relaxed)) return 0;
  const std::lock_guard lock{mutex_};
  return young_.size() + old_.size();
}

}  // namespace tailgate
