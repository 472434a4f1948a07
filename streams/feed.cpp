#include "streams/feed.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "streams/feed_set.h"

namespace tailgate {

namespace {

// Encoded ahead of the fastest subscriber at a time, and of one partition before the next one's turn.
constexpr std::size_t kEncodeBytes = 64 * 1024;
constexpr std::size_t kPartitionBytes = 16 * 1024;
constexpr std::int64_t kProgressMs = 1'000;

void count_delay(StreamCounters& counters, std::int64_t delay_ms) {
  const auto bucket =
      std::lower_bound(kDelayBucketsMs.begin(), kDelayBucketsMs.end(), delay_ms) - kDelayBucketsMs.begin();
  counters.delay_buckets[static_cast<std::size_t>(bucket)].add();
  counters.delay_sum_ms.add(static_cast<std::uint64_t>(std::max<std::int64_t>(delay_ms, 0)));
}

}  // namespace

std::string FeedSpec::key() const {
  std::string key;
  key += static_cast<char>('0' + static_cast<int>(format));
  for (const std::string& topic : topics) {
    key += '/';
    key += topic;
  }
  if (partition) key += ":" + std::to_string(*partition);
  if (gather_ms > 0) key += '~' + std::to_string(gather_ms);
  for (const std::string& filter : keys) key += '?' + std::to_string(filter.size()) + ':' + filter;
  return key;
}

Feed::Feed(FeedSpec spec, const Topics& topics, StreamContext& context, FeedSet& owner)
    : spec_{std::move(spec)},
      context_{context},
      owner_{owner},
      log_{owner.chunks()},
      id_{spec_.id_form()},
      topics_version_{topics.version},
      progress_timer_{*this, [](Feed& self) { self.on_progress_due(); }} {
  if (spec_.gather_ms > 0) gather_timer_ = context_.loop.make_fine_timer([this] { tell(); });
  account();
  for (const std::string& name : spec_.topics) {
    const auto topic = topics.by_name.find(name);
    assert(topic != topics.by_name.end());
    if (spec_.partition) {
      add_partition(topic->second, *spec_.partition);
      continue;
    }
    for (std::int32_t partition = 0; partition < topic->second.partitions; ++partition) {
      add_partition(topic->second, partition);
    }
  }
}

Feed::~Feed() {
  assert(members_.empty());
  owner_.on_bytes_changed(accounted_bytes_, 0);
}

void Feed::account() {
  std::size_t bytes = log_.bytes();
  for (const CodedLog& coded : coded_) bytes += coded.bytes();
  if (bytes == accounted_bytes_) return;
  owner_.on_bytes_changed(accounted_bytes_, bytes);
  accounted_bytes_ = bytes;
}

void Feed::add_partition(const Topic& topic, std::int32_t partition) {
  const auto slot = static_cast<Slot>(partitions_.size());
  Partition& fresh = partitions_.emplace_back();
  fresh.source = TopicPartition{topic.kafka_name, partition};
  fresh.topic = topic.name;
  fresh.sent = &context_.counters.topics.of(topic.name);
  id_slots_.push_back(0);
  const auto on_news = [this, slot] { on_partition_news(slot); };
  if (spec_.keys.empty()) {
    fresh.follow = context_.tails.follow(fresh.source, context_.loop, on_news);
  } else {
    auto keyed = owner_.key_index(fresh.source).follow(spec_.keys, on_news);
    fresh.keyed = keyed.get();
    fresh.follow = std::move(keyed);
  }
  set_dirty(slot);  // the log may have a past
}

void Feed::set_dirty(Slot slot) {
  if (std::exchange(partitions_[slot].is_dirty, true)) return;
  if (dirty_.full()) dirty_.set_capacity(2 * dirty_.capacity() + 1);
  dirty_.push_back(slot);
}

FeedLog::Place Feed::join(FeedMember& member) {
  if (members_.empty()) {
    // Nobody has pulled for a while, or ever: what lies between is nobody's, a barrier jumps over it.
    for (std::size_t slot = 0; slot < partitions_.size(); ++slot) start_partition(static_cast<Slot>(slot));
  }
  members_.push_back(member);
  return log_.enter();
}

void Feed::leave(FeedMember& member) {
  members_.erase(members_.iterator_to(member));
  log_.leave(member.place());
  account();
  if (members_.empty()) {
    for (Partition& partition : partitions_) partition.cursor.chunk.reset();  // an idle feed keeps no records alive
  }
}

bool Feed::advance(FeedLog::Place& place) {
  const bool is_moved = log_.advance(place);
  account();
  return is_moved;
}

const CodedUnit* Feed::make_unit(Coding coding, FeedChunk& chunk, std::size_t from, std::size_t to) {
  const CodedUnit* const unit = coded(coding).make(chunk, from, to, context_.loop.timers().clock().steady_ms());
  if (unit == nullptr) return nullptr;
  context_.counters.coded[index_of(coding)].shared_bytes.add(to - from);
  account();
  return unit;
}

// Puts the feed at the head of what the reader has of a partition, unless it is there.
void Feed::start_partition(Slot slot) {
  Partition& partition = partitions_[slot];
  const RecordLog& log = partition.follow->log();
  const std::uint64_t epoch = log.epoch();
  const Offset next = log.next();
  if (epoch == 0 || log.epoch() != epoch) return;  // not started, or just starting again: news will come
  const bool is_there = partition.cursor.epoch == epoch && partition.passed == next - 1;
  if (partition.is_started && is_there && !partition.owes_progress) return;
  partition.cursor = log.seek(next);
  partition.passed = next - 1;
  partition.owes_progress = false;
  if (!partition.is_started) {
    partition.is_started = true;
    id_slots_[slot] = id_.add(partition.topic, partition.source.partition, partition.passed);
  } else {
    id_.set(id_slots_[slot], partition.passed);
  }
  log_.append_barrier(slot, partition.passed);
}

void Feed::on_partition_news(Slot slot) {
  set_dirty(slot);
  tell_in_time();
}

void Feed::tell_in_time() {
  if (!gather_timer_) return tell();
  if (gather_timer_->is_set()) return;
  const std::int64_t wait_ms = told_ms_ + spec_.gather_ms - context_.loop.timers().clock().steady_ms();
  if (wait_ms <= 0) return tell();
  gather_timer_->set(wait_ms);
}

void Feed::tell() {
  if (gather_timer_) told_ms_ = context_.loop.timers().clock().steady_ms();
  news_.tell();
}

bool Feed::matches(const RecordView& record) const {
  return spec_.keys.empty() || (record.key && std::binary_search(spec_.keys.begin(), spec_.keys.end(), *record.key));
}

bool Feed::encode_more() {
  std::size_t budget = kEncodeBytes;
  bool is_more = false;
  while (!dirty_.empty() && budget > 0) {
    const Slot slot = dirty_.front();
    dirty_.pop_front();
    partitions_[slot].is_dirty = false;
    const std::size_t share = std::min(budget, kPartitionBytes);
    std::size_t left = share;
    is_more = encode_partition(slot, left) || is_more;
    budget -= share - left;
    if (left == 0) set_dirty(slot);  // its turn is over, not its news
  }
  keep_within_bounds();
  return is_more;
}

bool Feed::encode_partition(Slot slot, std::size_t& budget) {
  Partition& partition = partitions_[slot];
  const RecordLog& log = partition.follow->log();
  if (!partition.is_started) {
    start_partition(slot);
    return partition.is_started;
  }
  bool is_more = false;
  std::int64_t newest_ms = -1;
  RecordView record;
  while (budget > 0) {
    if (partition.keyed != nullptr && partition.keyed->skip(partition.cursor)) {
      partition.passed = partition.cursor.next - 1;
      partition.owes_progress = true;
    }
    const RecordLog::Step step = log.read(partition.cursor, record);
    if (step == RecordLog::Step::head) break;
    if (step == RecordLog::Step::lost) {
      // The log goes on somewhere else: so does the feed, and each subscriber decides for itself what that means to it.
      const std::uint64_t epoch = log.epoch();
      const Offset first = log.first();
      if (log.epoch() != epoch) continue;
      partition.cursor = log.seek(first);
      partition.passed = first - 1;
      partition.owes_progress = false;
      id_.set(id_slots_[slot], partition.passed);
      log_.append_barrier(slot, partition.passed);
      is_more = true;
      --budget;
      continue;
    }
    partition.passed = partition.cursor.next - 1;
    if (step == RecordLog::Step::record && matches(record)) {
      budget -= std::min(budget, append_record(slot, record));
      partition.owes_progress = false;
      newest_ms = std::max(newest_ms, record.timestamp_ms);
      is_more = true;
    } else {
      partition.owes_progress = true;
      const std::size_t looked = step == RecordLog::Step::record ? RecordChunk::bytes_of(record) : 0;
      budget -= std::min(budget, 1 + looked / 8);  // a look costs less than an event
    }
  }
  if (partition.owes_progress) is_more = append_progress(slot) || is_more;
  if (newest_ms >= 0) count_delay(context_.counters, context_.loop.timers().clock().wall_ms() - newest_ms);
  return is_more;
}

std::size_t Feed::append_record(Slot slot, const RecordView& record) {
  Partition& partition = partitions_[slot];
  id_.set(id_slots_[slot], record.offset);
  std::string& bytes = owner_.encode_scratch();
  bytes.clear();
  append_front(bytes, spec_.format, partition.topic, partition.source.partition, record);
  const std::size_t front = bytes.size();
  append_tail(bytes, spec_.format, id_.text());
  const std::string_view event{bytes};
  log_.append_record(slot, record.offset, event.substr(0, front), event.substr(front));
  if (bytes.size() - front > kIdBytesMax && fault_.empty()) end("id_too_long");
  context_.counters.records_encoded.add();
  return event.size();
}

bool Feed::append_progress(Slot slot) {
  Partition& partition = partitions_[slot];
  const std::int64_t now_ms = context_.loop.timers().clock().steady_ms();
  if (now_ms - partition.progress_ms < kProgressMs) {
    if (!progress_timer_.is_set()) context_.loop.timers().set(progress_timer_, kProgressMs);
    return false;
  }
  partition.progress_ms = now_ms;
  partition.owes_progress = false;
  id_.set(id_slots_[slot], partition.passed);
  log_.append_progress(slot, partition.passed);
  return true;
}

void Feed::on_progress_due() {
  if (members_.empty()) return;
  bool is_more = false;
  for (std::size_t slot = 0; slot < partitions_.size(); ++slot) {
    if (partitions_[slot].owes_progress) is_more = append_progress(static_cast<Slot>(slot)) || is_more;
  }
  account();
  if (is_more) tell();
}

void Feed::keep_within_bounds() {
  account();
  while (log_.oldest() != nullptr && (log_.bytes() > owner_.options().feed_bytes || owner_.is_over_bounds())) {
    evict_oldest();
    account();
  }
}

// Whoever stands in the oldest chunk is behind from now on and goes on from the reader's records or from history.
void Feed::evict_oldest() {
  FeedChunk* const oldest = log_.oldest();
  for (FeedMember& member : members_) {
    if (member.place().chunk != oldest) continue;
    const FeedLog::Place from = member.place();
    member.on_evicted(log_.after(from));
    log_.leave(from);
    context_.counters.evictions.add();
  }
  assert(log_.oldest() != oldest);
}

void Feed::on_topics(const Topics& topics) {
  if (topics.version <= topics_version_) return;
  topics_version_ = topics.version;
  for (const std::string& name : spec_.topics) {
    const auto it = topics.by_name.find(name);
    if (it == topics.by_name.end()) return end("topic_gone");
    const Topic& topic = it->second;
    if (spec_.partition && *spec_.partition >= topic.partitions) return end("topic_gone");  // made anew
    if (spec_.partition) continue;
    const auto known = std::count_if(partitions_.begin(), partitions_.end(),
                                     [&](const Partition& partition) { return partition.topic == name; });
    if (topic.partitions < known) return end("topic_gone");  // made anew
    for (auto partition = static_cast<std::int32_t>(known); partition < topic.partitions; ++partition) {
      if (partitions_.size() >= kIdPartitionsMax) return end("id_too_long");
      add_partition(topic, partition);
      tell();  // its log may have a past, and then no news
    }
  }
}

void Feed::end(std::string fault) {
  fault_ = std::move(fault);
  owner_.on_ended(*this);
  tell();
}

}  // namespace tailgate
