#include "streams/kafka_reports.h"

namespace tailgate {

void KafkaReports::report(ReportLevel level, const std::string& kind, const std::string& text) {
  const std::scoped_lock lock{mutex_};
  Kind& known = kinds_.try_emplace(kind, clock_).first->second;
  ++known.count;
  const auto kept_back = known.gate.admit();
  if (!kept_back) return;
  std::string line = "kafka: " + text;
  if (*kept_back > 0) line += " (and " + std::to_string(*kept_back) + " more of this kind)";
  if (log_) log_(level, line);
}

std::map<std::string, std::uint64_t> KafkaReports::counts() const {
  const std::scoped_lock lock{mutex_};
  std::map<std::string, std::uint64_t> counts;
  for (const auto& [kind, known] : kinds_) counts[kind] = known.count;
  return counts;
}

}  // namespace tailgate
