#include "server/handlers/router.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "server/handlers/console.h"
#include "server/handlers/limit_refusal.h"
#include "server/handlers/methods.h"
#include "server/handlers/problem.h"
#include "server/handlers/soft_refusal.h"
#include "server/handlers/stream_headers.h"

namespace tailgate {
namespace {

constexpr std::size_t kTargetBytesMax = std::size_t{12} * 1024;

bool has_field(const Response& response, std::string_view name) {
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [name](const ResponseField& field) { return field.name == name; });
}

}  // namespace

// The exchange as handlers see it: what they answer gets what all answers carry. Kept by the real one, so it lives as
// long.
class Router::Routed final : public Exchange, public Watch {
 public:
  Routed(const Router& router, Exchange& real) : router_{router}, real_{real} {}
  const Request& request() const override { return real_.request(); }
  Loop& loop() override { return real_.loop(); }
  ByteBudget& bodies() override { return real_.bodies(); }
  void respond(Response response) override {
    router_.add_common_headers(&real_.request(), response);
    real_.respond(std::move(response));
  }
  // Answered as long as the exchange lives.
  void wait(Ask<TokenVerdict> asked) { asked_ = std::move(asked); }

 private:
  const Router& router_;
  Exchange& real_;
  Ask<TokenVerdict> asked_;
};

void Router::handle(Exchange& exchange) {
  auto routed = std::make_unique<Routed>(*this, exchange);
  Routed& answered = *routed;
  exchange.keep(std::move(routed));
  route(answered);
}

void Router::route(Routed& exchange) const {
  const Request& request = exchange.request();
  if (!is_known_method(request)) {
    return exchange.respond(make_problem(501, "unknown_method", "this server does not know the method of the request"));
  }
  if (request.path.size() + 1 + request.query.size() > kTargetBytesMax) {
    return exchange.respond(make_problem(414, "target_too_long", "the request target is longer than 12 KiB"));
  }
  const bool is_options = request.method == "OPTIONS";
  // A preflight is answered wherever it goes: a page should see the 404 that follows, and not just a network error.
  if (is_options && (request.path == "*" || request.header("access-control-request-method"))) {
    const PathHandler* of_path = find(request.path);
    return exchange.respond(
        parts_.cors.answer_options(request, of_path ? of_path->methods(request.path) : kReadMethods));
  }
  const Asset* asset = parts_.has_console ? find_asset(request.path) : nullptr;
  PathHandler* handler = asset ? nullptr : find(request.path);
  if (!asset && !handler) {
    return exchange.respond(make_problem(404, problem_code_of(ErrorCode::not_found), "there is nothing at this path"));
  }
  const std::string_view methods = handler ? handler->methods(request.path) : kReadMethods;
  if (is_options) return exchange.respond(parts_.cors.answer_options(request, methods));
  if (!is_listed_method(request, methods)) return exchange.respond(make_method_problem(methods));
  if (asset) return exchange.respond(make_asset_response(*asset, request));
  if (handler == parts_.health) return handler->handle(exchange);
  handle_within_limits(exchange, *handler);
}

void Router::handle_within_limits(Routed& exchange, PathHandler& handler) const {
  TokenLeases* const requests = parts_.limits.empty() ? nullptr : parts_.limits[exchange.loop().index()].requests;
  if (requests == nullptr) return handler.handle(exchange);
  const auto go_on = [&exchange, &handler, requests](const TokenVerdict& verdict) {
    if (verdict.is_admitted) return handler.handle(exchange);
    exchange.respond(make_rate_refusal(exchange.request(), requests->rate(), verdict.retry_ms));
  };
  const std::string caller = caller_of(exchange.request());
  if (const auto at_hand = requests->try_take(caller)) return go_on(*at_hand);
  exchange.wait(requests->take(caller, go_on));
}

// Everything else is 404, with it the paths that are kept for later: /v3 /brokers /consumers /ws /tickets /openapi.json
// /.well-known /console.
PathHandler* Router::find(std::string_view path) const {
  if (path.starts_with("/streams/")) return &parts_.streams;
  if (path == "/topics" || path.starts_with("/topics/")) return &parts_.topics;
  if (path == "/cursors" || path.starts_with("/cursors/")) return &parts_.cursors;
  if (path == "/livez" || path == "/readyz") return parts_.health;
  return nullptr;
}

Response Router::make_refusal(int status, std::string_view code, std::string_view detail,
                              const Request* request) const {
  if (status == 429) return make_connections_refusal(request, code, detail, parts_.connections_per_address);
  if (status != 503) return make_problem(status, code, detail);
  if (request != nullptr) {
    if (auto soft = make_soft_refusal(*request, code, kRetryAfterDownS)) return std::move(*soft);
  }
  return make_problem(status, code, detail, kRetryAfterDownS);
}

Response Router::refusal(int status, std::string_view code, std::string_view detail, const Request* request) {
  Response response = make_refusal(status, code, detail, request);
  add_common_headers(request, response);
  return response;
}

void Router::add_common_headers(const Request* request, Response& response) const {
  const bool is_of_stream = request != nullptr && request->path.starts_with("/streams/");
  if (is_of_stream && !has_field(response, "Vary"))
    response.headers.push_back({"Vary", FieldValue::constant(kStreamVary)});
  parts_.cors.add_headers(request, response);
  response.headers.push_back({"X-Content-Type-Options", FieldValue::constant("nosniff")});
  if (!has_field(response, "Cache-Control"))
    response.headers.push_back({"Cache-Control", FieldValue::constant("no-store")});
}

}  // namespace tailgate
