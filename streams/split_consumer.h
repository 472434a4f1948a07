// One consumer made of several: a Fetch names every partition of its handle, so that very many need more than one
// handle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "streams/consumer.h"

namespace tailgate {

// All partitions of a topic are read by the same part. A part is opened when every other one is full.
class SplitConsumer final : public Consumer {
 public:
  using Open = std::function<std::unique_ptr<Consumer>()>;

  SplitConsumer(Open open, std::size_t partitions_max);
  void start(const TopicPartition& partition, Offset next) override;
  void stop(const TopicPartition& partition) override;
  std::size_t poll(ConsumerEvents& events, std::size_t records_max) override;
  Offset end_of_log(const TopicPartition& partition) override;

 private:
  struct Part {
    std::unique_ptr<Consumer> consumer;
    std::size_t partitions = 0;
  };
  struct Place {
    std::size_t part;
    std::set<std::int32_t> started;  // or gone out of range since, which may be started again without a stop
  };
  std::size_t part_with_room();

  const Open open_;
  const std::size_t partitions_max_;
  std::vector<Part> parts_;
  std::map<std::string, Place> topics_;
  std::size_t first_ = 0;  // the part that is polled first, in turn
};

}  // namespace tailgate
