// What one io thread counts of the topics that it has delivered records of; read by the metrics at any time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/counter.h"

namespace tailgate {

struct TopicCounter {
  void add(std::uint64_t records_sent, std::uint64_t bytes_sent) {
    records.add(records_sent);
    bytes.add(bytes_sent);
  }
  Counter records;
  Counter bytes;  // of their events
};

// Only topics that exist and are exposed get here, so their number is not a client's to choose.
class TopicCounters {
 public:
  // For as long as this lives. Threads: the owner's.
  TopicCounter& of(std::string_view topic) {
    const std::scoped_lock lock{mutex_};
    const auto known = by_name_.find(topic);
    return known != by_name_.end() ? known->second : by_name_[std::string{topic}];
  }
  // Threads: any.
  void each(const std::function<void(const std::string& topic, const TopicCounter& counter)>& see) const {
    const std::scoped_lock lock{mutex_};
    for (const auto& [topic, counter] : by_name_) see(topic, counter);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, TopicCounter, std::less<>> by_name_;  // under mutex_
};

}  // namespace tailgate
