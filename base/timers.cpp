#include "base/timers.h"

#include <algorithm>

namespace tailgate {

void Timers::set(Timer& timer, std::int64_t delay_ms) {
  timer.cancel();
  timer.due_ms_ = clock_.steady_ms() + std::max<std::int64_t>(delay_ms, 0);
  // The slot after the one that the due time falls into: then all of it is due when the slot's turn comes.
  const std::int64_t slot = std::max(timer.due_ms_ / kSlotMs, done_slot_) + 1;
  slots_[static_cast<std::size_t>(slot) % kSlots].push_back(timer);
}

void Timers::run_due() {
  const std::int64_t now_ms = clock_.steady_ms();
  const std::int64_t now_slot = now_ms / kSlotMs;
  // After a long pause one turn of the wheel sees every slot.
  std::int64_t slot = std::max(done_slot_, now_slot - static_cast<std::int64_t>(kSlots));
  Slot due;
  while (slot < now_slot) {
    ++slot;
    Slot& entries = slots_[static_cast<std::size_t>(slot) % kSlots];
    for (auto it = entries.begin(); it != entries.end();) {
      Timer& timer = *it++;
      if (timer.due_ms_ > now_ms) continue;  // a later turn of the wheel
      timer.unlink();
      due.push_back(timer);
    }
  }
  done_slot_ = std::max(done_slot_, now_slot);
  while (!due.empty()) {
    Timer& timer = due.front();
    timer.unlink();
    timer.on_due_(timer.owner_);  // may destroy the timer
  }
}

}  // namespace tailgate
