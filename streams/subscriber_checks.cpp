// Ids beyond what this replica has seen: another one is faster, or the log was truncated or made anew.
#include <algorithm>
#include <utility>

#include "streams/subscriber_own.h"

namespace tailgate {

namespace {

constexpr std::int64_t kGoodMs = 10'000;  // Kafka has what was not seen here: it is not asked again before

}  // namespace

// A partition is asked about once v has been beyond all that was seen here for a while, and then until that is over.
void Subscriber::check_suspects(std::int64_t now) {
  Own& own = *own_;
  const bool is_first = std::exchange(own.checked_ms, now) == 0;
  std::vector<TopicPartition> ask;
  std::vector<Slot> suspects;
  Doubts& doubts = feed_.context().doubts;
  for (std::size_t i = 0; i < own.slots.size(); ++i) {
    Own::Seen& seen = own.slots[i];
    const Feed::Partition& known = partition(static_cast<Slot>(i));
    if (!seen.is_suspect()) {
      const bool is_reached = seen.feed != kNotStarted && seen.passed <= seen.feed;
      if (is_reached && (is_first || seen.check_ms != Own::kNever)) {
        doubts.forget(known.topic, known.source.partition, seen.passed, own.checked_ms);
      }
      seen.check_ms = Own::kNever;
      continue;
    }
    if (seen.check_ms == Own::kNever) {
      seen.check_ms = doubts.notice(known.topic, known.source.partition, seen.passed, own.checked_ms) + Own::kCheckMs;
    }
    if (seen.check_ms > own.checked_ms) continue;
    suspects.push_back(static_cast<Slot>(i));
    ask.push_back(known.source);
  }
  if (!ask.empty() && !own.ends.is_waiting()) {
    own.suspects = std::move(suspects);
    own.is_doubt_due = is_first;  // a poll that was not held would be gone before it is answered
    own.ends = feed_.context().catalog.ends(std::move(ask), feed_.context().loop,
                                            [this](const Catalog::EndsAnswer& answer) { on_ends(answer); });
  }
  check_unknown();
}

void Subscriber::on_ends(const Catalog::EndsAnswer& answer) {
  Own& own = *own_;
  Doubts& doubts = feed_.context().doubts;
  const std::int64_t now = now_ms();
  own.is_doubt_due = false;
  for (const Slot slot : std::exchange(own.suspects, {})) {
    Own::Seen& seen = own.slots[slot];
    seen.check_ms = now + Own::kCheckMs;
    if (!answer || !seen.is_suspect()) continue;  // the feed has reached it meanwhile
    const Feed::Partition& known = partition(slot);
    const auto it = answer->find(known.source);
    if (it == answer->end()) continue;
    const PartitionEnds& ends = it->second;
    if (seen.passed < ends.end) {  // it exists: this replica is slow
      doubts.forget(known.topic, known.source.partition, seen.passed, now);
      seen.is_end_in_doubt = false;
      seen.check_ms = now + kGoodMs;
      continue;
    }
    const auto denied_for_ms = doubts.deny(known.topic, known.source.partition, seen.passed, now);
    if (denied_for_ms < Own::kBeyondGraceMs) continue;
    const bool is_feed_good = seen.feed != kNotStarted && seen.feed < ends.end;
    const Offset latest = is_feed_good ? seen.feed + 1 : ends.readable;
    seen.is_beyond = false;
    seen.is_end_in_doubt = false;
    seen.check_ms = Own::kNever;
    if (until_) seen.until = std::min(seen.until, ends.readable - 1);  // what it named is gone as well
    own.controls.push_back(
        {Delivery::Kind::reset, slot, seen.passed + 1, on_reset_ == ResetPolicy::earliest ? ends.begin : latest});
  }
  wake();
}

void Subscriber::check_unknown() {
  Own& own = *own_;
  if (own.unknown.empty() || now_ms() - own.unknown_since_ms < Own::kUnknownPartitionMs) return;
  know_all();
  if (own.unknown.empty()) return;
  // Nobody else has heard of these partitions either: the id is of another topic of that name. Who stops at a reset
  // keeps its id, and is told again when it comes back with it.
  if (on_reset_ == ResetPolicy::stop) {
    for (const Own::Unknown& gone : own.unknown) {
      own.controls.push_back({Delivery::Kind::reset, 0, gone.passed + 1, 0, gone.topic, gone.partition, {}});
    }
    own.controls.push_back({Delivery::Kind::fault, 0, 0, 0, {}, 0, "beyond_end"});
    own.unknown_since_ms = now_ms();
    return;
  }
  std::vector<Own::Unknown> unknown = std::move(own.unknown);
  own.unknown.clear();
  own.unknown_id_slots.clear();
  IdText id{feed_.spec().id_form()};
  for (std::size_t i = 0; i < own.slots.size(); ++i) {
    const Feed::Partition& known = partition(static_cast<Slot>(i));
    own.slots[i].id_slot = id.add(known.topic, known.source.partition, own.slots[i].passed);
  }
  own.id = std::move(id);
  for (Own::Unknown& gone : unknown) {
    own.controls.push_back({Delivery::Kind::reset, 0, gone.passed + 1, 0, std::move(gone.topic), gone.partition, {}});
  }
}

}  // namespace tailgate
