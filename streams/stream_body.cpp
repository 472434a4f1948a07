#include "streams/stream_body.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "streams/control_event.h"
#include "streams/encoder.h"
#include "streams/feed_set.h"

namespace tailgate {

namespace {

constexpr std::string_view kTooOld = "stream_age";
constexpr int kAgeJitterPercent = 20;
constexpr int kRetryJitterPercent = 50;

SubscriberOptions with_limit(SubscriberOptions options, bool is_limited) {
  options.is_counted = options.is_counted || is_limited;
  return options;
}

// How much of `bytes` to send where at most `bytes_max` fit: an id line and the empty line behind it stay together,
// unless they alone are too long.
std::size_t cut(std::string_view bytes, std::size_t bytes_max) {
  if (bytes.size() <= bytes_max) return bytes.size();
  const std::size_t line_feed = bytes.rfind('\n', bytes_max - 1);  // ends the last whole line that fits
  if (line_feed == std::string_view::npos) return bytes_max;
  if (bytes.substr(line_feed + 1).starts_with("id: ")) return line_feed + 1;
  const bool is_behind_id = bytes[line_feed + 1] == '\n';  // the empty line comes next
  if (!is_behind_id || line_feed == 0) return bytes_max;
  const std::size_t id_line = bytes.rfind('\n', line_feed - 1);
  return id_line == std::string_view::npos ? line_feed : id_line + 1;
}

}  // namespace

StreamBody::StreamBody(Feed& feed, const Position& passed, const StreamBodyOptions& options)
    : sent_ms_{feed.context().loop.timers().clock().steady_ms()},
      subscriber_{feed, passed, with_limit(options.subscriber, options.limit.has_value()), *this},
      heartbeat_ms_{static_cast<std::int32_t>(options.heartbeat_ms)},
      retry_ms_{static_cast<std::int32_t>(options.retry_ms)},
      timer_{*this, [](StreamBody& self) { self.on_time(); }} {
  // The first block: a client that drops before its first record comes back to the same place.
  const EventFormat as = feed.spec().format;
  if (is_sse(as)) {
    // What cuts many streams at once, cuts them without another word: this is what spreads their clients then.
    const std::int64_t wait_ms = feed.owner().jitter().shortened(options.retry_ms, kRetryJitterPercent);
    pending() = "retry: " + std::to_string(wait_ms) + "\n";
    append_control(pending(), as, "position", "{}", subscriber_.id());
  } else {
    append_control(pending(), as, "start", "{}", subscriber_.id());
  }
  if (options.age_ms > 0) leaves_ms_ = sent_ms_ + feed.owner().jitter().shortened(options.age_ms, kAgeJitterPercent);
  feed.context().loop.timers().set(timer_, std::min<std::int64_t>(heartbeat_ms_, leaves_ms_ - sent_ms_));
  feed.owner().drain().add(*this);
  if (options.limit) rare().limit = *options.limit;
  if (options.paces != nullptr) {
    if (auto pace = options.paces->open(options.caller, *this)) rare().pace = std::move(pace);
  }
  counted_state_ = subscriber_.state();
  gauge().add();
}

StreamBody::~StreamBody() { gauge().sub(); }

StreamBody::Rare& StreamBody::rare() {
  if (!rare_) rare_ = std::make_unique<Rare>();
  return *rare_;
}

std::string& StreamBody::pending() {
  if (!pending_) pending_ = std::make_unique<Carried>();
  return pending_->bytes;
}

Counter& StreamBody::gauge() {
  Feed& feed = subscriber_.feed();
  return feed.context()
      .counters.streams[static_cast<std::size_t>(feed.spec().format)][static_cast<std::size_t>(counted_state_)];
}

void StreamBody::count_state() {
  const StreamState state = subscriber_.state();
  if (state == counted_state_) return;
  gauge().sub();
  counted_state_ = state;
  gauge().add();
}

void StreamBody::wake() {
  if (waker_ != nullptr) waker_->wake();
}

void StreamBody::on_time() {
  Timers& timers = subscriber_.feed().context().loop.timers();
  const std::int64_t now_ms = timers.clock().steady_ms();
  if (now_ms >= leaves_ms_) {
    leaves_ms_ = kNever;
    leave(kTooOld);
  }
  std::int64_t due_ms = sent_ms_ + heartbeat_ms_;
  if (now_ms >= due_ms) {
    due_ms = now_ms + heartbeat_ms_;
    is_heartbeat_due_ = true;
    wake();
  }
  timers.set(timer_, std::min(due_ms, leaves_ms_) - now_ms);
}

void StreamBody::leave(std::string_view why) {
  subscriber_.leave(why);
  wake();
}

Pull StreamBody::ready(From from, std::size_t bytes) {
  from_ = from;
  return Pull{Pull::State::ready, bytes};
}

Pull StreamBody::prepare(std::size_t bytes_max) {
  if (auto partial = subscriber_.take_partial()) rare().partial = std::move(partial);
  while (true) {
    if (rare_ && rare_->carried) {
      const Carried& carried = *rare_->carried;
      return ready(From::carried, cut(std::string_view{carried.bytes}.substr(carried.done), bytes_max));
    }
    if (rare_ && rare_->partial) return prepare_partial(bytes_max);
    if (pending_) {
      return ready(From::pending, cut(std::string_view{pending_->bytes}.substr(pending_->done), bytes_max));
    }
    if (is_ended_) return Pull{Pull::State::end, 0};
    // Only between events: what has begun is finished, and what ends ends.
    std::size_t room = bytes_max;
    if (rare_ && rare_->pace && !subscriber_.is_inside_event() && !subscriber_.must_end()) {
      room = std::min(bytes_max, rare_->pace->room());
      if (room == 0) {
        if (!std::exchange(is_heartbeat_due_, false)) return Pull{Pull::State::wait, 0};
        append_heartbeat();
        continue;
      }
    }
    if (subscriber_.is_live()) {
      const std::size_t bytes = subscriber_.prepare_live(room).size();
      count_state();
      if (bytes > 0) {
        log_bytes_ = static_cast<std::uint32_t>(bytes);
        return ready(From::log, bytes);
      }
      if (!subscriber_.is_live()) continue;
    } else {
      const Pull pull = prepare_own(room);
      count_state();
      if (pull.state == Pull::State::ready) return pull;
      if (pending_ || is_ended_ || (rare_ && rare_->partial) || subscriber_.is_live()) continue;
    }
    if (!std::exchange(is_heartbeat_due_, false)) {
      return Pull{subscriber_.waits_for_news() ? Pull::State::wait_for_news : Pull::State::wait, 0};
    }
    append_heartbeat();
  }
}

StreamBody::Stretch StreamBody::stretch() const {
  if (from_ != From::log) return {};
  const std::size_t from = subscriber_.live_begin();
  return {subscriber_.place().chunk, from, from + log_bytes_};
}

// Fills the thread's scratch with events, each with an id of this subscriber's own.
Pull StreamBody::prepare_own(std::size_t bytes_max) {
  std::string& scratch = subscriber_.feed().owner().scratch();
  scratch.clear();
  if (rare_) rare_->scratch_begin = 0;
  const std::uint64_t limit = rare_ ? rare_->limit : 0;
  const EventFormat as = subscriber_.feed().spec().format;
  Delivery delivery;
  std::size_t event = 0;  // where the last event begins in scratch, and its tail
  std::size_t tail = 0;
  Slot slot = 0;
  while (scratch.size() < bytes_max && !is_ended_) {
    const Subscriber::Step step = subscriber_.next(delivery);
    if (step == Subscriber::Step::finished) end("until", "end", R"({"reason":"until"})", true);
    if (step == Subscriber::Step::busy) wake();
    if (step != Subscriber::Step::delivery) break;
    if (delivery.kind != Delivery::Kind::record) {
      append_delivery(pending(), delivery);  // behind what is in the scratch
      break;
    }
    event = scratch.size();
    slot = delivery.slot;
    if (delivery.front.empty()) {
      append_front(scratch, as, delivery.topic, delivery.partition, delivery.record);
    } else {
      scratch += delivery.front;
    }
    tail = scratch.size();
    append_tail(scratch, as, subscriber_.id_text());
    ++records_;
    subscriber_.feed().context().counters.records_out.add();
    subscriber_.feed().partitions()[slot].sent->add(1, scratch.size() - event);
    if (limit != 0 && records_ == limit) end("limit", "end", R"({"reason":"limit"})", true);
  }
  std::size_t bytes = scratch.size();
  if (bytes > bytes_max) {
    bytes = cut(scratch, bytes_max);
    const std::size_t left = scratch.size() - bytes;
    if (left <= kCarryBytesMax) {
      pending().insert(0, scratch, bytes, left);
    } else {
      const std::string_view front = std::string_view{scratch}.substr(event, tail - event);
      rare().partial = std::make_unique<PartialEvent>(PartialEvent{
          slot, delivery.offset, std::hash<std::string_view>{}(front), scratch.substr(tail), bytes - event});
    }
  }
  subscriber_.unpin();
  if (bytes == 0) return Pull{};
  return ready(From::scratch, bytes);
}

// The rest of an event that was sent in part: encoded again, because nobody keeps it for one client.
Pull StreamBody::prepare_partial(std::size_t bytes_max) {
  RecordView record;
  Feed& feed = subscriber_.feed();
  std::unique_ptr<PartialEvent>& partial = rare_->partial;
  const Subscriber::Found found = subscriber_.find(partial->slot, partial->offset, record);
  if (found == Subscriber::Found::wait && feed.fault().empty()) return Pull{Pull::State::wait_for_news, 0};
  std::string& scratch = feed.owner().scratch();
  scratch.clear();
  if (found == Subscriber::Found::yes) {
    const Feed::Partition& source = feed.partitions()[partial->slot];
    append_front(scratch, feed.spec().format, source.topic, source.source.partition, record);
  }
  subscriber_.unpin();
  // A topic made anew may have another record there.
  if (found != Subscriber::Found::yes || std::hash<std::string_view>{}(scratch) != partial->front_hash) {
    feed.context().counters.cuts.add();
    return Pull{Pull::State::cut, 0};
  }
  scratch += partial->tail;
  const std::string_view left = std::string_view{scratch}.substr(partial->done);
  std::size_t bytes = cut(left, bytes_max);
  const bool fits = bytes == left.size();
  bool is_all = fits;
  if (fits) {
    rare_->scratch_begin = partial->done;
  } else {
    rare_->carried = std::make_unique<Carried>();
    std::string& carried = rare_->carried->bytes;
    carried = left.substr(0, cut(left, std::max(bytes, kCarryBytesMax)));
    partial->done += carried.size();
    bytes = cut(carried, bytes_max);
    is_all = carried.size() == left.size();
  }
  if (is_all) {
    feed.context().counters.resumed.add();
    partial.reset();
  }
  return ready(fits ? From::scratch : From::carried, bytes);
}

void StreamBody::append_delivery(std::string& out, const Delivery& delivery) {
  StreamCounters& counters = subscriber_.feed().context().counters;
  if (delivery.kind == Delivery::Kind::leave) {
    const std::int64_t after_ms = subscriber_.feed().owner().jitter().shortened(retry_ms_, kRetryJitterPercent);
    const std::string after = std::to_string(after_ms);
    if (is_sse(subscriber_.feed().spec().format)) out += "retry: " + after + "\n";
    return end(std::string{delivery.code}, "reconnect", R"({"after_ms":)" + after + "}", false);
  }
  const ControlEvent event = control_event(delivery);
  if (delivery.kind == Delivery::Kind::fault) {
    counters.faults.add();
    return end(std::string{delivery.code}, event.name, event.data, false);
  }
  (delivery.kind == Delivery::Kind::gap ? counters.gaps : counters.resets).add();
  append_control(out, subscriber_.feed().spec().format, event.name, event.data, subscriber_.id());
}

void StreamBody::append_heartbeat() {
  const EventFormat as = subscriber_.feed().spec().format;
  if (subscriber_.take_moved() || !is_sse(as)) {
    append_control(pending(), as, "position", "{}", subscriber_.id());
  } else {
    pending() += ":\n";
  }
}

void StreamBody::end(std::string why, std::string_view event, std::string_view data, bool is_id_final) {
  append_control(pending(), subscriber_.feed().spec().format, event, data, subscriber_.id() + (is_id_final ? "!" : ""));
  rare().why_ended = std::move(why);
  is_ended_ = true;
}

void StreamBody::emit(std::size_t bytes, ByteSink& sink) {
  StreamContext& context = subscriber_.feed().context();
  sent_ms_ = context.loop.timers().recent_ms();
  is_heartbeat_due_ = false;
  context.counters.bytes_out.add(bytes);
  switch (std::exchange(from_, From::nothing)) {
    case From::nothing:
      assert(false);
      break;
    case From::pending:
      sink.copy(std::string_view{pending_->bytes}.substr(pending_->done, bytes));
      pending_->done += bytes;
      if (pending_->done == pending_->bytes.size()) pending_.reset();
      break;
    case From::scratch:
      sink.copy(std::string_view{subscriber_.feed().owner().scratch()}.substr(rare_ ? rare_->scratch_begin : 0, bytes));
      break;
    case From::carried: {
      Carried& carried = *rare_->carried;
      sink.copy(std::string_view{carried.bytes}.substr(carried.done, bytes));
      carried.done += bytes;
      if (carried.done == carried.bytes.size()) rare_->carried.reset();
      break;
    }
    case From::log: {
      const std::size_t begin = subscriber_.live_begin();
      sink.ref(subscriber_.place().chunk->view(begin, begin + bytes));
      const std::size_t records = subscriber_.pass_live(bytes);
      records_ += records;
      context.counters.records_out.add(records);
      break;
    }
  }
  if (rare_ && rare_->pace) rare_->pace->spend(records_ - std::exchange(rare_->paced_records, records_), bytes);
}

}  // namespace tailgate
