#include "server/access_log.h"

#include <spdlog/spdlog.h>

namespace tailgate {

void AccessLog::on_start(const Request& request, std::size_t) {
  spdlog::debug("request {} {} {} from {}", request.id, request.method, request.path, request.peer);
}

void AccessLog::on_end(const ExchangeSummary& end, std::size_t) {
  spdlog::info("{} {} {} as={} records={} bytes={} ms={} why={} peer={} trace={} id={}", end.method, end.path,
               end.status, end.note.representation, end.note.records, end.body_bytes, end.duration_ms,
               end.note.why_ended.empty() ? why_ended_name(end.why) : std::string_view{end.note.why_ended}, end.peer,
               end.trace_id, end.request_id);
}

}  // namespace tailgate
