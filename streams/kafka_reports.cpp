#include "streams/kafka_reports.h"

namespace tailgate {

void KafkaReports::report(ReportLevel level, const std::string& kind, const std::string& text) {
  const std::scoped_lock lock{mutex_};
  const std::int64_t now_ms = clock_.steady_ms();
  Kind& known = kinds_[kind];
  ++known.count;
  if (known.count > 1 && now_ms - known.logged_ms < kQuietMs) {
    ++known.kept_back;
    return;
  }
  std::string line = "kafka: " + text;
  if (known.kept_back > 0) line += " (and " + std::to_string(known.kept_back) + " more of this kind)";
  known.kept_back = 0;
  known.logged_ms = now_ms;
  if (log_) log_(level, line);
}

std::map<std::string, std::uint64_t> KafkaReports::counts() const {
  const std::scoped_lock lock{mutex_};
  std::map<std::string, std::uint64_t> counts;
  for (const auto& [kind, known] : kinds_) counts[kind] = known.count;
  return counts;
}

}  // namespace tailgate
