// The records between what a client has passed and its feed's position: from the RecordLog, or from history.
#include <algorithm>
#include <cassert>
#include <utility>
#include <variant>

#include "streams/subscriber_own.h"

namespace tailgate {

namespace {

constexpr std::size_t kAsksMax = 4;  // history questions under way for one subscriber
constexpr std::int64_t kRetryMs = 500;

}  // namespace

// What is read for the client outside of the feed's log reaches up to here.
Offset Subscriber::target(Slot slot) const {
  const Own::Seen& seen = own_->slots[slot];
  if (seen.feed != kNotStarted) return std::min(seen.feed, seen.until);
  return until_ ? seen.until : kNothingPassed;  // with an end there is no need to wait for the feed
}

bool Subscriber::is_behind(Slot slot) const { return own_->slots[slot].passed < target(slot); }

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

bool Subscriber::next_of_behind(Delivery& delivery) {
  Own& own = *own_;
  const std::size_t slots = own.slots.size();
  for (std::size_t tried = 0; tried < slots; ++tried) {
    const Slot slot = own.turn;
    while (is_behind(slot) && may_read(slot)) {
      if (own.scanned_bytes >= Own::kScanBytes) return false;
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
  reading.page = covers(own.answered) ? std::move(own.answered)
                                      : feed_.context().history.find(source, next, feed_.spec().headers());
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
  RecordView& record = delivery.record;
  if (reading.from == Own::Reading::From::page) {
    const RecordChunk& records = *reading.page->records;
    while (reading.at < reading.page->end) {
      record = records.read(reading.at);
      if (record.offset <= own.slots[slot].passed) continue;
      if (record.offset <= end) return take_record(slot, delivery);
      break;
    }
    set_passed(slot, std::max(own.slots[slot].passed, std::min(end, reading.page->next - 1)));
    reading = Own::Reading{};
    return Read::moved;
  }
  switch (partition(slot).follow->log().read(reading.cursor, record)) {
    case RecordLog::Step::record:
      if (record.offset <= end) return take_record(slot, delivery);
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

Subscriber::Read Subscriber::take_record(Slot slot, Delivery& delivery) {
  const RecordView& record = delivery.record;
  own_->scanned_bytes += RecordChunk::bytes_of(record);
  own_->reading.next = record.offset + 1;
  set_passed(slot, record.offset);
  if (!feed_.matches(record)) return Read::moved;
  delivery.kind = Delivery::Kind::record;
  delivery.topic = partition(slot).topic;
  delivery.partition = partition(slot).source.partition;
  delivery.slot = slot;
  delivery.offset = record.offset;
  delivery.front = {};
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

void Subscriber::ask_history(Slot slot) {
  Own& own = *own_;
  if (own.asks.size() >= kAsksMax) return;
  own.slots[slot].is_asked = true;
  own.asks.emplace_back(
      slot, feed_.context().history.read(partition(slot).source, own.slots[slot].passed + 1, feed_.spec().headers(),
                                         feed_.context().loop,
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
  own.answered = feed_.context().history.find(source, offset, feed_.spec().headers());
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
    own.find_ask = feed_.context().history.read(
        source, offset, feed_.spec().headers(), feed_.context().loop, [this, &log](const HistoryAnswer& found) {
          // A leader that lags denies what it has again a moment later: until the reader knows, nobody does.
          const bool is_denied =
              std::holds_alternative<HistoryBeyond>(found) || std::holds_alternative<HistoryNotYet>(found);
          own_->found = is_denied && log.epoch() == 0 ? HistoryAnswer{HistoryDown{}} : found;
          keep_answer();
          if (std::holds_alternative<HistoryDown>(*own_->found)) return wake_at(now_ms() + kRetryMs);
          wake();
        });
  }
  waits_for_news_ = true;
  return Found::wait;
}

// A page that was asked for is kept so that it is there in the subscriber's turn, however little room there is for
// pages. Who does not get a turn, because its socket takes nothing, must not hold memory: it asks again.
void Subscriber::keep_answer() {
  own_->answered_ms = now_ms();
  wake_at(own_->answered_ms + Own::kAnswerKeptMs);
}

}  // namespace tailgate
