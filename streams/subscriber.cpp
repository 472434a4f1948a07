#include "streams/subscriber.h"

#include <algorithm>
#include <cassert>
#include <deque>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <variant>

namespace tailgate {

namespace {

constexpr Offset kNoEnd = std::numeric_limits<Offset>::max();
constexpr std::int64_t kAnswerKeptMs = 1'000;
constexpr std::size_t kAsksMax = 4;             // history questions under way for one subscriber
constexpr std::size_t kScanBytes = 512 * 1024;  // looked through in one turn, when little of it is for the client
constexpr std::int64_t kRetryMs = 500;
constexpr std::int64_t kCheckMs = 1'000;  // ids beyond what was seen here: mostly another replica is a bit faster
constexpr std::int64_t kGoodMs = 10'000;  // Kafka has what this replica has not seen: it is not asked again before
constexpr std::int64_t kBeyondGraceMs = 10'000;  // a watermark may lag that long behind what another replica has seen
constexpr std::int64_t kUnknownPartitionMs = 60'000;  // and growth of the topic that long
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

}  // namespace

// Where a subscriber stands that is not live.
struct Subscriber::Own {
  struct Seen {
    Offset passed = kNothingPassed;  // v
    Offset feed = kNotStarted;       // P at place_
    Offset until = kNoEnd;
    std::size_t id_slot = 0;
    std::int64_t retry_ms = 0;          // history is not asked before
    std::int64_t check_ms = kNever;     // v is beyond all that was seen here: when Kafka is asked for its end
    std::int64_t beyond_since_ms = -1;  // since when Kafka says that v is beyond its end
    bool is_beyond = false;             // history says that v is beyond the end
    bool is_asked = false;
  };
  struct Unknown {
    std::string topic;
    std::int32_t partition = 0;
    Offset passed = kNothingPassed;
    Offset until = kNoEnd;
  };
  struct Control {
    Delivery::Kind kind;
    Slot slot;
    Offset from;
    Offset to;
    std::string topic = {};  // of a partition without slot
    std::int32_t partition = 0;
    std::string code = {};
  };
  // The one place in records of a partition that is behind.
  struct Reading {
    enum class From : std::uint8_t { none, log, page } from = From::none;
    Slot slot = 0;
    Offset next = 0;                          // where it stands: of use only while that is v + 1
    RecordLog::Cursor cursor;                 // log
    std::shared_ptr<const HistoryPage> page;  // page
    std::size_t at = 0;
    std::weak_ptr<const RecordChunk> left_chunk;  // unpinned
    std::weak_ptr<const HistoryPage> left_page;
    void pin() {
      if (from == From::log && !cursor.chunk) {
        cursor.chunk = left_chunk.lock();
      } else if (from == From::page && !page) {
        page = left_page.lock();
        if (!page) from = From::none;
      }
    }
    void unpin() {
      if (from == From::log) {
        left_chunk = cursor.chunk;
        cursor.chunk.reset();
      } else if (from == From::page) {
        left_page = page;
        page.reset();
      }
    }
  };

  explicit Own(IdForm form, std::function<void()> on_due) : id{form}, timer{std::move(on_due)} {}

  IdText id;
  std::vector<Seen> slots;
  std::vector<Unknown> unknown;  // partitions that the client knows and this replica does not, yet
  std::vector<std::size_t> unknown_id_slots;
  std::int64_t unknown_since_ms = 0;
  std::size_t differing = 0;  // slots with passed != feed
  Reading reading;
  std::vector<std::pair<Slot, Ask<HistoryAnswer>>> asks;
  std::shared_ptr<const HistoryPage> answered;  // kept until it is looked at, or for kAnswerKeptMs
  std::int64_t answered_ms = 0;
  std::deque<Control> controls;
  std::vector<Slot> suspects;  // asked for with `ends`
  Ask<Catalog::EndsAnswer> ends;
  Ask<Catalog::TopicsAnswer> refresh;
  Ask<HistoryAnswer> find_ask;  // for find()
  std::optional<HistoryAnswer> found;
  Timer timer;
  std::int64_t timer_ms = kNever;  // when it is due
  std::int64_t checked_ms = 0;     // when ids were last looked at
  std::size_t scanned_bytes = 0;
  Slot turn = 0;  // of the partitions that are behind
  bool is_feeds_turn = true;
  bool is_end_told = false;
};

Subscriber::Subscriber(Feed& feed, const Position& passed, SubscriberOptions options, Waker& waker)
    : feed_{feed}, waker_{waker}, options_{std::move(options)} {
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
  for (const auto& [topic, partitions] : options_.until.value_or(Position{})) {
    const auto named = passed.find(topic);
    for (const auto& [number, end] : partitions) {
      const bool is_named = named != passed.end() && named->second.contains(number);
      if (!is_named && !slot_of(topic, number)) await(topic, number, kNothingPassed);
    }
  }
  if (!own.unknown.empty()) {
    own.unknown_since_ms = now_ms();
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
  own_ = std::make_unique<Own>(feed_.spec().id_form(), [this] { on_due(); });
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
  if (!options_.until) return kNoEnd;
  const auto named = options_.until->find(topic);
  if (named == options_.until->end()) return kNothingPassed;
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
  return own_->differing == 0 && own_->unknown.empty() && own_->controls.empty() && !options_.until &&
         !options_.is_counted;
}

// What is read for the client outside of the feed's log reaches up to here.
Offset Subscriber::target(Slot slot) const {
  const Own::Seen& seen = own_->slots[slot];
  if (seen.feed != kNotStarted) return std::min(seen.feed, seen.until);
  return options_.until ? seen.until : kNothingPassed;  // with an end there is no need to wait for the feed
}

bool Subscriber::is_behind(Slot slot) const { return own_->slots[slot].passed < target(slot); }

StreamState Subscriber::state() const {
  if (!own_ || own_->differing == 0) return StreamState::live;
  for (std::size_t slot = 0; slot < own_->slots.size(); ++slot) {
    if (is_behind(static_cast<Slot>(slot))) return StreamState::behind;
  }
  return StreamState::ahead;
}

bool Subscriber::is_finished() const {
  const auto has_ended = [](const auto& partition) { return partition.passed >= partition.until; };
  return options_.until && std::all_of(own_->slots.begin(), own_->slots.end(), has_ended) &&
         std::all_of(own_->unknown.begin(), own_->unknown.end(), has_ended);
}

// Asked for each record: the clock is only looked at where something has failed.
bool Subscriber::may_read(Slot slot) const {
  const Own::Seen& seen = own_->slots[slot];
  return !seen.is_asked && (seen.retry_ms == 0 || seen.retry_ms <= now_ms());
}

bool Subscriber::can_read_behind() const {
  for (std::size_t i = 0; i < own_->slots.size() && own_->asks.size() < kAsksMax; ++i) {
    const auto slot = static_cast<Slot>(i);
    if (is_behind(slot) && may_read(slot)) return true;
  }
  return false;
}

// ---- live ----------------------------------------------------------------------------------------------------------

std::string_view Subscriber::prepare_live(std::size_t bytes_max) {
  while (is_live() && (!must_end() || done_ > 0)) {
    const FeedChunk& chunk = *place_.chunk;
    const auto& entries = chunk.entries;
    if (place_.entry == entries.size()) {
      if (feed_.advance(place_) || feed_.encode_more()) continue;  // which may have evicted this one
      is_waiting_ = true;
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

// ---- not live
// --------------------------------------------------------------------------------------------------------

Subscriber::Step Subscriber::next(Delivery& delivery) {
  assert(own_);
  Own& own = *own_;
  is_waiting_ = false;
  if (must_end()) {
    if (std::exchange(own.is_end_told, true)) return Step::wait;
    delivery = Delivery{};
    delivery.kind = leaves_.empty() ? Delivery::Kind::fault : Delivery::Kind::leave;
    delivery.code = leaves_.empty() ? std::string_view{feed_.fault()} : leaves_;
    return Step::delivery;
  }
  if (own.scanned_bytes == 0 && now_ms() - own.checked_ms >= kCheckMs) check_suspects();
  while (true) {
    if (next_control(delivery)) return Step::delivery;
    if (is_finished()) return Step::finished;
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
    if (own.scanned_bytes >= kScanBytes) return Step::busy;
    if (!own.controls.empty() || is_in_step()) continue;
    if (can_read_behind() || is_finished()) continue;  // the feed's entries have just led here
    check_suspects();
    if (!own.controls.empty()) continue;
    wait();
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

bool Subscriber::next_of_behind(Delivery& delivery) {
  Own& own = *own_;
  const std::size_t slots = own.slots.size();
  for (std::size_t tried = 0; tried < slots; ++tried) {
    const Slot slot = own.turn;
    while (is_behind(slot) && may_read(slot)) {
      if (own.scanned_bytes >= kScanBytes) return false;
      const Read read = read_behind(slot, delivery);
      if (read == Read::delivery) return true;
      if (read == Read::blocked) break;
    }
    if (!is_behind(slot) && own.reading.slot == slot) own.reading = Own::Reading{};
    own.turn = static_cast<Slot>((slot + 1u) % slots);
  }
  return false;
}

// Opens a place in records at v + 1. False: they have to be waited for.
bool Subscriber::open_reading(Slot slot) {
  Own& own = *own_;
  Own::Reading& reading = own.reading;
  const Offset next = own.slots[slot].passed + 1;
  reading.pin();
  if (reading.from != Own::Reading::From::none && reading.slot == slot && reading.next == next) return true;
  reading = Own::Reading{};
  reading.slot = slot;
  reading.next = next;
  const RecordLog& log = partition(slot).follow->log();
  if (log.epoch() != 0 && next >= log.first() && next < log.next()) {
    reading.from = Own::Reading::From::log;
    reading.cursor = log.seek(next);
    return true;
  }
  const TopicPartition& source = partition(slot).source;
  const auto covers = [&](const std::shared_ptr<const HistoryPage>& page) {
    return page && page->partition == source && page->first <= next && next < page->next;
  };
  reading.page = covers(own.answered) ? std::move(own.answered) : feed_.context().history.find(source, next);
  if (!covers(reading.page)) {
    reading = Own::Reading{};
    ask_history(slot);
    return false;
  }
  reading.from = Own::Reading::From::page;
  reading.at = reading.page->begin;
  return true;
}

Subscriber::Read Subscriber::read_behind(Slot slot, Delivery& delivery) {
  Own& own = *own_;
  if (!open_reading(slot)) return Read::blocked;
  Own::Reading& reading = own.reading;
  own.slots[slot].is_beyond = false;
  own.slots[slot].retry_ms = 0;
  const Offset end = target(slot);
  RecordView record;
  if (reading.from == Own::Reading::From::page) {
    const RecordChunk& records = *reading.page->records;
    while (reading.at < reading.page->end) {
      record = records.read(reading.at);
      if (record.offset <= own.slots[slot].passed) continue;
      if (record.offset <= end) return take_record(slot, record, delivery);
      break;
    }
    set_passed(slot, std::max(own.slots[slot].passed, std::min(end, reading.page->next - 1)));
    reading = Own::Reading{};
    return Read::moved;
  }
  switch (partition(slot).follow->log().read(reading.cursor, record)) {
    case RecordLog::Step::record:
      if (record.offset <= end) return take_record(slot, record, delivery);
      [[fallthrough]];
    case RecordLog::Step::progress:
      set_passed(slot, std::min(end, reading.cursor.next - 1));
      reading = Own::Reading{};
      return Read::moved;
    case RecordLog::Step::head:  // the log has started again below the target: the feed will say so
      own.slots[slot].retry_ms = now_ms() + Timers::kSlotMs;
      reading = Own::Reading{};
      return Read::blocked;
    case RecordLog::Step::lost:  // dropped meanwhile: history has it
      reading = Own::Reading{};
      return Read::moved;
  }
  return Read::blocked;
}

Subscriber::Read Subscriber::take_record(Slot slot, const RecordView& record, Delivery& delivery) {
  own_->scanned_bytes += RecordChunk::bytes_of(record);
  own_->reading.next = record.offset + 1;
  set_passed(slot, record.offset);
  if (!feed_.matches(record)) return Read::moved;
  delivery = Delivery{};
  delivery.topic = partition(slot).topic;
  delivery.partition = partition(slot).source.partition;
  delivery.slot = slot;
  delivery.offset = record.offset;
  delivery.record = record;
  return Read::delivery;
}

void Subscriber::unpin() {
  if (!own_) return;
  if (own_->reading.from == Own::Reading::From::none) own_->reading = Own::Reading{};
  own_->reading.unpin();
  own_->answered.reset();
  own_->scanned_bytes = 0;
  own_->is_feeds_turn = !own_->is_feeds_turn;
}

// ---- history, gaps and resets
// ------------------------------------------------------------------------------------------

void Subscriber::ask_history(Slot slot) {
  Own& own = *own_;
  if (own.asks.size() >= kAsksMax) return;
  own.slots[slot].is_asked = true;
  own.asks.emplace_back(
      slot, feed_.context().history.read(partition(slot).source, own.slots[slot].passed + 1, feed_.context().loop,
                                         [this, slot](const HistoryAnswer& answer) { on_history(slot, answer); }));
}

void Subscriber::on_history(Slot slot, const HistoryAnswer& answer) {
  Own& own = *own_;
  std::erase_if(own.asks, [&](const auto& ask) { return ask.first == slot; });
  Own::Seen& seen = own.slots[slot];
  seen.is_asked = false;
  if (const auto* page = std::get_if<std::shared_ptr<const HistoryPage>>(&answer)) {
    own.answered = *page;
    keep_answer();
    seen.is_beyond = false;
  } else if (const auto* gone = std::get_if<HistoryGone>(&answer)) {
    const Offset to = std::min(gone->begin - 1, seen.until);
    if (to > seen.passed) {
      own.controls.push_back({Delivery::Kind::gap, slot, seen.passed + 1, to});
    } else {
      seen.retry_ms = now_ms() + kRetryMs;
    }
  } else {
    seen.is_beyond = !std::holds_alternative<HistoryDown>(answer);
    const bool is_soon = std::holds_alternative<HistoryNotYet>(answer);
    seen.retry_ms = now_ms() + (is_soon ? Timers::kSlotMs : kRetryMs);
  }
  wake();
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
  const bool is_stop = control.kind == Delivery::Kind::reset && options_.on_reset == ResetPolicy::stop;
  if (control.kind == Delivery::Kind::gap) set_passed(control.slot, control.to);
  if (control.kind == Delivery::Kind::reset && !is_stop) set_passed(control.slot, control.to - 1);
  if (is_stop) own.controls.push_front({Delivery::Kind::fault, 0, 0, 0, {}, 0, "beyond_end"});
  has_moved_ = false;
  return true;
}

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
      seen.check_ms = kNever;
      seen.beyond_since_ms = -1;
      continue;
    }
    if (seen.check_ms == kNever) seen.check_ms = own.checked_ms + kCheckMs;
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
    seen.check_ms = now + kCheckMs;
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
  if (own.unknown.empty() || now_ms() - own.unknown_since_ms < kUnknownPartitionMs) return;
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

// ---- position, partial events, wake-ups
// --------------------------------------------------------------------------------

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

Subscriber::Found Subscriber::find(Slot slot, Offset offset, RecordView& record) {
  assert(own_);
  Own& own = *own_;
  const auto in_page = [&](const HistoryPage& page) {
    for (std::size_t at = page.begin; at < page.end;) {
      record = page.records->read(at);
      if (record.offset == offset) return Found::yes;
    }
    return Found::gone;
  };
  const RecordLog& log = partition(slot).follow->log();
  own.reading = Own::Reading{};
  if (log.epoch() != 0 && offset >= log.first() && offset < log.next()) {
    own.reading.cursor = log.seek(offset);  // keeps the chunk until unpin
    own.reading.from = Own::Reading::From::none;
    const RecordLog::Step step = log.read(own.reading.cursor, record);
    if (step == RecordLog::Step::record) return record.offset == offset ? Found::yes : Found::gone;
  }
  const TopicPartition& source = partition(slot).source;
  own.answered = feed_.context().history.find(source, offset);
  const auto answer = std::exchange(own.found, std::nullopt);
  if (!own.answered && answer) {
    if (const auto* page = std::get_if<std::shared_ptr<const HistoryPage>>(&*answer)) own.answered = *page;
    if (!own.answered && !std::holds_alternative<HistoryDown>(*answer)) return Found::gone;
  }
  if (own.answered) {
    own.find_ask.cancel();
    return in_page(*own.answered);
  }
  if (!own.find_ask.is_waiting()) {
    own.find_ask =
        feed_.context().history.read(source, offset, feed_.context().loop, [this](const HistoryAnswer& found) {
          own_->found = found;
          keep_answer();
          if (std::holds_alternative<HistoryDown>(found)) return wake_at(now_ms() + kRetryMs);
          wake();
        });
  }
  is_waiting_ = true;
  return Found::wait;
}

void Subscriber::wait() {
  Own& own = *own_;
  const std::int64_t now = now_ms();
  std::int64_t due_ms = own.unknown.empty() ? kNever : std::max(own.unknown_since_ms + kUnknownPartitionMs, now);
  for (std::size_t i = 0; i < own.slots.size(); ++i) {
    const Own::Seen& seen = own.slots[i];
    if (!own.ends.is_waiting()) due_ms = std::min(due_ms, seen.check_ms);
    if (!seen.is_asked && seen.retry_ms > now && is_behind(static_cast<Slot>(i)))
      due_ms = std::min(due_ms, seen.retry_ms);
  }
  if (due_ms != kNever) wake_at(due_ms);
  is_waiting_ = true;
  if (feed_.has_more()) wake();  // after others had their turn
}

void Subscriber::wake_at(std::int64_t due_ms) {
  if (own_->timer.is_set() && own_->timer_ms <= due_ms) return;
  own_->timer_ms = due_ms;
  feed_.context().loop.timers().set(own_->timer, due_ms - now_ms());
}

// A page that was asked for is kept so that it is there in the subscriber's turn, however little room there is for
// pages. Who does not get a turn, because its socket takes nothing, must not hold memory: it asks again.
void Subscriber::keep_answer() {
  own_->answered_ms = now_ms();
  wake_at(own_->answered_ms + kAnswerKeptMs);
}

void Subscriber::on_due() {
  Own& own = *own_;
  own.timer_ms = kNever;
  if (now_ms() - own.answered_ms >= kAnswerKeptMs) {
    own.answered.reset();
    if (own.found && std::holds_alternative<std::shared_ptr<const HistoryPage>>(*own.found)) own.found.reset();
  } else if (own.answered || own.found) {
    wake_at(own.answered_ms + kAnswerKeptMs);
  }
  wake();
}

void Subscriber::wake() {
  is_waiting_ = false;
  waker_.wake();
}

void Subscriber::on_news() {
  if (is_waiting_) wake();
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
      partial_ = PartialEvent{entry.slot, entry.offset, std::hash<std::string_view>{}(front),
                              std::string{place_.chunk->view(tail, entry.end)}, done_};
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
