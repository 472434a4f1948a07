#include "server/handlers/problem.h"

#include <string>

#include "base/json.h"
#include "server/http/status_text.h"

namespace tailgate {
namespace {

constexpr std::size_t kDetailBytesMax = 400;  // leaves room for the rest even where each byte has to be escaped by two

// What a client is told of an error. Only these codes come with a sentence that is meant for one.
std::string_view public_detail(const Error& error) {
  switch (error.code) {
    case ErrorCode::bad_request:
    case ErrorCode::bad_id:
    case ErrorCode::newer_id:
    case ErrorCode::not_acceptable:
      return error.detail;
    case ErrorCode::not_found:
      return kNoSuchTopic;
    case ErrorCode::not_allowed:
      return "this is not allowed";
    case ErrorCode::too_many:
      return "a limit was reached; try again later";
    case ErrorCode::position_gone:
      return "the records at this position are no longer kept";
    case ErrorCode::upstream_down:
      return "Kafka does not answer; try again later";
    case ErrorCode::bad_config:
      break;
  }
  return "the server cannot answer this";
}

void append_member(std::string& json, std::string_view name, std::string_view value) {
  json.append(1, ',');
  append_json_string(json, name);
  json.append(1, ':');
  append_json_string(json, value);
}

}  // namespace

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::bad_request:
    case ErrorCode::bad_id:
    case ErrorCode::newer_id:
      return 400;
    case ErrorCode::not_allowed:
      return 403;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::not_acceptable:
      return 406;
    case ErrorCode::position_gone:
      return 410;
    case ErrorCode::too_many:
      return 429;
    case ErrorCode::upstream_down:
      return 503;
    case ErrorCode::bad_config:
      break;
  }
  return 500;
}

std::string_view problem_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::bad_request:
      return "bad_request";
    case ErrorCode::bad_id:
      return "invalid_last_event_id";
    case ErrorCode::newer_id:
      return "newer_id";
    case ErrorCode::not_allowed:
      return "not_allowed";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::not_acceptable:
      return "not_acceptable";
    case ErrorCode::position_gone:
      return "position_gone";
    case ErrorCode::too_many:
      return "too_many";
    case ErrorCode::upstream_down:
      return "upstream_down";
    case ErrorCode::bad_config:
      break;
  }
  return "internal";
}

Response make_problem(int status, std::string_view code, std::string_view detail) {
  std::string type = "urn:problem-type:tailgate:";
  for (const char c : code) type += c == '_' ? '-' : c;
  std::string body = "{\"type\":";
  append_json_string(body, type);
  const std::string_view title = status_text(status);
  append_member(body, "title", title.empty() ? "Error" : title);
  body.append(",\"status\":").append(std::to_string(status));
  append_member(body, "detail", detail.substr(0, kDetailBytesMax));
  append_member(body, "code", code);
  body += "}\n";
  Response response;
  response.status = status;
  response.headers = {{"Content-Type", "application/problem+json"}};
  response.body = std::move(body);
  response.problem = code;
  return response;
}

Response make_problem(int status, std::string_view code, std::string_view detail, int retry_after_s) {
  Response response = make_problem(status, code, detail);
  response.headers.push_back({"Retry-After", std::to_string(retry_after_s)});
  return response;
}

Response make_problem(const Error& error) {
  const int status = status_of(error.code);
  const std::string_view code = problem_code_of(error.code);
  if (status == 503) return make_problem(status, code, public_detail(error), kRetryAfterDownS);
  return make_problem(status, code, public_detail(error));
}

}  // namespace tailgate
