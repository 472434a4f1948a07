#include "streams/kafka_catalog.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/thread_name.h"
#include "streams/access_probe.h"
#include "streams/kafka_consumer.h"

namespace tailgate {

namespace {

constexpr int kMetadataDeadlineMs = 2'000;
constexpr std::int64_t kRetryMs = 1'000;  // after a failure, and to see again what was missing
constexpr std::int64_t kRefreshEveryMs = 1'000;
constexpr std::int64_t kUrgentEveryMs = 1'000;
constexpr std::int64_t kUrgentMax = 5;  // in a row
constexpr std::size_t kUrgentAsksMax = 1'000;
constexpr std::int64_t kProbeEveryMs = 60'000;  // access rules change
constexpr int kPoliciesDeadlineMs = 1'000;      // answers to closed ranges wait for them
constexpr std::int64_t kReachableMs = 8'000;    // without an answer for longer Kafka counts as away
constexpr std::chrono::milliseconds kTick{100};

using MetadataHandle = CHandle<const rd_kafka_metadata_t, rd_kafka_metadata_destroy>;

}  // namespace

class KafkaCatalog::WatchHandle final : public Watch {
 public:
  explicit WatchHandle(std::shared_ptr<Watching> watching) : watching_{std::move(watching)} {}
  ~WatchHandle() override { watching_->on_change = nullptr; }

 private:
  std::shared_ptr<Watching> watching_;
};

Result<std::unique_ptr<KafkaCatalog>> KafkaCatalog::open(const KafkaOptions& options, Exposure exposure,
                                                         const Clock& clock, KafkaReports& reports) {
  auto committed = open_kafka(options, KafkaRole::admin_committed, reports);
  if (!committed) return committed.error();
  auto uncommitted = open_kafka(options, KafkaRole::admin_uncommitted, reports);
  if (!uncommitted) return uncommitted.error();
  return std::unique_ptr<KafkaCatalog>{
      new KafkaCatalog{options, std::move(*committed), std::move(*uncommitted), std::move(exposure), clock, reports}};
}

KafkaCatalog::KafkaCatalog(KafkaOptions options, KafkaClient committed, KafkaClient uncommitted, Exposure exposure,
                           const Clock& clock, KafkaReports& reports)
    : options_{std::move(options)},
      committed_{std::move(committed)},
      uncommitted_{std::move(uncommitted)},
      exposure_{std::move(exposure)},
      clock_{clock},
      reports_{reports},
      probed_all_ms_{clock.steady_ms()},
      policies_{clock,
                [this](const std::set<std::string>& topics) {
                  // The mock cannot be asked, and its topics are others after each start.
                  if (options_.is_mock) return std::set<std::string>{};
                  return uncompacted_topics(committed_.get(), topics, kPoliciesDeadlineMs);
                }},
      known_{std::make_shared<Known>(Known{std::make_shared<Topics>(), {}})},
      lookups_{committed_.get(), uncommitted_.get(), clock,
               options_.is_mock
                   ? OffsetLookups::Scan{[this](const auto& partition, const auto& ends, std::int64_t wall_ms) {
                       return scan(partition, ends, wall_ms);
                     }}
                   : OffsetLookups::Scan{}} {
  // The mock makes every topic that it is asked for by name.
  const auto names = options_.is_mock ? std::nullopt : exposure_.kafka_names();
  if (names) {
    for (const std::string& name : *names) {
      asked_for_.emplace_back(rd_kafka_topic_new(committed_.get(), name.c_str(), nullptr));
    }
  }
  thread_ = std::thread{[this] { run(); }};
}

KafkaCatalog::~KafkaCatalog() {
  {
    const std::scoped_lock lock{mutex_};
    is_stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

// ---- topics ----

std::shared_ptr<const KafkaCatalog::Known> KafkaCatalog::known() const {
  const std::scoped_lock lock{mutex_};
  return known_;
}

std::shared_ptr<const Topics> KafkaCatalog::topics() const { return known()->topics; }

bool KafkaCatalog::is_reachable() const {
  const std::int64_t answered_ms = std::max(metadata_ms_.load(std::memory_order_relaxed), lookups_.answered_ms());
  return answered_ms > 0 && clock_.steady_ms() - answered_ms < kReachableMs;
}

Ask<Catalog::TopicsAnswer> KafkaCatalog::refresh(Loop& loop, std::function<void(TopicsAnswer)> then) {
  auto [ask, reply] = make_ask<TopicsAnswer>(loop, std::move(then));
  {
    const std::scoped_lock lock{mutex_};
    refreshing_.push_back(reply);
  }
  wake_.notify_all();
  return std::move(ask);
}

// With mutex_ held. False: there were too many of late.
bool KafkaCatalog::take_urgent() {
  if (is_urgent_) return refreshing_.size() < kUrgentAsksMax;  // joined with one that has not begun
  const std::int64_t now_ms = clock_.steady_ms();
  const std::int64_t used_ms = std::max(urgent_ms_, now_ms - kUrgentMax * kUrgentEveryMs);
  if (used_ms + kUrgentEveryMs > now_ms) return false;
  urgent_ms_ = used_ms + kUrgentEveryMs;
  return is_urgent_ = true;
}

Ask<Catalog::TopicsAnswer> KafkaCatalog::refresh_at_once(Loop& loop, std::function<void(TopicsAnswer)> then) {
  auto [ask, reply] = make_ask<TopicsAnswer>(loop, std::move(then));
  const bool is_up = is_reachable();
  {
    const std::scoped_lock lock{mutex_};
    if (!is_up || !take_urgent()) {
      reply(known_->topics);
      return std::move(ask);
    }
    refreshing_.push_back(reply);
  }
  wake_.notify_all();
  return std::move(ask);
}

Ask<bool> KafkaCatalog::are_uncompacted(const std::vector<std::string>& topics, Loop& loop,
                                        std::function<void(bool)> then) {
  const auto known = this->topics();
  std::vector<std::string> kafka_names;
  for (const std::string& name : topics) {
    if (const auto topic = known->by_name.find(name); topic != known->by_name.end())
      kafka_names.push_back(topic->second.kafka_name);
  }
  if (!is_reachable() || kafka_names.size() < topics.size())
    return Catalog::are_uncompacted(topics, loop, std::move(then));
  const std::scoped_lock lock{mutex_};  // the thread looks for questions under it, and so misses none
  wake_.notify_all();
  return policies_.are_uncompacted(kafka_names, loop, std::move(then));
}

std::unique_ptr<Watch> KafkaCatalog::watch(Loop& loop, std::function<void()> on_change) {
  auto watching = std::make_shared<Watching>(Watching{loop, std::move(on_change)});
  {
    const std::scoped_lock lock{mutex_};
    std::erase_if(watching_, [](const auto& known) { return known.expired(); });
    watching_.push_back(watching);
  }
  return std::make_unique<WatchHandle>(std::move(watching));
}

void KafkaCatalog::run() {
  name_thread("catalog");
  std::int64_t next_ms = clock_.steady_ms();
  std::int64_t refresh_ms = next_ms;  // earliest
  std::vector<Reply<TopicsAnswer>> refreshing;
  while (true) {
    {
      std::unique_lock lock{mutex_};
      const auto is_asked = [&] { return is_urgent_ || (!refreshing_.empty() && clock_.steady_ms() >= refresh_ms); };
      wake_.wait_for(lock, kTick, [&] { return is_stopping_ || policies_.has_questions() || is_asked(); });
      if (is_stopping_) return;
      const std::int64_t now_ms = clock_.steady_ms();
      if (is_asked()) next_ms = now_ms;
      if (now_ms >= next_ms) {
        refreshing.swap(refreshing_);
        is_urgent_ = false;
      }
    }
    policies_.answer();
    rd_kafka_poll(committed_.get(), 0);
    rd_kafka_poll(uncommitted_.get(), 0);
    if (clock_.steady_ms() < next_ms) continue;
    const bool is_read = read_metadata();
    const std::int64_t now_ms = clock_.steady_ms();
    next_ms = now_ms + (is_read && missing_once_.empty() ? kReadEveryMs : kRetryMs);
    refresh_ms = now_ms + kRefreshEveryMs;
    for (const auto& reply : refreshing) reply(topics());
    refreshing.clear();
  }
}

bool KafkaCatalog::read_metadata() {
  const rd_kafka_metadata_t* read = nullptr;
  const bool is_all = asked_for_.empty();
  reads_.fetch_add(1, std::memory_order_relaxed);
  const auto error = rd_kafka_metadata(committed_.get(), is_all ? 1 : 0, nullptr, &read, kMetadataDeadlineMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    reports_.report(ReportLevel::warning, "metadata", std::string{"no metadata: "} + rd_kafka_err2str(error));
    return false;
  }
  const MetadataHandle metadata{read};
  metadata_ms_.store(clock_.steady_ms(), std::memory_order_relaxed);
  publish(known_from(*metadata));
  return true;
}

KafkaCatalog::Known KafkaCatalog::known_from(const rd_kafka_metadata_t& metadata) {
  Known known;
  Topics topics;
  std::size_t denied = 0;
  for (int i = 0; i < metadata.topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& read = metadata.topics[i];
    const auto name = exposure_.public_name_of(read.topic);
    if (!name) continue;
    if (read.err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) ++denied;
    if (read.err != RD_KAFKA_RESP_ERR_NO_ERROR || read.partition_cnt == 0) continue;
    topics.by_name[*name] = Topic{*name, read.topic, read.partition_cnt};
    for (int p = 0; p < read.partition_cnt; ++p) {
      known.leaders[TopicPartition{read.topic, read.partitions[p].id}] = read.partitions[p].leader;
    }
  }
  leave_out_what_is_refused(topics, known);
  denied_topics_.store(denied + refused_.size(), std::memory_order_relaxed);
  keep_what_is_missing_once(topics, known);
  known.topics = std::make_shared<Topics>(std::move(topics));
  return known;
}

void KafkaCatalog::leave_out_what_is_refused(Topics& read, const Known& fresh) {
  if (options_.is_mock) return;  // it has no access rules
  const auto is_gone = [&read](const std::string& name) {
    return std::none_of(read.by_name.begin(), read.by_name.end(),
                        [&name](const auto& topic) { return topic.second.kafka_name == name; });
  };
  const std::int64_t now_ms = clock_.steady_ms();
  if (now_ms - probed_all_ms_ >= kProbeEveryMs) {
    probed_.clear();
    probed_all_ms_ = now_ms;
  }
  std::vector<TopicPartition> asked;
  for (const auto& [name, topic] : read.by_name) {
    if (probed_.contains(topic.kafka_name)) continue;
    for (std::int32_t p = 0; p < topic.partitions; ++p) {
      const TopicPartition partition{topic.kafka_name, p};
      const auto leader = fresh.leaders.find(partition);
      if (leader == fresh.leaders.end() || leader->second < 0) continue;
      asked.push_back(partition);
      break;
    }
  }
  if (!asked.empty()) {
    const std::set<std::string> refused = refused_topics(asked, options_, clock_, reports_);
    for (const TopicPartition& partition : asked) {
      probed_.insert(partition.topic);
      if (refused.contains(partition.topic)) {
        refused_.insert(partition.topic);
      } else {
        refused_.erase(partition.topic);
      }
    }
  }
  std::erase_if(refused_, is_gone);
  std::erase_if(read.by_name, [this](const auto& topic) { return refused_.contains(topic.second.kafka_name); });
}

void KafkaCatalog::keep_what_is_missing_once(Topics& read, Known& fresh) {
  const std::shared_ptr<const Known> before = known();
  std::set<std::string> missing;
  for (const auto& [name, topic] : before->topics->by_name) {
    const auto now = read.by_name.find(name);
    if (now != read.by_name.end() && now->second.partitions >= topic.partitions) continue;
    if (missing_once_.contains(topic.kafka_name)) continue;
    missing.insert(topic.kafka_name);
    read.by_name[name] = topic;
    for (std::int32_t p = 0; p < topic.partitions; ++p) {
      const TopicPartition partition{topic.kafka_name, p};
      if (const auto leader = before->leaders.find(partition); leader != before->leaders.end())
        fresh.leaders.insert(*leader);
    }
  }
  missing_once_ = std::move(missing);
}

void KafkaCatalog::publish(Known fresh) {
  const std::shared_ptr<const Known> before = known();
  const auto is_same = [](const auto& a, const auto& b) {
    return a.first == b.first && a.second.kafka_name == b.second.kafka_name &&
           a.second.partitions == b.second.partitions;
  };
  const auto& was = before->topics->by_name;
  const auto& is = fresh.topics->by_name;
  const bool is_changed =
      before->topics->version == 0 || !std::equal(was.begin(), was.end(), is.begin(), is.end(), is_same);
  if (is_changed) {
    fresh.topics = std::make_shared<Topics>(Topics{is, before->topics->version + 1});
  } else {
    fresh.topics = before->topics;
  }
  std::vector<std::shared_ptr<Watching>> watching;
  {
    const std::scoped_lock lock{mutex_};
    known_ = std::make_shared<Known>(std::move(fresh));
    if (!is_changed) return;
    for (const auto& known : watching_) {
      if (auto one = known.lock()) watching.push_back(std::move(one));
    }
  }
  for (const auto& one : watching) {
    one->loop.post([one] {
      if (const auto on_change = one->on_change) on_change();  // a copy: it may end its watch
    });
  }
}

// ---- offsets ----

std::optional<std::vector<OffsetLookups::Place>> KafkaCatalog::places_of(
    const std::vector<TopicPartition>& partitions) const {
  const std::shared_ptr<const Known> known = this->known();
  std::vector<OffsetLookups::Place> places;
  for (const TopicPartition& partition : partitions) {
    const auto leader = known->leaders.find(partition);
    if (leader == known->leaders.end()) return std::nullopt;
    places.push_back(OffsetLookups::Place{partition, leader->second});
  }
  return places;
}

Ask<Catalog::EndsAnswer> KafkaCatalog::ends(std::vector<TopicPartition> partitions, Loop& loop,
                                            std::function<void(EndsAnswer)> then) {
  auto [ask, reply] = make_ask<EndsAnswer>(loop, std::move(then));
  const auto places = places_of(partitions);
  if (!places) {
    reply(Error{ErrorCode::not_found, "a partition that the metadata does not have"});
    return std::move(ask);
  }
  lookups_.ask(*places, std::nullopt, [answer = reply](const OffsetLookups::Answer& found) {
    if (!found) {
      answer(found.error());
      return;
    }
    std::map<TopicPartition, PartitionEnds> ends;
    for (const auto& [partition, offsets] : *found) ends[partition] = offsets.ends;
    answer(std::move(ends));
  });
  return std::move(ask);
}

Ask<Catalog::OffsetsAnswer> KafkaCatalog::offsets_at(std::vector<TopicPartition> partitions, std::int64_t wall_ms,
                                                     Loop& loop, std::function<void(OffsetsAnswer)> then) {
  auto [ask, reply] = make_ask<OffsetsAnswer>(loop, std::move(then));
  const auto places = places_of(partitions);
  if (!places) {
    reply(Error{ErrorCode::not_found, "a partition that the metadata does not have"});
    return std::move(ask);
  }
  lookups_.ask(*places, wall_ms, [answer = reply](const OffsetLookups::Answer& found) {
    if (!found) {
      answer(found.error());
      return;
    }
    std::map<TopicPartition, Offset> offsets_at;
    for (const auto& [partition, offsets] : *found) offsets_at[partition] = offsets.at;
    answer(std::move(offsets_at));
  });
  return std::move(ask);
}

namespace {

// Finds the first record at or after a time.
class TimeScan final : public ConsumerEvents {
 public:
  TimeScan(std::int64_t wall_ms, Offset readable) : wall_ms_{wall_ms}, found_{readable}, readable_{readable} {}
  void on_record(const TopicPartition&, const RecordView& record) override {
    if (is_done_) return;
    if (record.offset >= readable_ || record.timestamp_ms >= wall_ms_) is_done_ = true;
    if (record.offset < readable_ && record.timestamp_ms >= wall_ms_) found_ = record.offset;
  }
  void on_end(const TopicPartition&, Offset) override { is_done_ = true; }
  void on_out_of_range(const TopicPartition&, Offset) override { is_done_ = true; }
  void on_error(const TopicPartition&, const std::string&) override {}
  bool is_done() const { return is_done_; }
  Offset found() const { return found_; }

 private:
  const std::int64_t wall_ms_;
  Offset found_;
  const Offset readable_;
  bool is_done_ = false;
};

}  // namespace

Offset KafkaCatalog::scan(const TopicPartition& partition, const PartitionEnds& ends, std::int64_t wall_ms) {
  TimeScan scan{wall_ms, ends.readable};
  auto consumer = KafkaConsumer::open(options_, KafkaRole::catch_up, /*wake_fd=*/-1, reports_);
  if (!consumer || ends.begin >= ends.readable) return ends.readable;
  (*consumer)->start(partition, ends.begin);
  const std::int64_t due_ms = clock_.steady_ms() + OffsetLookups::kDeadlineMs;
  while (!scan.is_done() && clock_.steady_ms() < due_ms) {
    if ((*consumer)->poll(scan, 1000) == 0) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return scan.found();
}

}  // namespace tailgate
