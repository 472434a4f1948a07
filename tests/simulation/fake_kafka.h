// Kafka as one replica sees it: its consumers and its catalog, played from the truth, late and with lagging brokers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "streams/catalog.h"
#include "streams/consumer.h"
#include "tests/simulation/kafka_truth.h"
#include "tests/simulation/random.h"

namespace tailgate::simulation {

// Kafka's name of a topic whose public name is given, and back.
std::string kafka_name(const std::string& topic);
TopicPartition public_name(const TopicPartition& partition);

// The brokers that a replica is connected to. One that lags shows an earlier end for a while.
class BrokerView {
 public:
  BrokerView(const Truth& truth, const Clock& clock) : truth_{truth}, clock_{clock} {}

  void lag(const TopicPartition& name, Offset end, std::int64_t ms) { lags_[name] = {end, clock_.steady_ms() + ms}; }
  void heal() { lags_.clear(); }
  const TruthLog& log(const TopicPartition& name) const { return truth_.log(name); }
  bool has(const TopicPartition& name) const { return truth_.has(name); }
  Offset end(const TopicPartition& name) const { return capped(name, log(name).end()); }
  Offset readable(const TopicPartition& name) const { return capped(name, log(name).readable()); }

 private:
  struct Lag {
    Offset end;
    std::int64_t until_ms;
  };
  Offset capped(const TopicPartition& name, Offset offset) const;

  const Truth& truth_;
  const Clock& clock_;
  std::map<TopicPartition, Lag> lags_;
};

class FakeConsumer final : public Consumer {
 public:
  FakeConsumer(BrokerView& view, Random& random) : view_{view}, random_{random} {}

  void start(const TopicPartition& partition, Offset next) override;
  void stop(const TopicPartition& partition) override;
  std::size_t poll(ConsumerEvents& events, std::size_t records_max) override;
  Offset end_of_log(const TopicPartition&) override { return 0; }  // only metrics ask

  // One Fetch of some partition: at most so many offsets. False: nothing is there to be fetched.
  bool fetch(std::size_t offsets_max);
  bool has_arrived() const { return !arrived_.empty(); }

 private:
  struct Started {
    std::uint64_t number = 0;
    Offset next = 0;     // behind the last event handed over
    Offset fetched = 0;  // behind what has arrived
    Offset told_end = -1;
    bool is_dead = false;
  };
  struct Arrived {
    enum class Kind { record, end, out_of_range, error } kind;
    TopicPartition partition;
    std::uint64_t number;
    Offset offset;
    TruthRecord record = {};
  };
  bool fetch(const TopicPartition& partition, Started& started, std::size_t offsets_max);

  BrokerView& view_;
  Random& random_;
  std::map<TopicPartition, Started> started_;  // by Kafka's name
  std::deque<Arrived> arrived_;
  std::uint64_t starts_ = 0;
};

class FakeCatalog final : public Catalog {
 public:
  FakeCatalog(BrokerView& view, Random& random) : view_{view}, random_{random} {}

  std::shared_ptr<const Topics> topics() const override { return topics_; }
  bool is_exposed(std::string_view name) const override { return topics_->by_name.contains(name); }
  Ask<EndsAnswer> ends(std::vector<TopicPartition> partitions, Loop& loop,
                       std::function<void(EndsAnswer)> then) override;
  Ask<OffsetsAnswer> offsets_at(std::vector<TopicPartition> partitions, std::int64_t wall_ms, Loop& loop,
                                std::function<void(OffsetsAnswer)> then) override;
  Ask<TopicsAnswer> refresh(Loop& loop, std::function<void(TopicsAnswer)> then) override;
  std::unique_ptr<Watch> watch(Loop& loop, std::function<void()> on_change) override;
  bool is_reachable() const override { return true; }

  // Metadata are read: `partitions` of each topic are seen; a topic with none is not there.
  void learn(const std::map<std::string, std::int32_t>& partitions);
  // Answers what has been asked first; Kafka may be silent. False: nothing was asked.
  bool answer(bool is_silent);
  std::size_t asked() const { return asked_.size(); }

 private:
  struct Watcher {
    Loop& loop;
    std::function<void()> on_change;
  };
  class Watching;

  BrokerView& view_;
  Random& random_;
  std::shared_ptr<const Topics> topics_ = std::make_shared<Topics>();
  std::deque<std::function<void(bool is_silent)>> asked_;
  std::vector<std::weak_ptr<Watcher>> watchers_;
};

}  // namespace tailgate::simulation
