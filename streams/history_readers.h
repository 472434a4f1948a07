// The consumers that read history, and which runs are on them.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "streams/consumer.h"
#include "streams/history_run.h"

namespace tailgate {

// What comes for the runs, as ConsumerEvents.
class HistoryRunEvents {
 public:
  virtual ~HistoryRunEvents() = default;
  virtual void on_record(HistoryRun& run, const RecordView& record) = 0;
  virtual void on_end(HistoryRun& run, Offset next) = 0;
  virtual void on_out_of_range(HistoryRun& run) = 0;
  virtual void on_error(const HistoryRun& run, const std::string& text) = 0;
};

// One consumer and the runs on it: one of each partition.
class HistoryReader final : public ConsumerEvents {
 public:
  HistoryReader(HistoryRunEvents& events, Consumer& consumer) : events_{events}, consumer_{consumer} {}

  bool has(const TopicPartition& partition) const { return runs_.contains(partition); }
  std::size_t runs() const { return runs_.size(); }
  std::size_t silent_runs() const;
  void start(HistoryRun& run);
  void stop(const HistoryRun& run);
  std::size_t poll(std::size_t records_max) { return consumer_.poll(*this, records_max); }

  Headers headers_of(const TopicPartition& from) override;
  void on_record(const TopicPartition& from, const RecordView& record) override;
  void on_end(const TopicPartition& from, Offset next) override;
  void on_out_of_range(const TopicPartition& from, Offset asked) override;
  void on_error(const TopicPartition& from, const std::string& text) override;

 private:
  HistoryRun* find(const TopicPartition& partition);

  HistoryRunEvents& events_;
  Consumer& consumer_;
  std::map<TopicPartition, HistoryRun*> runs_;
  HistoryRun* last_ = nullptr;
};

// All of them. Each has places for so many runs.
//
// Threads: one.
class HistoryReaders {
 public:
  HistoryReaders(HistoryRunEvents& events, const std::vector<Consumer*>& consumers, std::size_t places_of_each);

  auto begin() const { return readers_.begin(); }
  auto end() const { return readers_.end(); }
  // The one with the fewest runs that may take this one; null: it has to wait.
  HistoryReader* place_for(const HistoryRun& run) const;
  bool has_place() const;
  std::size_t runs() const;
  std::size_t silent_runs() const;
  // How many silent runs there may be where others wait. Half of all places: who comes next must not find nothing but
  // runs whose leader is away.
  std::size_t silent_max() const;

 private:
  std::vector<std::unique_ptr<HistoryReader>> readers_;
  const std::size_t places_of_each_;
};

}  // namespace tailgate
