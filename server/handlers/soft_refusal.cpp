#include "server/handlers/soft_refusal.h"

#include <cstdint>
#include <limits>
#include <string>

#include "server/handlers/stream_headers.h"
#include "streams/encoder.h"

namespace tailgate {

Response make_busy(std::string_view id, std::string_view reason, int retry_after_s) {
  Response response;
  response.headers = stream_headers(Representation::sse, {});
  response.body = "retry: " + std::to_string(retry_after_s * 1000) + "\n";
  const std::string data =
      R"({"reason":")" + std::string{reason} + R"(","retry_after":)" + std::to_string(retry_after_s) + "}";
  append_control(response.body, EventFormat::sse_value, "busy", data, id);
  response.note = [] { return AccessNote{"sse", 0, "busy"}; };
  return response;
}

std::optional<Response> make_soft_refusal(const Request& request, std::string_view reason, int retry_after_s) {
  if (request.method != "GET" || !request.path.starts_with("/streams/")) return std::nullopt;
  // Whether `until` lies in the future does not matter to a refusal.
  const auto stream = parse_stream_request(request, std::numeric_limits<std::int64_t>::max());
  if (!stream || !stream->is_soft) return std::nullopt;
  return make_busy(stream->id, reason, retry_after_s);
}

}  // namespace tailgate
