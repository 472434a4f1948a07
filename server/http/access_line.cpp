#include "server/http/access_line.h"

#include <algorithm>

namespace tailgate {
namespace {

// `traceparent: 00-<32 hex>-<16 hex>-<2 hex>` (W3C Trace Context, 3.2): nothing else may get from a client into the
// log.
std::string trace_id_of(const Request& request) {
  const std::string* parent = request.header("traceparent");
  constexpr std::size_t kStart = 3;
  constexpr std::size_t kDigits = 32;
  if (parent == nullptr || parent->size() < kStart + kDigits + 1) return {};
  if ((*parent)[2] != '-' || (*parent)[kStart + kDigits] != '-') return {};
  const std::string_view id = std::string_view{*parent}.substr(kStart, kDigits);
  const bool is_hex =
      std::all_of(id.begin(), id.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  return is_hex ? std::string{id} : std::string{};
}

}  // namespace

AccessLine::AccessLine(HttpThread& thread, const Request& request, std::int64_t start_ms)
    : thread_{thread},
      client_{request.client},
      method_{request.method},
      path_{request.path},
      request_id_{request.id},
      trace_id_{trace_id_of(request)},
      start_ms_{start_ms},
      version_{request.version} {}

void AccessLine::end(WhyEnded why) {
  if (has_ended_) return;
  has_ended_ = true;
  thread_.counters.events.add(HttpEvent::body_bytes_sent, static_cast<std::int64_t>(body_bytes_));
  ExchangeSummary summary{.method = method_,
                          .path = path_,
                          .client = client_,
                          .request_id = request_id_,
                          .trace_id = trace_id_,
                          .version = version_,
                          .status = status_,
                          .problem = problem_,
                          .note = note_ ? note_() : AccessNote{},
                          .body_bytes = body_bytes_,
                          .duration_ms = thread_.now_ms() - start_ms_,
                          .why = why};
  thread_.observer.on_end(summary, thread_.loop.index());
}

}  // namespace tailgate
