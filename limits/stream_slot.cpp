#include "limits/stream_slot.h"

namespace tailgate {

// Holds the slot while it is asked for, so that who gives up asking leaves it.
class StreamSlots::Question final : public Watch {
 public:
  Question(StreamSlots& slots, const std::string& owner, std::string place, Then then)
      : slots_{slots}, owner_{owner}, then_{std::move(then)} {
    if (slots.is_refused(owner)) {
      auto [ask, reply] = make_ask<bool>(slots.loop_, [this](bool is_taken) { on_answer(is_taken); });
      ask_ = std::move(ask);
      reply(false);
      return;
    }
    ask_ = slots.store_.take_slot(owner, place, slots.slots_max_, [this](bool is_taken) { on_answer(is_taken); });
    slot_ = std::make_unique<Slot>(slots, owner, std::move(place));
  }

 private:
  void on_answer(bool is_taken) {
    std::unique_ptr<Slot> slot = std::move(slot_);
    if (!is_taken) {
      slot.reset();
      slots_.counters_.slots_refused.add();
      const std::int64_t until_ms = slots_.loop_.timers().clock().steady_ms() + kRefusedMs;
      if (slots_.refused_until_ms_.size() >= kRefusedMax) slots_.refused_until_ms_.clear();
      slots_.refused_until_ms_.try_emplace(owner_, until_ms);
    }
    const Then then = std::move(then_);  // it may destroy this
    then(std::move(slot));
  }

  StreamSlots& slots_;
  const std::string owner_;
  Then then_;
  std::unique_ptr<Slot> slot_;
  Ask<bool> ask_;
};

std::unique_ptr<Watch> StreamSlots::take(const std::string& owner, Then then) {
  std::string place = thread_id_ + '-' + std::to_string(++taken_);
  return std::make_unique<Question>(*this, owner, std::move(place), std::move(then));
}

bool StreamSlots::is_refused(const std::string& owner) {
  const auto known = refused_until_ms_.find(owner);
  if (known == refused_until_ms_.end()) return false;
  if (loop_.timers().clock().steady_ms() < known->second) return true;
  refused_until_ms_.erase(known);
  return false;
}

void StreamSlots::leave(const std::string& owner, const std::string& place) {
  refused_until_ms_.erase(owner);
  store_.leave_slot(owner, place);
}

}  // namespace tailgate
