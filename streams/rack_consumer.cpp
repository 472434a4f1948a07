#include "streams/rack_consumer.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <string>
#include <utility>

namespace tailgate {

namespace {

constexpr std::int64_t kRecentMs = 60'000;
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
      tick_{*this, [](RackConsumer& self) { self.on_tick(); }} {
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
    reading.moved_ms = clock_.steady_ms();
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
  std::vector<Entry*> silent;
  for (auto it = readings_.begin(); it != readings_.end();) {
    auto& [partition, reading] = *it;
    if (is_over(reading)) {
      it = readings_.erase(it);
      continue;
    }
    if (reading.near_again_ms == 0) {
      if (is_to_be_asked_about(partition, reading)) silent.push_back(&*it);
    } else if (reading.near_again_ms <= clock_.steady_ms()) {
      read_near(partition, reading);
    }
    ++it;
  }
  ask_about_some(std::move(silent));
}

bool RackConsumer::is_over(const Reading& reading) const {
  if (reading.is_started || reading.near_again_ms > clock_.steady_ms()) return false;
  return !reading.is_at_end || clock_.steady_ms() - reading.stopped_ms >= kKeptMs;
}

// Silent. One of which enough is known is acted upon.
bool RackConsumer::is_to_be_asked_about(const TopicPartition& partition, Reading& reading) {
  const std::int64_t now_ms = clock_.steady_ms();
  if (reading.next != reading.looked_next) {
    reading.looked_next = reading.next;
    reading.moved_ms = now_ms;
    reading.ask.cancel();
    return false;
  }
  if (reading.ask.is_waiting()) return false;
  if (reading.readable <= reading.next) return true;
  // What its leader has become readable just now may be on its way.
  if (now_ms - reading.readable_ms < options_.look_ms / 2) return false;
  reports_.report(ReportLevel::warning, "follower",
                  partition.topic + " [" + std::to_string(partition.partition) + "]: nothing comes from offset " +
                      std::to_string(reading.next) + " on, which its leader has: it is read from there for a while");
  read_leader(partition, reading);
  return false;
}

void RackConsumer::ask_about_some(std::vector<Entry*> silent) {
  auto first = silent.begin();
  if (silent.size() > options_.asks_max) {
    const auto is_later = [](const Entry* a, const Entry* b) { return a->second.moved_ms > b->second.moved_ms; };
    const std::int64_t recent_ms = clock_.steady_ms() - kRecentMs;
    auto newest = std::partition(first, silent.end(),
                                 [recent_ms](const Entry* entry) { return entry->second.moved_ms >= recent_ms; });
    const auto half = static_cast<std::ptrdiff_t>(options_.asks_max / 2);
    if (newest - first > half) {
      std::nth_element(first, first + half, newest, is_later);
      newest = first + half;
    }
    for (; first != newest; ++first) ask_about((*first)->first, (*first)->second);
    // From the one behind last_asked_ on.
    std::sort(first, silent.end(), [this](const Entry* a, const Entry* b) {
      const bool is_behind_a = a->first > last_asked_;
      const bool is_behind_b = b->first > last_asked_;
      return is_behind_a != is_behind_b ? is_behind_a : a->first < b->first;
    });
    silent.resize(options_.asks_max);
    last_asked_ = silent.back()->first;
  }
  for (; first != silent.end(); ++first) ask_about((*first)->first, (*first)->second);
}

void RackConsumer::ask_about(const TopicPartition& partition, Reading& reading) {
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
