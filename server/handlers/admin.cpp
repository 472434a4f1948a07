#include "server/handlers/admin.h"

#include <utility>

#include "server/handlers/methods.h"
#include "server/handlers/problem.h"

namespace tailgate {
namespace {

std::string_view name_of(Stage stage) {
  switch (stage) {
    case Stage::starting:
      return "starting";
    case Stage::serving:
      return "serving";
    case Stage::draining:
      break;
  }
  return "draining";
}

void add_common_headers(Response& response) {
  response.headers.push_back({"X-Content-Type-Options", "nosniff"});
  response.headers.push_back({"Cache-Control", "no-store"});
}

}  // namespace

Response HealthHandler::answer(std::string_view path) const {
  Response response;
  response.headers = {{"Content-Type", "application/json"}};
  if (path == "/livez") {
    response.body = "{\"status\":\"alive\"}\n";
  } else {
    const Health health = health_();
    response.status = health.stage == Stage::serving ? 200 : 503;
    response.body.append("{\"status\":\"").append(name_of(health.stage));
    response.body.append("\",\"kafka\":\"").append(health.is_kafka_reachable ? "up" : "down");
    response.body.append("\",\"redis\":\"").append(health.redis).append("\"}\n");
  }
  return response;
}

void AdminHandler::handle(Exchange& exchange) {
  const Request& request = exchange.request();
  const bool is_health = request.path == "/livez" || request.path == "/readyz";
  Response response;
  if (!is_known_method(request)) {
    response = make_problem(501, "unknown_method", "this server does not know the method of the request");
  } else if (!is_health && request.path != "/metrics") {
    response = make_problem(404, "not_found", "this port has /livez, /readyz and /metrics");
  } else if (!is_read_method(request)) {
    response = make_method_problem("GET, HEAD");
  } else if (is_health) {
    response = health_.answer(request.path);
  } else {
    response.headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}};
    response.body = metrics_();
  }
  add_common_headers(response);
  exchange.respond(std::move(response));
}

Response AdminHandler::refusal(int status, std::string_view code, std::string_view detail, const Request*) {
  Response response = make_problem(status, code, detail);
  add_common_headers(response);
  return response;
}

}  // namespace tailgate
