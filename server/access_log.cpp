#include "server/access_log.h"

#include <optional>
#include <string_view>

namespace tailgate {
namespace {

constexpr std::size_t kPathBytesMax = 256;

// Without the name of a cursor: who knows it may move the cursor.
std::string_view loggable_path(std::string_view path) {
  return path.starts_with("/cursors/") ? "/cursors/***" : path.substr(0, kPathBytesMax);
}

}  // namespace

void AccessLog::on_start(const Request& request, std::size_t) {
  if (!Logging::is_written(LogLevel::debug)) return;
  log_fields(LogLevel::debug, "request begins",
             {{"id", request.id},
              {"method", request.method},
              {"path", loggable_path(request.path)},
              {"query", redact_query(request.query)},
              {"client", request.client.text()}});
}

void AccessLog::on_end(const ExchangeSummary& end, std::size_t loop_index) {
  counters_.add(end, loop_index);
  std::uint64_t kept_back = 0;
  if (end.status >= 400) {
    const std::optional<std::uint64_t> admitted = errors_.admit();
    if (!admitted) return;
    kept_back = *admitted;
  }
  if (Logging::is_written(level_)) write(end);
  if (kept_back > 0) log_fields(LogLevel::warning, "error lines were kept back", {{"lines", kept_back}});
}

void AccessLog::write(const ExchangeSummary& end) const {
  const std::string_view why =
      end.note.why_ended.empty() ? why_ended_name(end.why) : std::string_view{end.note.why_ended};
  log_fields(level_, "request",
             {{"method", end.method},
              {"path", loggable_path(end.path)},
              {"status", static_cast<std::uint64_t>(end.status)},
              {"problem", end.problem},
              {"as", end.note.representation},
              {"records", end.note.records},
              {"bytes", end.body_bytes},
              {"ms", static_cast<std::uint64_t>(end.duration_ms)},
              {"why", why},
              {"client", end.client.text()},
              {"trace", end.trace_id},
              {"id", end.request_id}});
}

}  // namespace tailgate
