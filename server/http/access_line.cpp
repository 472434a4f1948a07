#include "server/http/access_line.h"

#include <algorithm>

namespace tailgate {
namespace {

// `traceparent: 00-<32 hex>-<16 hex>-<2 hex>` (W3C Trace Context, 3.2): nothing else may get from a client into the
// log.
std::string_view trace_id_of(const Request& request) {
  const std::string* parent = request.header("traceparent");
  constexpr std::size_t kStart = 3;
  constexpr std::size_t kDigits = 32;
  if (parent == nullptr || parent->size() < kStart + kDigits + 1) return {};
  if ((*parent)[2] != '-' || (*parent)[kStart + kDigits] != '-') return {};
  const std::string_view id = std::string_view{*parent}.substr(kStart, kDigits);
  const bool is_hex =
      std::all_of(id.begin(), id.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  return is_hex ? id : std::string_view{};
}

}  // namespace

AccessLine::AccessLine(HttpThread& thread, const Request& request, std::int64_t start_ms)
    : thread_{thread},
      method_bytes_{static_cast<std::uint32_t>(request.method.size())},
      path_bytes_{static_cast<std::uint32_t>(request.path.size())},
      request_id_bytes_{static_cast<std::uint8_t>(request.id.size())},
      client_{request.client},
      version_{request.version},
      start_ms_{start_ms} {
  const std::string_view trace_id = trace_id_of(request);
  trace_id_bytes_ = static_cast<std::uint8_t>(trace_id.size());
  texts_.reset(new char[request.method.size() + request.path.size() + request.id.size() + trace_id.size()]);
  char* to = texts_.get();
  for (const std::string_view text :
       {std::string_view{request.method}, std::string_view{request.path}, std::string_view{request.id}, trace_id}) {
    to = std::copy(text.begin(), text.end(), to);
  }
}

void AccessLine::end(WhyEnded why) {
  if (has_ended_) return;
  has_ended_ = true;
  thread_.counters.events.add(HttpEvent::body_bytes_sent, static_cast<std::int64_t>(body_bytes_));
  const char* at = texts_.get();
  const auto next = [&at](std::size_t bytes) { return std::string_view{std::exchange(at, at + bytes), bytes}; };
  ExchangeSummary summary{.method = next(method_bytes_),
                          .path = next(path_bytes_),
                          .client = client_,
                          .request_id = next(request_id_bytes_),
                          .trace_id = next(trace_id_bytes_),
                          .version = version_,
                          .status = status_,
                          .problem = problem_ ? std::string_view{*problem_} : std::string_view{},
                          .note = note_ ? note_() : AccessNote{},
                          .body_bytes = body_bytes_,
                          .duration_ms = thread_.now_ms() - start_ms_,
                          .why = why};
  thread_.observer.on_end(summary, thread_.loop.index());
}

}  // namespace tailgate
