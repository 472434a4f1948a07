#include "streams/rack_consumer.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

namespace tailgate {

namespace {

constexpr std::int64_t kKeptMs = 10'000;  // how long one is remembered that was stopped at its end

}  // namespace

RackConsumer::RackConsumer(std::unique_ptr<Consumer> near, Open open_leaders, Catalog& catalog, Loop& own,
                           const Clock& clock, KafkaReports& reports, RackOptions options)
    : near_{std::move(near)},
      open_leaders_{std::move(open_leaders)},
      catalog_{catalog},
      own_{own},
      clock_{clock},
      reports_{reports},
      options_{options},
      tick_{[this] { on_tick(); }} {
  own_.timers().set(tick_, options_.look_ms);
}

RackConsumer::Reading* RackConsumer::find(const TopicPartition& partition) {
  if (last_ != nullptr && last_->first == partition) return &last_->second;
  const auto found = readings_.find(partition);
  if (found == readings_.end()) return nullptr;
  last_ = &*found;
  return &found->second;
}

Consumer& RackConsumer::consumer_of(const Reading& reading) {
  if (reading.near_again_ms == 0) return *near_;
  if (!leaders_) leaders_ = open_leaders_();
  return *leaders_;
}

void RackConsumer::start(const TopicPartition& partition, Offset next) {
  Reading& reading = readings_[partition];
  assert(!reading.is_started);
  reading.is_started = true;
  // One that is back where it ended has still been given nothing since.
  if (!reading.is_at_end || reading.next != next) {
    reading.looked_next = next;
    reading.readable = 0;
  }
  reading.next = next;
  reading.is_at_end = false;
  consumer_of(reading).start(partition, next);
}

void RackConsumer::stop(const TopicPartition& partition) {
  Reading* reading = find(partition);
  if (reading == nullptr || !reading->is_started) return;
  reading->is_started = false;
  reading->stopped_ms = clock_.steady_ms();
  consumer_of(*reading).stop(partition);
}

std::size_t RackConsumer::poll(ConsumerEvents& events, std::size_t records_max) {
  events_ = &events;
  std::size_t count = near_->poll(*this, records_max);
  if (leaders_) count += leaders_->poll(*this, records_max);
  events_ = nullptr;
  return count;
}

Offset RackConsumer::end_of_log(const TopicPartition& partition) {
  const Reading* reading = find(partition);
  return reading == nullptr ? 0 : consumer_of(*reading).end_of_log(partition);
}

// ---- what comes ----

// What is given here may start and stop partitions: nothing is done behind it.

void RackConsumer::on_record(const TopicPartition& from, const RecordView& record) {
  if (Reading* reading = find(from)) {
    reading->next = record.offset + 1;
    reading->is_at_end = false;
    reading->is_doubted = false;
  }
  events_->on_record(from, record);
}

void RackConsumer::on_end(const TopicPartition& from, Offset next) {
  if (Reading* reading = find(from)) {
    reading->next = std::max(reading->next, next);
    reading->is_at_end = true;
    reading->is_doubted = false;
  }
  events_->on_end(from, next);
}

void RackConsumer::on_out_of_range(const TopicPartition& from, Offset asked) {
  Reading* reading = find(from);
  if (reading != nullptr && reading->near_again_ms == 0) {
    // A follower may be behind: what exists is its leader's to say.
    reading->is_doubted = true;
    read_leader(from, *reading);
    return;
  }
  if (reading != nullptr) {
    reading->is_started = false;
    reading->stopped_ms = clock_.steady_ms();
    if (std::exchange(reading->is_doubted, false)) reading->near_again_ms = 0;  // its follower was right
  }
  events_->on_out_of_range(from, asked);
}

void RackConsumer::on_error(const TopicPartition& from, const std::string& text) { events_->on_error(from, text); }

void RackConsumer::on_refused(const TopicPartition& from, const std::string& text) { events_->on_refused(from, text); }

// ---- what does not come ----

void RackConsumer::on_tick() {
  own_.timers().set(tick_, options_.look_ms);
  last_ = nullptr;
  for (auto it = readings_.begin(); it != readings_.end();) {
    auto& [partition, reading] = *it;
    if (is_over(reading)) {
      it = readings_.erase(it);
      continue;
    }
    if (reading.near_again_ms == 0) {
      look_at(partition, reading);
    } else if (reading.near_again_ms <= clock_.steady_ms()) {
      read_near(partition, reading);
    }
    ++it;
  }
}

bool RackConsumer::is_over(const Reading& reading) const {
  if (reading.is_started || reading.near_again_ms > clock_.steady_ms()) return false;
  return !reading.is_at_end || clock_.steady_ms() - reading.stopped_ms >= kKeptMs;
}

void RackConsumer::look_at(const TopicPartition& partition, Reading& reading) {
  if (!reading.is_started && !reading.is_at_end) return;  // its reader had enough
  if (reading.next != reading.looked_next) {
    reading.looked_next = reading.next;
    reading.ask.cancel();
    return;
  }
  if (reading.ask.is_waiting()) return;
  if (reading.readable > reading.next) {
    // What its leader has become readable just now may be on its way.
    if (clock_.steady_ms() - reading.readable_ms < options_.look_ms / 2) return;
    reports_.report(ReportLevel::warning, "follower",
                    partition.topic + " [" + std::to_string(partition.partition) + "]: nothing comes from offset " +
                        std::to_string(reading.next) + " on, which its leader has: it is read from there for a while");
    read_leader(partition, reading);
    return;
  }
  reading.ask = catalog_.ends({partition}, own_, [this, partition](const Catalog::EndsAnswer& answer) {
    Reading* asked = find(partition);
    assert(asked != nullptr);  // it owns the Ask
    if (!answer || answer->count(partition) == 0) return;
    asked->readable = answer->at(partition).readable;
    asked->readable_ms = clock_.steady_ms();
  });
}

void RackConsumer::read_leader(const TopicPartition& partition, Reading& reading) {
  if (reading.is_started) near_->stop(partition);
  reading.ask.cancel();
  reading.near_again_ms = clock_.steady_ms() + options_.leader_ms;
  if (reading.is_started) consumer_of(reading).start(partition, reading.next);
}

void RackConsumer::read_near(const TopicPartition& partition, Reading& reading) {
  if (reading.is_started) consumer_of(reading).stop(partition);
  reading.near_again_ms = 0;
  reading.looked_next = reading.next;
  reading.readable = 0;
  if (reading.is_started) near_->start(partition, reading.next);
}

}  // namespace tailgate
