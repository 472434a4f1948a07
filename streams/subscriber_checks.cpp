// Ids beyond what this replica has seen: another one is faster, or the log was truncated or made anew.
#include <algorithm>
#include <utility>

#include "streams/subscriber_own.h"

namespace tailgate {

namespace {

constexpr std::int64_t kGoodMs = 10'000;         // Kafka has what was not seen here: it is not asked again before
constexpr std::int64_t kBeyondGraceMs = 10'000;  // a watermark may lag that long behind what another replica has seen

}  // namespace

// A partition is asked about once v has been beyond all that was seen here for a while, and then until that is over.
void Subscriber::check_suspects() {
  Own& own = *own_;
  own.checked_ms = now_ms();
  std::vector<TopicPartition> ask;
  std::vector<Slot> suspects;
  for (std::size_t i = 0; i < own.slots.size(); ++i) {
    Own::Seen& seen = own.slots[i];
    const bool is_ahead = seen.feed != kNotStarted && seen.passed > seen.feed;
    if (seen.passed >= seen.until || (!is_ahead && !seen.is_beyond)) {
      seen.check_ms = Own::kNever;
      seen.beyond_since_ms = -1;
      continue;
    }
    if (seen.check_ms == Own::kNever) seen.check_ms = own.checked_ms + Own::kCheckMs;
    if (seen.check_ms > own.checked_ms) continue;
    suspects.push_back(static_cast<Slot>(i));
    ask.push_back(partition(static_cast<Slot>(i)).source);
  }
  if (!ask.empty() && !own.ends.is_waiting()) {
    own.suspects = std::move(suspects);
    own.ends = feed_.context().catalog.ends(std::move(ask), feed_.context().loop,
                                            [this](const Catalog::EndsAnswer& answer) { on_ends(answer); });
  }
  check_unknown();
}

void Subscriber::on_ends(const Catalog::EndsAnswer& answer) {
  Own& own = *own_;
  const std::int64_t now = now_ms();
  for (const Slot slot : std::exchange(own.suspects, {})) {
    Own::Seen& seen = own.slots[slot];
    seen.check_ms = now + Own::kCheckMs;
    if (!answer) continue;
    const auto it = answer->find(partition(slot).source);
    if (it == answer->end()) continue;
    const PartitionEnds& ends = it->second;
    if (seen.passed < ends.end) {  // it exists: this replica is slow
      seen.beyond_since_ms = -1;
      seen.check_ms = now + kGoodMs;
      continue;
    }
    if (seen.beyond_since_ms < 0) seen.beyond_since_ms = now;
    if (now - seen.beyond_since_ms < kBeyondGraceMs) continue;
    const bool is_feed_good = seen.feed != kNotStarted && seen.feed < ends.end;
    const Offset latest = is_feed_good ? seen.feed + 1 : ends.readable;
    seen.is_beyond = false;
    seen.beyond_since_ms = -1;
    if (options_.until) seen.until = std::min(seen.until, ends.readable - 1);  // what it named is gone as well
    own.controls.push_back({Delivery::Kind::reset, slot, seen.passed + 1,
                            options_.on_reset == ResetPolicy::earliest ? ends.begin : latest});
  }
  wake();
}

void Subscriber::check_unknown() {
  Own& own = *own_;
  if (own.unknown.empty() || now_ms() - own.unknown_since_ms < Own::kUnknownPartitionMs) return;
  know_all();
  if (own.unknown.empty()) return;
  // Nobody else has heard of these partitions either: the id is of another topic of that name.
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
  if (options_.on_reset == ResetPolicy::stop) {
    own.controls.push_back({Delivery::Kind::fault, 0, 0, 0, {}, 0, "beyond_end"});
  }
}

}  // namespace tailgate
