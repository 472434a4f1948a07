// A long poll: one batch of records as one JSON text, as soon as there is anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "base/byte_budget.h"
#include "base/byte_source.h"
#include "base/loop_pass.h"
#include "base/timers.h"
#include "limits/pace.h"
#include "streams/stream_drain.h"
#include "streams/subscriber.h"

namespace tailgate {

struct PollOptions {
  std::uint64_t limit = 500;
  std::size_t bytes_max = std::size_t{1} << 20;  // of the records' text; the first one comes whatever its size
  std::int64_t wait_ms = 25'000;
  // From an id to an id: where the answer ends by itself, nothing in it depends on when it is given, so that
  // `caught_up` speaks of the range.
  bool is_closed_range = false;
  // What polls hold together, and answers until they are sent; null: no bound.
  ByteBudget* budget = nullptr;
  Paces* paces = nullptr;  // how fast `caller` may be sent to; null: as fast as it asks
  std::string caller;
  SubscriberOptions subscriber;  // is_counted is set
};

struct PollAnswer {
  std::string body;  // {"records":[…],"events":[…],"next":"…","caught_up":…}
  std::string next;  // the id in it
  std::uint64_t records = 0;
  bool has_events = false;
  std::string why_ended;   // limit, max_bytes, no_room, wait, until, caught_up, drain, or the code of a fault
  ByteBudget::Share held;  // of the body

  // No room for the first record: there is no answer.
  bool is_refused() const { return why_ended == "no_room" && records == 0; }
};

// Threads: its feed's. Holds what it has gathered, at most bytes_max and one event.
class Poll final : public StreamDrain::Member, private LoopPass::Member, private Waker, private News::Waiter {
 public:
  // `then` runs once, never within this call. Destruction before that means that nobody waits any more.
  Poll(Feed& feed, const Position& passed, PollOptions options, std::function<void(PollAnswer)> then);
  ~Poll() override;
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;

  // Answers with what there is.
  void leave(std::string_view why) override;

 private:
  void wake() override;
  void on_turn() override;
  void on_news() override { wake(); }
  void gather();
  // Takes one event in; if it does not fit any more, why.
  std::string_view take(const Delivery& delivery);
  std::size_t records_bytes() const;
  void answer(std::string why);
  bool is_caught_up(std::string_view why) const;

  PollOptions options_;
  std::function<void(PollAnswer)> then_;
  std::string body_;  // of the answer, as far as its records go
  ByteBudget::Share held_;
  std::string events_text_;
  std::string next_;  // behind the last record taken
  std::uint64_t records_ = 0;
  Timer wait_;
  Timer settle_;  // set with the first records, while others are being read
  Counter& gauge_;
  std::unique_ptr<Paces::Stream> pace_;                         // null: not limited
  std::size_t room_ = std::numeric_limits<std::size_t>::max();  // bytes that its pace lets go out
  Subscriber subscriber_;
};

}  // namespace tailgate
