#include "streams/history_readers.h"

#include <algorithm>

namespace tailgate {

std::size_t HistoryReader::silent_runs() const {
  return static_cast<std::size_t>(
      std::count_if(runs_.begin(), runs_.end(), [](const auto& entry) { return entry.second->is_silent; }));
}

void HistoryReader::start(HistoryRun& run) {
  runs_[run.partition] = &run;
  consumer_.start(run.partition, run.next);
}

void HistoryReader::stop(const HistoryRun& run) {
  last_ = nullptr;
  runs_.erase(run.partition);
  consumer_.stop(run.partition);
}

HistoryRun* HistoryReader::find(const TopicPartition& partition) {
  if (last_ != nullptr && last_->partition == partition) return last_;
  const auto found = runs_.find(partition);
  return found == runs_.end() ? nullptr : last_ = found->second;
}

Headers HistoryReader::headers_of(const TopicPartition& from) {
  const HistoryRun* run = find(from);
  return run == nullptr ? Headers::left_out : run->headers;
}

void HistoryReader::on_record(const TopicPartition& from, const RecordView& record) {
  if (HistoryRun* run = find(from)) events_.on_record(*run, record);
}

void HistoryReader::on_end(const TopicPartition& from, Offset next) {
  if (HistoryRun* run = find(from)) events_.on_end(*run, next);
}

void HistoryReader::on_out_of_range(const TopicPartition& from, Offset) {
  if (HistoryRun* run = find(from)) events_.on_out_of_range(*run);
}

void HistoryReader::on_error(const TopicPartition& from, const std::string& text) {
  if (const HistoryRun* run = find(from)) events_.on_error(*run, text);
}

HistoryReaders::HistoryReaders(HistoryRunEvents& events, const std::vector<Consumer*>& consumers,
                               std::size_t places_of_each)
    : places_of_each_{places_of_each} {
  for (Consumer* consumer : consumers) readers_.push_back(std::make_unique<HistoryReader>(events, *consumer));
}

HistoryReader* HistoryReaders::place_for(const HistoryRun& run) const {
  HistoryReader* best = nullptr;
  for (const auto& reader : readers_) {
    if (reader->has(run.partition) || reader->runs() >= places_of_each_) continue;
    if (best == nullptr || reader->runs() < best->runs()) best = reader.get();
  }
  return best;
}

bool HistoryReaders::has_place() const {
  return std::any_of(readers_.begin(), readers_.end(),
                     [this](const auto& reader) { return reader->runs() < places_of_each_; });
}

std::size_t HistoryReaders::runs() const {
  std::size_t runs = 0;
  for (const auto& reader : readers_) runs += reader->runs();
  return runs;
}

std::size_t HistoryReaders::silent_runs() const {
  std::size_t runs = 0;
  for (const auto& reader : readers_) runs += reader->silent_runs();
  return runs;
}

std::size_t HistoryReaders::silent_max() const {
  return std::max<std::size_t>(1, readers_.size() * places_of_each_ / 2);
}

}  // namespace tailgate
