// What Kafka handles have to say that belongs to no partition: brokers down, credentials refused. One line of log for
// many.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"

namespace tailgate {

enum class ReportLevel : std::uint8_t { warning, error };

// Handles retry for ever and each complains every time: of one kind a line goes to the log at most once a minute, with
// the number of those that were kept back; all are counted.
//
// Threads: any; librdkafka's own among them.
class KafkaReports {
 public:
  // Runs on the thread that reports, one at a time.
  using Log = std::function<void(ReportLevel, const std::string& line)>;

  static constexpr std::int64_t kQuietMs = 60'000;

  KafkaReports(const Clock& clock, Log log) : clock_{clock}, log_{std::move(log)} {}

  // `kind` is one of few: it is a metric's label.
  void report(ReportLevel level, const std::string& kind, const std::string& text);
  // kind -> how often so far.
  std::map<std::string, std::uint64_t> counts() const;

 private:
  struct Kind {
    std::uint64_t count = 0;
    std::uint64_t kept_back = 0;
    std::int64_t logged_ms = 0;
  };
  const Clock& clock_;
  const Log log_;
  mutable std::mutex mutex_;
  std::map<std::string, Kind> kinds_;  // under mutex_
};

}  // namespace tailgate
