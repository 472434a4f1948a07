#include "streams/offset_lookups.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "base/c_handle.h"
#include "base/thread_name.h"

namespace tailgate {

namespace {

using TopicHandle = CHandle<rd_kafka_topic_t, rd_kafka_topic_destroy>;
using PartitionList = CHandle<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>;

// What rd_kafka_offsets_for_times takes in place of a time.
constexpr std::int64_t kEarliest = -2;
constexpr std::int64_t kLatest = -1;

constexpr std::chrono::milliseconds kRetry{100};
constexpr std::chrono::milliseconds kExpireEvery{100};
constexpr std::int64_t kAttemptMs = 700;  // then the leader may be another
constexpr int kLeadersMs = 500;
constexpr std::size_t kTopicsByNameMax = 8;  // of more the metadata is read at once

}  // namespace

OffsetLookups::OffsetLookups(rd_kafka_t* committed, rd_kafka_t* uncommitted, const Clock& clock, Scan scan)
    : committed_{committed}, uncommitted_{uncommitted}, clock_{clock}, scan_{std::move(scan)} {
  for (std::size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { run(); });
  threads_.emplace_back([this] { run_expiry(); });
}

OffsetLookups::~OffsetLookups() {
  {
    const std::scoped_lock lock{mutex_};
    is_stopping_ = true;
  }
  has_work_.notify_all();
  stop_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void OffsetLookups::ask(const std::vector<Place>& places, std::optional<std::int64_t> wall_ms, Done done) {
  if (places.empty()) {
    done(Found{});
    return;
  }
  const auto asked = std::make_shared<Asked>();
  asked->done = std::move(done);
  asked->left = places.size();
  asked->asked_ms = clock_.steady_ms();
  {
    const std::scoped_lock lock{mutex_};
    for (const Place& place : places) leaders_[place.leader].waiting[wall_ms][place.partition].push_back(asked);
    asked_.push_back(asked);
  }
  has_work_.notify_all();
}

std::int64_t OffsetLookups::answered_ms() const {
  const std::scoped_lock lock{mutex_};
  return answered_ms_;
}

void OffsetLookups::run_expiry() {
  name_thread("offsets");
  while (true) {
    {
      std::unique_lock lock{mutex_};
      if (stop_.wait_for(lock, kExpireEvery, [this] { return is_stopping_; })) return;
    }
    expire();
  }
}

void OffsetLookups::expire() {
  std::vector<AskedPtr> late;
  {
    const std::scoped_lock lock{mutex_};
    const std::int64_t now_ms = clock_.steady_ms();
    std::erase_if(asked_, [](const auto& asked) { return !asked->done; });
    for (const auto& asked : asked_) {
      if (now_ms - asked->asked_ms < kDeadlineMs) break;
      late.push_back(asked);
    }
  }
  for (const auto& asked : late) finish(asked, Error{ErrorCode::upstream_down, "a leader has not answered in time"});
}

void OffsetLookups::finish(const AskedPtr& asked, Answer answer) {
  Done done;
  {
    const std::scoped_lock lock{mutex_};
    done = std::exchange(asked->done, nullptr);
  }
  if (done) done(std::move(answer));
}

void OffsetLookups::run() {
  name_thread("offsets");
  while (true) {
    std::optional<Batch> batch;
    {
      std::unique_lock lock{mutex_};
      has_work_.wait(lock, [&] {
        if (!is_stopping_) batch = take();
        return is_stopping_ || batch;
      });
      if (!batch) return;
    }
    const bool is_answered = answer(*batch);
    {
      const std::scoped_lock lock{mutex_};
      Leader& leader = leaders_[batch->leader];
      if (leader.is_slow) --slow_busy_;
      leader.is_busy = false;
      leader.is_slow = !is_answered;
      if (is_answered) answered_ms_ = clock_.steady_ms();
    }
    has_work_.notify_all();
  }
}

// The ends, which all times share, and a time in turn; the times one after the other in a circle.
OffsetLookups::Times::iterator OffsetLookups::next_of(Leader& leader) {
  Times& times = leader.waiting;
  const bool has_ends = !times.begin()->first;
  const bool is_ends_turn = has_ends && (!std::exchange(leader.had_ends, false) || times.size() == 1);
  if (is_ends_turn) {
    leader.had_ends = true;
    return times.begin();
  }
  auto next = times.upper_bound(leader.last_wall_ms);
  if (next == times.end()) next = has_ends ? std::next(times.begin()) : times.begin();
  leader.last_wall_ms = next->first;
  return next;
}

// Under mutex_. The next leader in turn that may be asked.
std::optional<OffsetLookups::Batch> OffsetLookups::take() {
  const auto may_be_asked = [this](const auto& entry) {
    const Leader& leader = entry.second;
    return !leader.waiting.empty() && !leader.is_busy && (!leader.is_slow || slow_busy_ < kSlowThreadsMax);
  };
  const auto after = leaders_.upper_bound(last_leader_);
  auto found = std::find_if(after, leaders_.end(), may_be_asked);
  if (found == leaders_.end()) {
    found = std::find_if(leaders_.begin(), after, may_be_asked);
    if (found == after) return std::nullopt;
  }
  auto& [id, leader] = *found;
  last_leader_ = id;
  leader.is_busy = true;
  if (leader.is_slow) ++slow_busy_;
  const auto first = next_of(leader);
  Batch batch{id, first->first, {}};
  while (!first->second.empty() && batch.waiting.size() < kBatchMax)
    batch.waiting.insert(first->second.extract(first->second.begin()));
  if (first->second.empty()) leader.waiting.erase(first);
  return batch;
}

bool OffsetLookups::answer(const Batch& batch) {
  std::vector<TopicPartition> left;
  {
    const std::scoped_lock lock{mutex_};
    for (const auto& [partition, asked] : batch.waiting) {
      // Those who have given up need no answer.
      if (std::any_of(asked.begin(), asked.end(), [](const auto& by) { return by->done != nullptr; }))
        left.push_back(partition);
    }
  }
  const std::int64_t due_ms = clock_.steady_ms() + kDeadlineMs;
  while (!left.empty()) {
    const Found found = look_up(left, batch.wall_ms, due_ms);
    std::vector<AskedPtr> complete;
    {
      const std::scoped_lock lock{mutex_};
      for (const auto& [partition, offsets] : found) {
        for (const AskedPtr& asked : batch.waiting.at(partition)) {
          asked->found[partition] = offsets;
          if (--asked->left == 0) complete.push_back(asked);
        }
      }
      if (is_stopping_) return false;
    }
    for (const AskedPtr& asked : complete) finish(asked, std::move(asked->found));
    std::erase_if(left, [&found](const auto& partition) { return found.contains(partition); });
    if (left.empty()) break;
    // librdkafka goes on asking the leader that it knows, whatever comes of it.
    learn_leaders(committed_, left);
    learn_leaders(uncommitted_, left);
    if (clock_.steady_ms() + kRetry.count() >= due_ms) return false;
    std::this_thread::sleep_for(kRetry);
  }
  return true;
}

void OffsetLookups::learn_leaders(rd_kafka_t* handle, const std::vector<TopicPartition>& partitions) {
  std::set<std::string> topics;
  for (const auto& partition : partitions) topics.insert(partition.topic);
  const auto learn = [handle](rd_kafka_topic_t* topic) {
    const rd_kafka_metadata_t* metadata = nullptr;
    if (rd_kafka_metadata(handle, topic == nullptr ? 1 : 0, topic, &metadata, kLeadersMs) ==
        RD_KAFKA_RESP_ERR_NO_ERROR) {
      rd_kafka_metadata_destroy(metadata);
    }
  };
  if (topics.size() > kTopicsByNameMax) {
    learn(nullptr);
    return;
  }
  for (const auto& name : topics) {
    const TopicHandle topic{rd_kafka_topic_new(handle, name.c_str(), nullptr)};
    learn(topic.get());
  }
}

// What could be had until `due_ms`.
OffsetLookups::Found OffsetLookups::look_up(const std::vector<TopicPartition>& partitions,
                                            std::optional<std::int64_t> wall_ms, std::int64_t due_ms) {
  // In this order begin <= readable <= end holds although each is asked by itself.
  const Offsets begins = list(committed_, partitions, kEarliest, due_ms);
  const Offsets readables = begins.empty() ? Offsets{} : list(committed_, partitions, kLatest, due_ms);
  const Offsets ends = readables.empty() ? Offsets{} : list(uncommitted_, partitions, kLatest, due_ms);
  const bool by_time = wall_ms && !scan_;
  const Offsets times =
      by_time && !ends.empty() ? list(committed_, partitions, std::max<std::int64_t>(*wall_ms, 0), due_ms) : Offsets{};
  Found found;
  for (const auto& [partition, end] : ends) {
    const auto begin = begins.find(partition);
    const auto readable = readables.find(partition);
    const auto time = times.find(partition);
    if (begin == begins.end() || readable == readables.end() || (by_time && time == times.end())) continue;
    FoundOffsets& offsets = found[partition];
    offsets.ends = PartitionEnds{begin->second, std::max(end, readable->second), readable->second};
    if (by_time) {
      offsets.at = time->second < 0 ? readable->second : std::min(time->second, readable->second);
    } else if (wall_ms) {
      offsets.at = scan_(partition, offsets.ends, *wall_ms);
    }
  }
  return found;
}

OffsetLookups::Offsets OffsetLookups::list(rd_kafka_t* handle, const std::vector<TopicPartition>& partitions,
                                           std::int64_t time, std::int64_t due_ms) {
  const std::int64_t wait_ms = std::min(due_ms - clock_.steady_ms(), kAttemptMs);
  if (wait_ms <= 0) return {};
  const PartitionList list{rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size()))};
  for (const TopicPartition& name : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), name.topic.c_str(), name.partition)->offset = time;
  }
  // On an error nothing has been filled in: the times that were asked for would look like offsets.
  if (rd_kafka_offsets_for_times(handle, list.get(), static_cast<int>(wait_ms)) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return {};
  Offsets offsets;
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& one = list->elems[i];
    if (one.err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    if (one.offset < 0 && time < 0) continue;
    offsets[TopicPartition{one.topic, one.partition}] = one.offset;
  }
  return offsets;
}

}  // namespace tailgate
