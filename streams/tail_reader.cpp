#include "streams/tail_reader.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace tailgate {

namespace {

constexpr std::int64_t kTickMs = 200;
constexpr std::size_t kLooksATick = 500;  // at the ends of logs: about a millisecond

std::string text_of(const TopicPartition& name) { return name.topic + " [" + std::to_string(name.partition) + "]"; }

}  // namespace

class TailReader::Following final : public Follow {
 public:
  Following(TailReader& reader, std::shared_ptr<Tail> tail, std::shared_ptr<Listeners> listeners,
            std::shared_ptr<Follower> follower)
      : reader_{reader}, tail_{std::move(tail)}, listeners_{std::move(listeners)}, follower_{std::move(follower)} {}
  ~Following() override {
    listeners_->remove(*follower_);
    if (listeners_->count == 0) tail_->remove(*listeners_);  // a loop without followers is not woken
    reader_.unfollow(*tail_);
  }
  const RecordLog& log() const override { return tail_->log; }

 private:
  TailReader& reader_;
  std::shared_ptr<Tail> tail_;
  std::shared_ptr<Listeners> listeners_;
  std::shared_ptr<Follower> follower_;
};

TailReader::TailReader(Consumer& consumer, Catalog& catalog, History& history, Loop& own, const Clock& clock,
                       KafkaReports& reports, TailOptions options)
    : consumer_{consumer},
      catalog_{catalog},
      history_{history},
      own_{own},
      clock_{clock},
      reports_{reports},
      options_{options},
      tick_{*this, [](TailReader& self) { self.on_tick(); }} {
  own_.timers().set(tick_, kTickMs);
  watch_ = catalog_.watch(own_, [this] { check_catalog(); });
}

TailReader::~TailReader() = default;

std::unique_ptr<Follow> TailReader::follow(const TopicPartition& name, Loop& loop, std::function<void()> on_news) {
  std::shared_ptr<Tail> tail;
  std::shared_ptr<LoopNews> news;
  {
    const std::scoped_lock lock{mutex_};
    auto& there = news_[&loop];
    if (!there) there = std::make_shared<LoopNews>(loop);
    news = there;
    auto& known = tails_[name];
    if (!known) {
      known = std::make_shared<Tail>(name);
      own_.post([this, started = known] { begin(started); });
    }
    tail = known;
    ++tail->follows;
  }
  std::shared_ptr<Listeners> listeners = tail->listeners_on(*news);
  auto follower = std::make_shared<Follower>(Follower{std::move(on_news)});
  listeners->add(follower);
  return std::make_unique<Following>(*this, std::move(tail), std::move(listeners), std::move(follower));
}

void TailReader::unfollow(Tail& tail) {
  const std::scoped_lock lock{mutex_};
  assert(tail.follows > 0);
  --tail.follows;
}

void TailReader::begin(std::shared_ptr<Tail> tail) {
  const TopicPartition name = tail->name;
  auto reading = std::make_unique<Reading>(std::move(tail));
  Reading& begun = *reading;
  readings_[name] = std::move(reading);
  count_readings();
  ask_ends(begun);
}

// The chunks that are written to cannot be dropped: of all logs together they take at most a quarter of what there is.
void TailReader::count_readings() {
  totals_.tailed = readings_.size();
  chunk_bytes_max_ = std::clamp(options_.record_bytes / 4 / std::max<std::size_t>(readings_.size(), 1),
                                RecordLog::kChunkBytesMin, RecordLog::kChunkBytesMax);
}

TailReader::Reading* TailReader::find(const TopicPartition& name) {
  if (last_ != nullptr && last_->tail->name == name) return last_;
  const auto found = readings_.find(name);
  if (found == readings_.end()) return nullptr;
  return last_ = found->second.get();
}

// ---- where to read ----

void TailReader::ask_ends(Reading& reading) {
  reading.retry_due_ms = -1;
  const TopicPartition name = reading.tail->name;
  reading.ask = catalog_.ends({name}, own_, [this, name](const Catalog::EndsAnswer& answer) { on_ends(name, answer); });
}

void TailReader::on_ends(const TopicPartition& name, const Catalog::EndsAnswer& answer) {
  Reading* reading = find(name);
  assert(reading != nullptr);  // it owns the Ask
  if (!answer || answer->count(name) == 0) {
    retry_later(*reading);
    return;
  }
  const PartitionEnds& ends = answer->at(name);
  if (reading->state == State::resolving) {
    start_epoch(*reading, ends.readable);
    reading->tail->log.reach_end(ends.readable);  // that is where it starts
  } else if (reading->state == State::out_of_range) {
    on_ends_out_of_range(*reading, ends);
  }
}

void TailReader::on_ends_out_of_range(Reading& reading, const PartitionEnds& ends) {
  if (reading.asked < ends.begin) {
    ++totals_.continuity_lost;
    start_epoch(reading, ends.begin);
    return;
  }
  const bool is_forgotten = reading.tail->log.epoch() == 0;
  if (reading.asked <= ends.end) {  // a leader that lagged has caught up
    if (is_forgotten) {
      start_epoch(reading, reading.asked);
    } else {
      read_on(reading, reading.asked);
    }
    return;
  }
  if (!is_forgotten) forget(reading);
  if (reading.denials.add(clock_.steady_ms()) < options_.beyond_ms) {
    retry_later(reading);
    return;
  }
  reports_.report(ReportLevel::warning, "truncated",
                  text_of(reading.tail->name) + " was truncated or made anew: offset " + std::to_string(reading.asked) +
                      " is beyond its end " + std::to_string(ends.end));
  ++totals_.continuity_lost;
  reading.denials = {};
  history_.drop(reading.tail->name);  // a broker that had not heard of it may have given of the old log meanwhile
  start_epoch(reading, ends.readable);
}

// Kafka's log may be another by now: nobody is to be given of the one that was, or a place in it, before that is known.
void TailReader::forget(Reading& reading) {
  reading.tail->log.stop();
  mark_changed(reading);
  history_.drop(reading.tail->name);
}

void TailReader::start_epoch(Reading& reading, Offset next) {
  reading.tail->log.start(next);
  mark_changed(reading);
  read_on(reading, next);
}

void TailReader::read_on(Reading& reading, Offset next) {
  reading.state = State::reading;
  consumer_.start(reading.tail->name, next);
}

void TailReader::retry_later(Reading& reading) { reading.retry_due_ms = clock_.steady_ms() + options_.retry_ms; }

void TailReader::check_catalog() {
  const std::shared_ptr<const Topics> topics = catalog_.topics();
  if (topics->version == 0) return;
  std::unordered_map<std::string_view, std::int32_t> partitions;
  for (const auto& [name, topic] : topics->by_name) partitions[topic.kafka_name] = topic.partitions;
  for (auto& [name, reading] : readings_) {
    const auto known = partitions.find(name.topic);
    const bool exists = known != partitions.end() && name.partition < known->second;
    if (exists && reading->state == State::gone) {
      reading->state = State::resolving;
      ask_ends(*reading);
    } else if (!exists && (reading->state == State::reading || reading->state == State::out_of_range)) {
      reading->state = State::gone;
      reading->ask.cancel();
      reading->retry_due_ms = -1;
      reading->denials = {};
      consumer_.stop(name);
      ++totals_.continuity_lost;
      forget(*reading);
    }
  }
}

// ---- what the consumer gives ----

void TailReader::on_record(const TopicPartition& from, const RecordView& record) {
  Reading* reading = find(from);
  if (reading == nullptr || reading->state != State::reading) return;
  RecordLog& log = reading->tail->log;
  if (record.offset < log.next()) return;
  log.append(record, now_ms_, chunk_bytes_max_);
  reading->denials = {};
  newest_ms_ = std::max(newest_ms_, record.timestamp_ms);
  const std::size_t bytes = RecordChunk::bytes_of(record);
  ++totals_.records;
  totals_.bytes += bytes;
  reading->tail->records.add();
  reading->tail->bytes.add(bytes);
  mark_changed(*reading);
}

void TailReader::on_end(const TopicPartition& from, Offset next) {
  Reading* reading = find(from);
  if (reading == nullptr || reading->state != State::reading) return;
  RecordLog& log = reading->tail->log;
  reading->denials = {};
  if (log.at_end() && next <= log.next()) return;
  log.reach_end(next);
  mark_changed(*reading);
}

void TailReader::on_out_of_range(const TopicPartition& from, Offset asked) {
  Reading* reading = find(from);
  if (reading == nullptr || reading->state != State::reading) return;
  reading->state = State::out_of_range;
  reading->asked = std::max(asked, reading->tail->log.next());
  ask_ends(*reading);
}

void TailReader::on_error(const TopicPartition& from, const std::string& text) {
  ++totals_.errors;
  reports_.report(ReportLevel::warning, "partition", text_of(from) + ": " + text);
}

// ---- steps ----

bool TailReader::step() {
  now_ms_ = clock_.steady_ms();
  newest_ms_ = -1;
  const std::size_t count = consumer_.poll(*this, options_.batch_records);
  if (newest_ms_ >= 0) totals_.delay_ms = clock_.wall_ms() - newest_ms_;
  publish();
  evict();
  totals_.log_bytes = log_bytes_;
  {
    const std::scoped_lock lock{counts_mutex_};
    counts_ = totals_;
  }
  return count > 0;
}

void TailReader::mark_changed(Reading& reading) {
  if (reading.is_changed) return;
  reading.is_changed = true;
  changed_.push_back(&reading);
}

void TailReader::publish() {
  for (Reading* reading : changed_) {
    reading->is_changed = false;
    reading->tail->tell_followers();
    count_bytes(*reading);
  }
  changed_.clear();
}

void TailReader::count_bytes(Reading& reading) {
  const std::size_t bytes = reading.tail->log.bytes();
  if (bytes > reading.log_bytes) sealed_.push_back(Sealed{reading.tail, clock_.steady_ms()});
  log_bytes_ += bytes - reading.log_bytes;  // may wrap, and back
  reading.log_bytes = bytes;
}

// Chunks go in the order in which they were filled, over all logs.
void TailReader::evict() {
  const std::int64_t now_ms = clock_.steady_ms();
  while (!sealed_.empty() &&
         (log_bytes_ > options_.record_bytes || sealed_.front().sealed_ms < now_ms - options_.kept_ms)) {
    const Sealed oldest = std::move(sealed_.front());
    sealed_.pop_front();
    const std::shared_ptr<Tail> tail = oldest.tail.lock();
    if (!tail) continue;
    Reading* reading = find(tail->name);
    if (reading == nullptr || reading->tail != tail) continue;
    while (tail->log.drop_oldest(oldest.sealed_ms + 1) > 0) {
    }
    count_bytes(*reading);
  }
}

void TailReader::on_tick() {
  own_.timers().set(tick_, kTickMs);
  const std::int64_t now_ms = clock_.steady_ms();
  totals_.behind = 0;
  for (auto& [name, reading] : readings_) {
    if (reading->retry_due_ms >= 0 && reading->retry_due_ms <= now_ms) ask_ends(*reading);
    if (reading->state != State::reading || !reading->tail->log.at_end()) ++totals_.behind;
  }
  look_at_ends_of_logs();
  end_unfollowed(now_ms);
}

// What an open transaction holds back. All partitions have their turn, a few each time.
void TailReader::look_at_ends_of_logs() {
  if (to_look_at_.empty()) {
    for (const auto& [name, reading] : readings_) to_look_at_.push_back(name);
  }
  for (std::size_t i = 0; i < kLooksATick && !to_look_at_.empty(); ++i) {
    const TopicPartition name = std::move(to_look_at_.back());
    to_look_at_.pop_back();
    const auto found = readings_.find(name);
    if (found == readings_.end()) continue;
    Tail& tail = *found->second->tail;
    const bool is_at_end = found->second->state == State::reading && tail.log.at_end();
    const Offset unreadable = is_at_end ? consumer_.end_of_log(name) - tail.log.next() : 0;
    tail.unreadable.set(static_cast<std::uint64_t>(std::max<Offset>(unreadable, 0)));
  }
}

void TailReader::end_unfollowed(std::int64_t now_ms) {
  const std::scoped_lock lock{mutex_};
  for (auto it = readings_.begin(); it != readings_.end();) {
    Reading& reading = *it->second;
    const TopicPartition& name = it->first;
    if (reading.tail->follows > 0) {
      reading.unfollowed_ms = -1;
    } else if (reading.unfollowed_ms < 0) {
      reading.unfollowed_ms = now_ms;
    } else if (now_ms - reading.unfollowed_ms >= options_.linger_ms) {
      consumer_.stop(name);
      tails_.erase(name);
      TailTopicCounts& ended = ended_[name.topic];
      ended.records += reading.tail->records.get();
      ended.bytes += reading.tail->bytes.get();
      log_bytes_ -= reading.log_bytes;
      std::erase(changed_, &reading);
      if (last_ == &reading) last_ = nullptr;
      it = readings_.erase(it);
      continue;
    }
    ++it;
  }
  count_readings();
}

TailCounts TailReader::counts() const {
  const std::scoped_lock lock{counts_mutex_};
  return counts_;
}

std::map<std::string, TailTopicCounts> TailReader::topic_counts() const {
  const std::scoped_lock lock{mutex_};
  std::map<std::string, TailTopicCounts> counts = ended_;
  for (const auto& [name, tail] : tails_) {
    TailTopicCounts& topic = counts[name.topic];
    topic.records += tail->records.get();
    topic.bytes += tail->bytes.get();
    topic.unreadable = std::max(topic.unreadable, tail->unreadable.get());
  }
  return counts;
}

}  // namespace tailgate
