#include "server/handlers/cors.h"

#include <algorithm>
#include <utility>

namespace tailgate {
namespace {

constexpr std::string_view kExposed =
    "Last-Event-ID, Link, Retry-After, RateLimit, RateLimit-Policy, Preference-Applied, WWW-Authenticate";
constexpr std::string_view kAllowedFields = "Authorization, Last-Event-ID, Prefer, Content-Type";
constexpr std::string_view kMaxAgeS = "600";

}  // namespace

Cors::Cors(std::vector<std::string> origins) : origins_{std::move(origins)} {
  is_any_ = std::find(origins_.begin(), origins_.end(), "*") != origins_.end();
}

std::string_view Cors::allowed_origin(const Request* request) const {
  if (is_any_) return "*";
  const std::string* origin = request ? request->header("origin") : nullptr;
  if (!origin) return {};
  const auto it = std::find(origins_.begin(), origins_.end(), *origin);
  return it == origins_.end() ? std::string_view{} : std::string_view{*it};
}

void Cors::add_headers(const Request* request, Response& response) const {
  // Caches have to know even where no origin is allowed today.
  const auto is_vary = [](const ResponseField& field) { return field.name == "Vary"; };
  const auto vary = std::find_if(response.headers.begin(), response.headers.end(), is_vary);
  if (vary == response.headers.end()) {
    response.headers.push_back({"Vary", FieldValue::constant("Origin")});
  } else if (!vary->value.text().starts_with("Origin")) {
    vary->value = "Origin, " + std::string{vary->value.text()};
  }
  const std::string_view origin = allowed_origin(request);
  if (origin.empty()) return;
  response.headers.push_back({"Access-Control-Allow-Origin", std::string{origin}});
  response.headers.push_back({"Access-Control-Expose-Headers", FieldValue::constant(kExposed)});
}

Response Cors::answer_options(const Request& request, std::string_view methods) const {
  Response response;
  response.status = 204;
  response.headers.push_back({"Allow", std::string{methods}});
  const bool is_preflight = request.header("origin") && request.header("access-control-request-method");
  if (is_preflight && !allowed_origin(&request).empty()) {
    response.headers.push_back({"Access-Control-Allow-Methods", std::string{methods}});
    response.headers.push_back({"Access-Control-Allow-Headers", std::string{kAllowedFields}});
    response.headers.push_back({"Access-Control-Max-Age", std::string{kMaxAgeS}});
  }
  return response;
}

}  // namespace tailgate
