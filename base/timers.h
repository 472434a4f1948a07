// Coarse timers by the ten thousands: a hashed wheel of 100 ms slots with intrusive entries.
//
// For time-outs, heartbeats and retries, where 100 ms more do not matter and most are moved before they are due.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/clock.h"

namespace tailgate {

class Timers;

// A timer that is one member of the object it calls back. Cancelled when destroyed. Memory: 40 bytes.
class Timer : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  // Calls `on_due` with the owner: a lambda that captures nothing, since each stream has a timer.
  template <class Owner, class OnDue>
  Timer(Owner& owner, OnDue) : owner_{&owner}, on_due_{[](void* object) { OnDue{}(*static_cast<Owner*>(object)); }} {
    static_assert(std::is_empty_v<OnDue>);
  }
  bool is_set() const { return is_linked(); }
  void cancel() { unlink_if_linked(); }

 private:
  friend class Timers;
  void unlink_if_linked() {
    if (is_linked()) unlink();
  }
  void* owner_;
  void (*on_due_)(void* owner);
  std::int64_t due_ms_ = 0;
};

// Threads: one. Timers fire up to kSlotMs late, never early.
class Timers {
 public:
  static constexpr std::int64_t kSlotMs = 100;

  explicit Timers(const Clock& clock) : clock_{clock}, done_slot_{clock.steady_ms() / kSlotMs} {}

  const Clock& clock() const { return clock_; }
  // What steady_ms() of the clock was not long ago: some kSlotMs, while the loop has its turns. Costs no look at a
  // clock.
  std::int64_t recent_ms() const { return done_slot_ * kSlotMs; }
  // (Re)arms: on_due runs once, `delay_ms` or a little more from now.
  void set(Timer& timer, std::int64_t delay_ms);
  // Runs what is due; whoever owns the loop calls it every kSlotMs. A callback may set, cancel and destroy any timer.
  void run_due();

 private:
  using Slot = boost::intrusive::list<Timer, boost::intrusive::constant_time_size<false>>;
  static constexpr std::size_t kSlots = 1024;

  const Clock& clock_;
  std::int64_t done_slot_;  // every slot up to this one has run
  std::array<Slot, kSlots> slots_;
};

}  // namespace tailgate
