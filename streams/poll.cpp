#include "streams/poll.h"

#include <utility>

#include "streams/control_event.h"
#include "streams/encoder.h"
#include "streams/feed_set.h"

namespace tailgate {

namespace {

// What is being read when the first records are there gets so long to join them: one batch instead of one a partition.
constexpr std::int64_t kSettleMs = 100;

constexpr std::string_view kBodyBegin = R"({"records":[)";
// What an answer mostly has besides the first part of its one record.
constexpr std::size_t kAroundRecordBytes = 160;

SubscriberOptions counted(SubscriberOptions options) {
  options.is_counted = true;
  return options;
}

}  // namespace

Poll::Poll(Feed& feed, const Position& passed, PollOptions options, std::function<void(PollAnswer)> then)
    : options_{std::move(options)},
      then_{std::move(then)},
      body_{kBodyBegin},
      wait_{*this, [](Poll& self) { self.answer("wait"); }},
      settle_{*this, [](Poll& self) { self.answer("settled"); }},
      gauge_{feed.context().counters.streams[static_cast<std::size_t>(EventFormat::json)]
                                            [static_cast<std::size_t>(StreamState::live)]},
      subscriber_{feed, passed, counted(options_.subscriber), *this} {
  gauge_.add();
  next_ = subscriber_.id();
  feed.context().loop.timers().set(wait_, options_.wait_ms);
  feed.owner().drain().add(*this);
  if (options_.budget != nullptr) held_ = ByteBudget::Share{*options_.budget};
  if (options_.paces != nullptr) pace_ = options_.paces->open(options_.caller, *this);
  wake();
}

Poll::~Poll() { gauge_.sub(); }

void Poll::leave(std::string_view why) {
  subscriber_.leave(why);
  wake();
}

// Once it has answered nothing wakes it: it may live on for a while.
void Poll::wake() {
  if (then_) subscriber_.feed().owner().polls().add(*this);
}

void Poll::on_turn() { gather(); }

void Poll::gather() {
  if (pace_ && records_ == 0 && !subscriber_.must_end()) {
    room_ = pace_->room();
    if (room_ == 0) return;
  }
  const std::uint64_t records_before = records_;
  Delivery delivery;
  while (true) {
    switch (subscriber_.next(delivery)) {
      case Subscriber::Step::delivery:
        if (delivery.kind == Delivery::Kind::leave) return answer(std::string{delivery.code});
        if (const std::string_view why = take(delivery); !why.empty()) return answer(std::string{why});
        if (delivery.kind == Delivery::Kind::fault) return answer(std::string{delivery.code});
        next_ = subscriber_.id_text();
        if (records_ == options_.limit) return answer("limit");
        if (records_bytes() >= room_) return answer("pace");
        break;
      case Subscriber::Step::finished:
        next_ = subscriber_.id_text();
        return answer("until");
      case Subscriber::Step::busy:
        subscriber_.unpin();
        next_ = subscriber_.id_text();
        // What there is must not wait for a long search; a closed range has what it has, whoever asks.
        if (records_ > 0 && records_ == records_before && !options_.is_closed_range) return answer("busy");
        return wake();
      case Subscriber::Step::live:  // a counted subscriber never is
      case Subscriber::Step::wait:
        subscriber_.unpin();
        next_ = subscriber_.id();
        if (subscriber_.waits_for_news()) subscriber_.feed().news().add(*this);
        if (records_ == 0 && events_text_.empty()) return;
        if (!subscriber_.is_asking()) return answer("caught_up");
        if (!settle_.is_set()) subscriber_.feed().context().loop.timers().set(settle_, kSettleMs);
        return;
    }
  }
}

std::string_view Poll::take(const Delivery& delivery) {
  Feed& feed = subscriber_.feed();
  if (delivery.kind != Delivery::Kind::record) {
    const ControlEvent event = control_event(delivery);
    if (delivery.kind == Delivery::Kind::gap) feed.context().counters.gaps.add();
    if (delivery.kind == Delivery::Kind::reset) feed.context().counters.resets.add();
    if (delivery.kind == Delivery::Kind::fault) feed.context().counters.faults.add();
    if (!events_text_.empty()) events_text_ += ',';
    events_text_ += R"({"event":")" + event.name + R"(",)";
    events_text_ += std::string_view{event.data}.substr(1, event.data.size() - 2);
    events_text_ += R"(,"before":)" + std::to_string(records_) + "}";
    return {};
  }
  const std::size_t before = body_.size();
  if (records_ > 0) body_ += ',';
  if (delivery.front.empty()) {
    append_front(body_, EventFormat::json, delivery.topic, delivery.partition, delivery.record);
  } else {
    if (records_ == 0) body_.reserve(body_.size() + delivery.front.size() + kAroundRecordBytes);
    body_ += delivery.front;
  }
  append_tail(body_, EventFormat::json, {});
  if (held_ && !held_.resize(body_.capacity())) {
    // What the string has grown by goes back, too.
    std::string kept;
    kept.reserve(before + kAroundRecordBytes);
    body_ = std::move(kept.append(body_, 0, before));
    return "no_room";
  }
  if (records_ > 0 && records_bytes() > options_.bytes_max) {
    body_.resize(before);
    return "max_bytes";
  }
  ++records_;
  feed.partitions()[delivery.slot].sent->add(1, body_.size() - before);
  return {};
}

std::size_t Poll::records_bytes() const { return body_.size() - kBodyBegin.size(); }

bool Poll::is_caught_up(std::string_view why) const {
  if (options_.is_closed_range && (why == "limit" || why == "until")) return why == "until";
  return why != "max_bytes" && why != "no_room" && subscriber_.is_caught_up();
}

void Poll::answer(std::string why) {
  wait_.cancel();
  settle_.cancel();
  if (LoopPass::Member::is_linked()) LoopPass::Member::unlink();
  quit();
  subscriber_.unpin();
  StreamCounters& counters = subscriber_.feed().context().counters;
  PollAnswer answer;
  answer.body = std::move(body_);
  answer.body += ']';
  if (!events_text_.empty()) {
    answer.body += R"(,"events":[)";
    answer.body += events_text_;
    answer.body += ']';
  }
  answer.body += R"(,"next":")";
  answer.body += next_;
  answer.body += R"(","caught_up":)";
  answer.body += is_caught_up(why) ? "true" : "false";
  if (why == "until") answer.body += R"(,"end":true)";
  answer.body += '}';
  answer.held = std::move(held_);
  if (answer.held) static_cast<void>(answer.held.resize(answer.body.capacity()));
  answer.next = std::move(next_);
  answer.records = records_;
  answer.has_events = !events_text_.empty();
  answer.why_ended = std::move(why);
  if (pace_) pace_->spend(records_, answer.body.size());
  counters.records_out.add(records_);
  counters.bytes_out.add(answer.body.size());
  const auto then = std::exchange(then_, nullptr);  // it may destroy this
  then(std::move(answer));
}

}  // namespace tailgate
