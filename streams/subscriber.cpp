#include "streams/subscriber.h"

#include <algorithm>
#include <cassert>
#include <functional>
#include <string>
#include <utility>
#include <variant>

#include "streams/subscriber_own.h"

namespace tailgate {

Subscriber::Subscriber(Feed& feed, const Position& passed, SubscriberOptions options, Waker& waker)
    : waker_{waker},
      feed_{feed},
      is_counted_{options.is_counted},
      on_reset_{options.on_reset},
      until_{options.until ? std::make_unique<const Position>(std::move(*options.until)) : nullptr} {
  place_ = feed_.join(*this);
  make_own(feed_.log().head_position());
  Own& own = *own_;
  own.turn = feed_.next_first();
  know_all();
  for (std::size_t slot = 0; slot < own.slots.size(); ++slot) set_passed(static_cast<Slot>(slot), kNothingPassed);
  for (const auto& [topic, partitions] : passed) {
    for (const auto& [number, offset] : partitions) {
      if (const auto slot = slot_of(topic, number)) {
        set_passed(*slot, offset);
      } else {
        await(topic, number, offset);
      }
    }
  }
  for (const auto& [topic, partitions] : until_ ? *until_ : Position{}) {
    const auto named = passed.find(topic);
    for (const auto& [number, end] : partitions) {
      const bool is_named = named != passed.end() && named->second.contains(number);
      if (!is_named && !slot_of(topic, number)) await(topic, number, kNothingPassed);
    }
  }
  for (Own::Seen& seen : own.slots) seen.is_end_in_doubt = options.is_until_end && seen.passed > seen.until;
  if (!own.unknown.empty()) {
    for (const Own::Unknown& unknown : own.unknown) {
      const std::int64_t noticed_ms =
          feed_.context().doubts.notice(unknown.topic, unknown.partition, unknown.passed, now_ms());
      own.unknown_since_ms = std::max(own.unknown_since_ms, noticed_ms);
    }
    own.refresh =
        feed_.context().catalog.refresh(feed_.context().loop, [this](const Catalog::TopicsAnswer&) { wake(); });
  }
  has_moved_ = false;
  if (is_in_step()) own_.reset();
}

Subscriber::~Subscriber() { feed_.leave(*this); }

std::int64_t Subscriber::now_ms() const { return feed_.context().loop.timers().clock().steady_ms(); }

// P becomes `at`, and v the same where the feed has a position.
void Subscriber::make_own(std::vector<Offset> at) {
  own_ = std::make_unique<Own>(feed_.spec().id_form(), *this);
  for (std::size_t i = 0; i < at.size(); ++i) {
    const auto slot = static_cast<Slot>(i);
    know_slot(slot);
    if (at[i] == kNotStarted) continue;
    set_feed(slot, at[i]);
    set_passed(slot, at[i]);
  }
}

// Partitions that the feed came to know after this subscriber have passed nothing, unless its id says otherwise.
void Subscriber::know_slot(Slot slot) {
  Own& own = *own_;
  while (own.slots.size() <= slot) {
    const Feed::Partition& known = partition(static_cast<Slot>(own.slots.size()));
    Own::Seen seen;
    const auto it = std::find_if(own.unknown.begin(), own.unknown.end(), [&](const Own::Unknown& unknown) {
      return unknown.partition == known.source.partition && unknown.topic == known.topic;
    });
    if (it != own.unknown.end()) {
      const auto index = it - own.unknown.begin();
      seen.passed = it->passed;
      seen.id_slot = own.unknown_id_slots[static_cast<std::size_t>(index)];
      own.unknown.erase(it);
      own.unknown_id_slots.erase(own.unknown_id_slots.begin() + index);
    } else {
      seen.id_slot = own.id.add(known.topic, known.source.partition, seen.passed);
    }
    seen.until = until_of(known.topic, known.source.partition);
    own.slots.push_back(seen);
    ++own.differing;
  }
}

std::optional<Slot> Subscriber::slot_of(const std::string& topic, std::int32_t number) const {
  const auto& known = feed_.partitions();
  const auto it = std::find_if(known.begin(), known.end(), [&](const Feed::Partition& partition) {
    return partition.source.partition == number && partition.topic == topic;
  });
  if (it == known.end()) return std::nullopt;
  return static_cast<Slot>(it - known.begin());
}

// A partition that this replica has not heard of yet.
void Subscriber::await(const std::string& topic, std::int32_t number, Offset passed) {
  own_->unknown.push_back(Own::Unknown{topic, number, passed, until_of(topic, number)});
  own_->unknown_id_slots.push_back(own_->id.add(topic, number, passed));
}

Offset Subscriber::until_of(const std::string& topic, std::int32_t number) const {
  if (!until_) return Own::kNoEnd;
  const auto named = until_->find(topic);
  if (named == until_->end()) return kNothingPassed;
  const auto end = named->second.find(number);
  return end == named->second.end() ? kNothingPassed : end->second;
}

void Subscriber::know_all() {
  if (!feed_.partitions().empty()) know_slot(static_cast<Slot>(feed_.partitions().size() - 1));
}

void Subscriber::set_passed(Slot slot, Offset offset) {
  Own::Seen& seen = own_->slots[slot];
  own_->differing -= seen.passed != seen.feed ? 1 : 0;
  seen.passed = offset;
  own_->differing += seen.passed != seen.feed ? 1 : 0;
  own_->id.set(seen.id_slot, offset);
  has_moved_ = true;
}

void Subscriber::set_feed(Slot slot, Offset offset) {
  Own::Seen& seen = own_->slots[slot];
  own_->differing -= seen.passed != seen.feed ? 1 : 0;
  seen.feed = offset;
  own_->differing += seen.passed != seen.feed ? 1 : 0;
}

// P goes on past an entry; returns what it was.
Offset Subscriber::cross(const FeedEntry& entry) {
  know_slot(entry.slot);
  const Offset was = own_->slots[entry.slot].feed;
  set_feed(entry.slot, entry.offset);
  return was;
}

bool Subscriber::is_in_step() const {
  return own_->differing == 0 && own_->unknown.empty() && own_->controls.empty() && !until_ && !is_counted_;
}

StreamState Subscriber::state() const {
  if (!own_ || own_->differing == 0) return StreamState::live;
  for (std::size_t slot = 0; slot < own_->slots.size(); ++slot) {
    if (is_behind(static_cast<Slot>(slot))) return StreamState::behind;
  }
  return StreamState::ahead;
}

bool Subscriber::is_finished() const {
  const auto has_ended = [](const auto& partition) { return partition.passed >= partition.until; };
  const auto is_in_doubt = [](const Own::Seen& seen) { return seen.is_end_in_doubt; };
  return until_ && std::all_of(own_->slots.begin(), own_->slots.end(), has_ended) &&
         std::none_of(own_->slots.begin(), own_->slots.end(), is_in_doubt) &&
         std::all_of(own_->unknown.begin(), own_->unknown.end(), has_ended);
}

// ---- live ----------------------------------------------------------------------------------------------------------

std::string_view Subscriber::prepare_live(std::size_t bytes_max) {
  while (is_live() && (!must_end() || done_ > 0)) {
    const FeedChunk& chunk = *place_.chunk;
    const auto& entries = chunk.entries;
    if (place_.entry == entries.size()) {
      if (feed_.advance(place_) || feed_.encode_more()) continue;  // which may have evicted this one
      waits_for_news_ = true;
      if (feed_.has_more()) wake();  // after others had their turn
      return {};
    }
    const FeedEntry& entry = entries[place_.entry];
    if (entry.kind == FeedEntry::Kind::progress) {
      ++place_.entry;
      has_moved_ = true;
      continue;
    }
    if (entry.kind == FeedEntry::Kind::barrier) break;
    const std::size_t from = chunk.begin_of(place_.entry) + done_;
    const std::size_t room_end = from + bytes_max;
    auto last = entries.end();
    if (chunk.used() > room_end) {
      last = std::upper_bound(entries.begin() + place_.entry, entries.end(), room_end,
                              [](std::size_t end, const FeedEntry& e) { return end < e.end; });
    }
    if (chunk.barriers > 0) {
      last = std::find_if(entries.begin() + place_.entry, last,
                          [](const FeedEntry& e) { return e.kind == FeedEntry::Kind::barrier; });
    }
    live_end_ = static_cast<std::uint32_t>(last - entries.begin());
    if (live_end_ > place_.entry) return chunk.view(from, entries[live_end_ - 1].end);
    // A part of an event that is larger than what fits. The id line stays in one piece with the empty line behind it.
    const std::size_t tail = entry.end - entry.tail_bytes;
    const bool cuts_tail = room_end > tail && from < tail;
    return chunk.view(from, cuts_tail ? tail : room_end);
  }
  if (!is_live()) return {};
  make_own(feed_.log().position_at(place_));
  if (!must_end()) cross(place_.chunk->entries[place_.entry++]);  // the barrier
  return {};
}

std::size_t Subscriber::pass_live(std::size_t bytes) {
  if (live_end_ == place_.entry) {  // a part
    done_ += static_cast<std::uint32_t>(bytes);
    return 0;
  }
  std::size_t records = 0;
  const auto& entries = place_.chunk->entries;
  const bool is_of_several = feed_.spec().topics.size() > 1;
  for (; place_.entry < live_end_; ++place_.entry) {
    const FeedEntry& entry = entries[place_.entry];
    const bool is_record = entry.kind == FeedEntry::Kind::record;
    records += is_record ? 1 : 0;
    has_moved_ = !is_record;
    if (is_of_several && is_record)
      partition(entry.slot).sent->add(1, entry.end - place_.chunk->begin_of(place_.entry));
  }
  if (!is_of_several) partition(0).sent->add(records, bytes + done_);
  done_ = 0;
  return records;
}

// ---- not live ------------------------------------------------------------------------------------------------------

Subscriber::Step Subscriber::next(Delivery& delivery) {
  assert(own_);
  Own& own = *own_;
  waits_for_news_ = false;
  if (must_end()) {
    if (std::exchange(own.is_end_told, true)) return Step::wait;
    delivery = Delivery{};
    delivery.kind = leaves_.empty() ? Delivery::Kind::fault : Delivery::Kind::leave;
    delivery.code = leaves_.empty() ? std::string_view{feed_.fault()} : leaves_;
    return Step::delivery;
  }
  // A reset that has not been told yet is not to be found out again.
  const bool is_check_due = own.controls.empty() && own.scanned_bytes == 0;
  // Asked for each record: the clock is only looked at where there is something to check or to wait for.
  const std::int64_t recent = feed_.context().loop.timers().recent_ms();
  if (is_check_due && recent - own.checked_ms >= Own::kCheckMs) check_suspects(now_ms());
  while (true) {
    if (next_control(delivery)) return Step::delivery;
    if (is_finished()) return Step::finished;
    if (own.is_doubt_due) return Step::wait;  // for the answer, whatever else comes
    if (is_in_step()) {
      own_.reset();
      return Step::live;
    }
    // One after the other has the first choice, so that a busy feed and a long way behind do not starve each other.
    const bool is_delivery = own.is_feeds_turn ? next_of_feed(delivery) || next_of_behind(delivery)
                                               : next_of_behind(delivery) || next_of_feed(delivery);
    if (is_delivery) {
      has_moved_ = false;
      return Step::delivery;
    }
    if (own.scanned_bytes >= Own::kScanBytes) return Step::busy;
    if (!own.controls.empty() || is_in_step()) continue;
    if (can_read_behind() || is_finished()) continue;  // the feed's entries have just led here
    const std::int64_t now = now_ms();
    check_suspects(now);
    if (!own.controls.empty()) continue;
    wait(now);
    return Step::wait;
  }
}

bool Subscriber::next_of_feed(Delivery& delivery) {
  Own& own = *own_;
  while (true) {
    if (place_.entry == place_.chunk->entries.size()) {
      if (feed_.advance(place_)) continue;
      // A subscriber that is in step nowhere would only skip what it has encoded.
      const bool has_other_work = own.differing == own.slots.size() && can_read_behind();
      if (has_other_work || !feed_.encode_more()) return false;
      continue;
    }
    const FeedChunk& chunk = *place_.chunk;
    const FeedEntry& entry = chunk.entries[place_.entry];
    const std::size_t begin = chunk.begin_of(place_.entry);
    ++place_.entry;
    const Offset was = cross(entry);
    const Own::Seen& seen = own.slots[entry.slot];
    if (entry.kind == FeedEntry::Kind::barrier || seen.passed >= seen.until) continue;
    // Ahead, and passed by this entry: nothing lies between v and it.
    const bool is_for_client = seen.passed == was || (seen.passed > was && entry.offset > seen.passed);
    if (!is_for_client) continue;
    set_passed(entry.slot, std::min(entry.offset, seen.until));
    if (entry.kind == FeedEntry::Kind::progress || entry.offset > seen.until) continue;
    const Feed::Partition& source = partition(entry.slot);
    delivery = Delivery{};
    delivery.topic = source.topic;
    delivery.partition = source.source.partition;
    delivery.slot = entry.slot;
    delivery.offset = entry.offset;
    delivery.front = chunk.view(begin, entry.end - entry.tail_bytes);
    return true;
  }
}

bool Subscriber::next_control(Delivery& delivery) {
  Own& own = *own_;
  if (own.controls.empty()) return false;
  const Own::Control control = std::move(own.controls.front());
  own.controls.pop_front();
  delivery = Delivery{};
  delivery.kind = control.kind;
  delivery.code = control.code;
  delivery.from = control.from;
  delivery.to = control.to;
  if (control.kind == Delivery::Kind::fault) return true;
  if (!control.topic.empty()) {
    delivery.topic = *std::find(feed_.spec().topics.begin(), feed_.spec().topics.end(), control.topic);
    delivery.partition = control.partition;
    return true;
  }
  delivery.topic = partition(control.slot).topic;
  delivery.partition = partition(control.slot).source.partition;
  const bool is_stop = control.kind == Delivery::Kind::reset && on_reset_ == ResetPolicy::stop;
  if (control.kind == Delivery::Kind::gap) set_passed(control.slot, control.to);
  if (control.kind == Delivery::Kind::reset && !is_stop) set_passed(control.slot, control.to - 1);
  if (is_stop) own.controls.push_front({Delivery::Kind::fault, 0, 0, 0, {}, 0, "beyond_end"});
  has_moved_ = false;
  return true;
}

// ---- position, wake-ups -----------------------------------------------------------------------------------------

std::string Subscriber::id() {
  if (own_) return std::string{own_->id.text()};
  IdText id{feed_.spec().id_form()};
  const std::vector<Offset> at = feed_.log().position_at(place_);
  for (std::size_t slot = 0; slot < at.size(); ++slot) {
    if (at[slot] == kNotStarted) continue;
    const Feed::Partition& known = partition(static_cast<Slot>(slot));
    id.add(known.topic, known.source.partition, at[slot]);
  }
  return std::string{id.text()};
}

std::string_view Subscriber::id_text() {
  assert(own_);
  return own_->id.text();
}

bool Subscriber::take_moved() { return std::exchange(has_moved_, false); }

std::unique_ptr<PartialEvent> Subscriber::take_partial() { return own_ ? std::move(own_->partial) : nullptr; }

bool Subscriber::is_caught_up() const {
  const std::vector<Offset> at = own_ ? std::vector<Offset>{} : feed_.log().position_at(place_);
  for (std::size_t slot = 0; slot < feed_.partitions().size(); ++slot) {
    const RecordLog& log = partition(static_cast<Slot>(slot)).follow->log();
    Offset passed = kNothingPassed;
    if (own_) {
      if (slot >= own_->slots.size()) return false;
      passed = own_->slots[slot].passed;
    } else {
      if (slot >= at.size() || at[slot] == kNotStarted) return false;
      passed = at[slot];
    }
    if (log.epoch() == 0 || !log.at_end() || passed < log.next() - 1) return false;
  }
  return true;
}

bool Subscriber::is_asking() const {
  if (!own_) return false;
  return std::any_of(own_->slots.begin(), own_->slots.end(), [](const Own::Seen& seen) {
    return seen.passed < seen.until && (seen.is_asked || seen.feed == kNotStarted);
  });
}

void Subscriber::wait(std::int64_t now) {
  Own& own = *own_;
  std::int64_t due_ms =
      own.unknown.empty() ? Own::kNever : std::max(own.unknown_since_ms + Own::kUnknownPartitionMs, now);
  for (std::size_t i = 0; i < own.slots.size(); ++i) {
    const Own::Seen& seen = own.slots[i];
    if (!own.ends.is_waiting()) due_ms = std::min(due_ms, seen.check_ms);
    if (!seen.is_asked && seen.retry_ms > now && is_behind(static_cast<Slot>(i)))
      due_ms = std::min(due_ms, seen.retry_ms);
  }
  if (due_ms != Own::kNever) wake_at(due_ms);
  waits_for_news_ = true;
  if (feed_.has_more()) wake();  // after others had their turn
}

void Subscriber::wake_at(std::int64_t due_ms) {
  if (own_->timer.is_set() && own_->timer_ms <= due_ms) return;
  own_->timer_ms = due_ms;
  feed_.context().loop.timers().set(own_->timer, due_ms - now_ms());
}

void Subscriber::on_due() {
  Own& own = *own_;
  own.timer_ms = Own::kNever;
  if (now_ms() - own.answered_ms >= Own::kAnswerKeptMs) {
    own.answered.reset();
    if (own.found && std::holds_alternative<std::shared_ptr<const HistoryPage>>(*own.found)) own.found.reset();
  } else if (own.answered || own.found) {
    wake_at(own.answered_ms + Own::kAnswerKeptMs);
  }
  wake();
}

void Subscriber::wake() {
  waits_for_news_ = false;
  waker_.wake();
}

void Subscriber::on_evicted(const FeedLog::Place& to) {
  const auto& entries = place_.chunk->entries;
  if (!own_) {
    if (place_.entry == entries.size()) {  // all of it has passed
      place_ = to;
      return;
    }
    make_own(feed_.log().position_at(place_));
    if (done_ > 0) {
      const FeedEntry& entry = entries[place_.entry];
      const std::size_t tail = entry.end - entry.tail_bytes;
      const std::string_view front = place_.chunk->view(place_.chunk->begin_of(place_.entry), tail);
      own_->partial =
          std::make_unique<PartialEvent>(PartialEvent{entry.slot, entry.offset, std::hash<std::string_view>{}(front),
                                                      std::string{place_.chunk->view(tail, entry.end)}, done_});
      set_feed(entry.slot, entry.offset);
      set_passed(entry.slot, entry.offset);
      ++place_.entry;
      done_ = 0;
    }
  }
  for (; place_.entry < entries.size(); ++place_.entry) cross(entries[place_.entry]);
  place_ = to;
}

}  // namespace tailgate
