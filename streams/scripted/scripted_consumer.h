// A consumer that gives what a test tells it to, for what drives consumers step by step.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "streams/consumer.h"

namespace tailgate::scripted {

// Hands over what was scripted for the partitions that are started, in order; what is for others is gone.
class ScriptedConsumer final : public Consumer {
 public:
  // Of each record, packed; whatever they say.
  static constexpr std::string_view kHeaders = "headers";

  void start(const TopicPartition& partition, Offset next) override {
    EXPECT_FALSE(started.contains(partition)) << "started twice";
    started[partition] = next;
    standing_[partition] = next;
    starts.emplace_back(next);
  }
  void stop(const TopicPartition& partition) override {
    started.erase(partition);
    std::erase_if(script_, [&](const Line& line) { return line.partition == partition; });
  }
  std::size_t poll(ConsumerEvents& events, std::size_t records_max) override {
    std::size_t count = 0;
    for (; count < records_max && !script_.empty(); ++count) {
      const Line line = std::move(script_.front());
      script_.pop_front();
      if (started.contains(line.partition)) line.give(events);
    }
    return count;
  }

  Offset end_of_log(const TopicPartition& partition) override { return ends_of_logs[partition]; }

  void record(const TopicPartition& to, Offset offset, std::size_t value_bytes = 1) {
    script_.push_back({to, [to, offset, value = std::string(value_bytes, 'x')](ConsumerEvents& events) {
                         RecordView record;
                         record.offset = offset;
                         record.timestamp_ms = 1;
                         record.value = value;
                         if (events.headers_of(to) == Headers::read) record.headers = kHeaders;
                         events.on_record(to, record);
                       }});
  }
  void records(const TopicPartition& to, Offset first, Offset last, std::size_t value_bytes = 1) {
    for (Offset offset = first; offset <= last; ++offset) record(to, offset, value_bytes);
  }
  // Behind where it was started, and what this gave since.
  void more(const TopicPartition& to, Offset count, std::size_t value_bytes) {
    Offset& next = standing_[to];
    records(to, next, next + count - 1, value_bytes);
    next += count;
  }
  void end(const TopicPartition& of, Offset next) {
    script_.push_back({of, [of, next](ConsumerEvents& events) { events.on_end(of, next); }});
  }
  void out_of_range(const TopicPartition& of, Offset asked) {
    script_.push_back({of, [this, of, asked](ConsumerEvents& events) {
                         started.erase(of);
                         events.on_out_of_range(of, asked);
                       }});
  }
  void error(const TopicPartition& of, const std::string& text) {
    script_.push_back({of, [of, text](ConsumerEvents& events) { events.on_error(of, text); }});
  }

  std::map<TopicPartition, Offset> started;
  std::vector<Offset> starts;  // ever
  std::map<TopicPartition, Offset> ends_of_logs;

 private:
  struct Line {
    TopicPartition partition;
    std::function<void(ConsumerEvents&)> give;
  };
  std::deque<Line> script_;
  std::map<TopicPartition, Offset> standing_;
};

}  // namespace tailgate::scripted
