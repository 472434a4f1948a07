#include "streams/split_consumer.h"

#include <utility>

namespace tailgate {

SplitConsumer::SplitConsumer(Open open, std::size_t partitions_max)
    : open_{std::move(open)}, partitions_max_{partitions_max} {
  parts_.push_back(Part{open_()});
}

std::size_t SplitConsumer::part_with_room() {
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].partitions < partitions_max_) return i;
  }
  parts_.push_back(Part{open_()});
  return parts_.size() - 1;
}

void SplitConsumer::start(const TopicPartition& partition, Offset next) {
  auto place = topics_.find(partition.topic);
  if (place == topics_.end()) place = topics_.emplace(partition.topic, Place{part_with_room(), {}}).first;
  Part& part = parts_[place->second.part];
  if (place->second.started.insert(partition.partition).second) ++part.partitions;
  part.consumer->start(partition, next);
}

void SplitConsumer::stop(const TopicPartition& partition) {
  const auto place = topics_.find(partition.topic);
  if (place == topics_.end()) return;
  Part& part = parts_[place->second.part];
  part.consumer->stop(partition);
  if (place->second.started.erase(partition.partition) > 0) --part.partitions;
  if (place->second.started.empty()) topics_.erase(place);
}

Offset SplitConsumer::end_of_log(const TopicPartition& partition) {
  const auto place = topics_.find(partition.topic);
  return place == topics_.end() ? 0 : parts_[place->second.part].consumer->end_of_log(partition);
}

std::size_t SplitConsumer::poll(ConsumerEvents& events, std::size_t records_max) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    count += parts_[(first_ + i) % parts_.size()].consumer->poll(events, records_max);
  }
  first_ = (first_ + 1) % parts_.size();
  return count;
}

}  // namespace tailgate
