#include "tests/simulation/fake_kafka.h"

#include <algorithm>
#include <cassert>

namespace tailgate::simulation {

namespace {

constexpr std::string_view kPrefix = "kafka.";

}  // namespace

std::string kafka_name(const std::string& topic) { return std::string{kPrefix} + topic; }

TopicPartition public_name(const TopicPartition& partition) {
  assert(partition.topic.starts_with(kPrefix));
  return {partition.topic.substr(kPrefix.size()), partition.partition};
}

Offset BrokerView::capped(const TopicPartition& name, Offset offset) const {
  const auto it = lags_.find(name);
  const bool is_lagging = it != lags_.end() && it->second.until_ms > clock_.steady_ms();
  return is_lagging ? std::max(std::min(offset, it->second.end), log(name).start()) : offset;
}

// ---- consumer ----

void FakeConsumer::start(const TopicPartition& partition, Offset next) {
  assert(next >= 0 && !started_.contains(partition));
  started_[partition] = Started{++starts_, next, next};
}

void FakeConsumer::stop(const TopicPartition& partition) { started_.erase(partition); }

bool FakeConsumer::fetch(std::size_t offsets_max) {
  std::vector<TopicPartition> names;
  for (const auto& [name, started] : started_) names.push_back(name);
  while (!names.empty()) {
    const std::size_t at = random_.below(names.size());
    if (fetch(names[at], started_[names[at]], offsets_max)) return true;
    names.erase(names.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return false;
}

bool FakeConsumer::fetch(const TopicPartition& partition, Started& started, std::size_t offsets_max) {
  const TopicPartition name = public_name(partition);
  if (started.is_dead || !view_.has(name)) return false;
  const TruthLog& log = view_.log(name);
  using Kind = Arrived::Kind;
  if (started.fetched < log.start() || started.fetched > view_.end(name)) {
    arrived_.push_back({Kind::out_of_range, partition, started.number, started.fetched});
    started.is_dead = true;
    return true;
  }
  if (random_.chance(0.005)) arrived_.push_back({Kind::error, partition, started.number, started.fetched});
  const Offset readable = view_.readable(name);
  const Offset from = started.fetched;
  while (started.fetched < readable && offsets_max-- > 0) {
    if (const TruthRecord* record = log.at(started.fetched)) {
      arrived_.push_back({Kind::record, partition, started.number, started.fetched, *record});
    }
    ++started.fetched;
  }
  if (started.fetched < readable || started.told_end == readable || started.fetched > readable) {
    return started.fetched > from;
  }
  started.told_end = readable;
  arrived_.push_back({Kind::end, partition, started.number, readable});
  return true;
}

std::size_t FakeConsumer::poll(ConsumerEvents& events, std::size_t records_max) {
  const std::size_t count = std::min({arrived_.size(), records_max, std::size_t{1} + random_.below(16)});
  for (std::size_t i = 0; i < count; ++i) {
    const Arrived arrived = std::move(arrived_.front());  // its bytes are gone at the end of the turn
    arrived_.pop_front();
    const auto it = started_.find(arrived.partition);
    if (it == started_.end() || it->second.number != arrived.number) continue;
    switch (arrived.kind) {
      case Arrived::Kind::record:
        if (arrived.offset < it->second.next) break;  // of before a truncation
        it->second.next = arrived.offset + 1;
        events.on_record(arrived.partition, arrived.record.view(events.headers_of(arrived.partition)));
        break;
      case Arrived::Kind::end:
        it->second.next = std::max(it->second.next, arrived.offset);
        events.on_end(arrived.partition, it->second.next);
        break;
      case Arrived::Kind::out_of_range: {
        const Offset asked = it->second.next;
        started_.erase(it);
        events.on_out_of_range(arrived.partition, asked);
        break;
      }
      case Arrived::Kind::error:
        events.on_error(arrived.partition, "the simulation says so");
        break;
    }
  }
  return count;
}

// ---- catalog ----

Ask<Catalog::EndsAnswer> FakeCatalog::ends(std::vector<TopicPartition> partitions, Loop& loop,
                                           std::function<void(EndsAnswer)> then) {
  auto [ask, reply] = make_ask<EndsAnswer>(loop, std::move(then));
  asked_.push_back([this, partitions = std::move(partitions), reply = reply](bool is_silent) {
    if (is_silent) return reply(Error{ErrorCode::upstream_down, "silent"});
    std::map<TopicPartition, PartitionEnds> ends;
    for (const TopicPartition& partition : partitions) {
      const TopicPartition name = public_name(partition);
      if (!view_.has(name)) continue;
      ends[partition] = {view_.log(name).start(), view_.end(name), view_.readable(name)};
    }
    reply(std::move(ends));
  });
  return std::move(ask);
}

Ask<Catalog::OffsetsAnswer> FakeCatalog::offsets_at(std::vector<TopicPartition>, std::int64_t, Loop& loop,
                                                    std::function<void(OffsetsAnswer)> then) {
  auto [ask, reply] = make_ask<OffsetsAnswer>(loop, std::move(then));
  reply(Error{ErrorCode::upstream_down, "not played"});
  return std::move(ask);
}

Ask<Catalog::TopicsAnswer> FakeCatalog::refresh(Loop& loop, std::function<void(TopicsAnswer)> then) {
  auto [ask, reply] = make_ask<TopicsAnswer>(loop, std::move(then));
  asked_.push_back([this, reply = reply](bool) { reply(topics_); });
  return std::move(ask);
}

class FakeCatalog::Watching final : public Watch {
 public:
  explicit Watching(std::shared_ptr<Watcher> watcher) : watcher_{std::move(watcher)} {}

 private:
  std::shared_ptr<Watcher> watcher_;
};

std::unique_ptr<Watch> FakeCatalog::watch(Loop& loop, std::function<void()> on_change) {
  auto watcher = std::make_shared<Watcher>(Watcher{loop, std::move(on_change)});
  watchers_.push_back(watcher);
  return std::make_unique<Watching>(std::move(watcher));
}

void FakeCatalog::learn(const std::map<std::string, std::int32_t>& partitions) {
  auto fresh = std::make_shared<Topics>();
  fresh->version = topics_->version + 1;
  for (const auto& [name, count] : partitions) {
    if (count > 0) fresh->by_name[name] = Topic{name, kafka_name(name), count};
  }
  topics_ = std::move(fresh);
  for (const auto& weak : watchers_) {
    const auto watcher = weak.lock();
    if (!watcher) continue;
    watcher->loop.post([weak] {
      if (const auto told = weak.lock()) told->on_change();
    });
  }
}

bool FakeCatalog::answer(bool is_silent) {
  if (asked_.empty()) return false;
  const auto asked = std::move(asked_.front());
  asked_.pop_front();
  asked(is_silent);
  return true;
}

}  // namespace tailgate::simulation
