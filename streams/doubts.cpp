#include "streams/doubts.h"

#include <utility>

namespace tailgate {

std::int64_t Doubts::since(const std::string& topic, std::int32_t partition, Offset passed, std::int64_t now_ms) {
  Key key{topic, partition, passed};
  const std::lock_guard lock{mutex_};
  is_empty_.store(false, std::memory_order_relaxed);
  auto it = young_.find(key);
  if (it == young_.end()) {
    Doubt doubt{now_ms, now_ms};
    if (const auto before = old_.extract(key)) doubt = before.mapped();
    if (young_.size() >= kMax / 2) old_ = std::exchange(young_, {});
    it = young_.emplace(std::move(key), doubt).first;
  }
  if (now_ms - it->second.asked_ms > kKeptMs) it->second.since_ms = now_ms;
  it->second.asked_ms = now_ms;
  return it->second.since_ms;
}

void Doubts::forget(const std::string& topic, std::int32_t partition, Offset passed) {
  if (is_empty_.load(std::memory_order_relaxed)) return;
  const Key key{topic, partition, passed};
  const std::lock_guard lock{mutex_};
  young_.erase(key);
  old_.erase(key);
  if (young_.empty() && old_.empty()) is_empty_.store(true, std::memory_order_relaxed);
}

}  // namespace tailgate
