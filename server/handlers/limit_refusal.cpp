#include "server/handlers/limit_refusal.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "server/handlers/problem.h"
#include "server/handlers/soft_refusal.h"

namespace tailgate {
namespace {

constexpr std::string_view kRequestsCode = "too_many_requests";
constexpr std::string_view kStreamsCode = "too_many_streams";

Response make_429(std::string_view code, std::string_view detail, std::string policy, const std::string& name,
                  int retry_s) {
  Response response = make_problem(429, code, detail, retry_s);
  response.headers.push_back({"RateLimit-Policy", std::move(policy)});
  response.headers.push_back({"RateLimit", name + ";r=0;t=" + std::to_string(retry_s)});
  return response;
}

// Of what is counted at a time. The draft has no unit for connections: each is at least one request.
Response make_429_at_a_time(std::string_view code, std::string_view detail, const std::string& name, std::size_t max) {
  std::string policy = name + ";q=" + std::to_string(max) + ";qu=\"concurrent-requests\"";
  return make_429(code, detail, std::move(policy), name, kRetryAfterSlotsS);
}

}  // namespace

Response make_rate_refusal(const Request& request, const TokenRate& rate, std::int64_t retry_ms) {
  const int retry_s = static_cast<int>(std::max<std::int64_t>(1, (retry_ms + 999) / 1'000));
  if (auto soft = make_soft_refusal(request, kRequestsCode, retry_s)) return std::move(*soft);
  // The window is the time in which the quota comes again.
  const auto window_s = static_cast<std::int64_t>(std::ceil(rate.burst / rate.per_second));
  std::string policy = "\"requests\";q=" + std::to_string(static_cast<std::int64_t>(rate.burst)) +
                       ";w=" + std::to_string(std::max<std::int64_t>(1, window_s));
  return make_429(kRequestsCode, "too many requests in too short a time", std::move(policy), "\"requests\"", retry_s);
}

Response make_slots_refusal(const StreamRequest& request, std::size_t slots_max) {
  if (request.is_soft) return make_busy(request.id, kStreamsCode, kRetryAfterSlotsS);
  return make_429_at_a_time(kStreamsCode, "too many streams are open at a time", "\"streams\"", slots_max);
}

Response make_connections_refusal(const Request* request, std::string_view code, std::string_view detail,
                                  std::size_t connections_max) {
  if (request != nullptr) {
    if (auto soft = make_soft_refusal(*request, code, kRetryAfterSlotsS)) return std::move(*soft);
  }
  return make_429_at_a_time(code, detail, "\"connections\"", connections_max);
}

}  // namespace tailgate
