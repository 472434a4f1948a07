// The access log: one line for each exchange when it ends, and the counts of them all.
#pragma once

#include <cstddef>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_gate.h"
#include "server/http/observer.h"
#include "server/request_counters.h"

namespace tailgate {

// The path is logged without its query, which may carry a token. Lines of errors are bounded, because anybody can cause
// them; the counts are not. Threads: any.
class AccessLog final : public ExchangeObserver {
 public:
  // `level`: of the line at the end; the one at the start is always at debug.
  AccessLog(const Clock& clock, std::size_t loops, LogLevel level = LogLevel::info)
      : level_{level}, counters_{loops}, errors_{clock, kErrorsPerMinute, kErrorsBurst} {}
  void on_start(const Request& request, std::size_t loop_index) override;
  void on_end(const ExchangeSummary& summary, std::size_t loop_index) override;
  RequestCounts counts() const { return counters_.counts(); }

 private:
  void write(const ExchangeSummary& end) const;

  static constexpr std::int64_t kErrorsPerMinute = 20 * 60;
  static constexpr std::int64_t kErrorsBurst = 200;

  const LogLevel level_;
  RequestCounters counters_;
  LogGate errors_;
};

}  // namespace tailgate
