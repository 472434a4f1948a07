// What Kafka handles have to say that belongs to no partition: brokers down, credentials refused. One line of log for
// many.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/log_gate.h"
#include "base/report_level.h"

namespace tailgate {

// Handles retry for ever and each complains every time: of one kind a line goes to the log at most once a minute, with
// the number of those that were kept back; all are counted.
//
// Threads: any; librdkafka's own among them.
class KafkaReports {
 public:
  // Runs on the thread that reports, one at a time.
  using Log = std::function<void(ReportLevel, const std::string& line)>;

  KafkaReports(const Clock& clock, Log log) : clock_{clock}, log_{std::move(log)} {}

  // `kind` is one of few: it is a metric's label.
  void report(ReportLevel level, const std::string& kind, const std::string& text);
  // kind -> how often so far.
  std::map<std::string, std::uint64_t> counts() const;

 private:
  struct Kind {
    explicit Kind(const Clock& clock) : gate{clock, /*per_minute=*/1, /*burst=*/1} {}
    std::uint64_t count = 0;
    LogGate gate;
  };
  const Clock& clock_;
  const Log log_;
  mutable std::mutex mutex_;
  std::map<std::string, Kind> kinds_;  // under mutex_
};

}  // namespace tailgate
