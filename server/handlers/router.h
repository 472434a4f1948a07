// The public port: which handler answers a request, and what every answer carries.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "server/handlers/caller_limits.h"
#include "server/handlers/cors.h"
#include "server/handlers/path_handler.h"
#include "server/http/exchange.h"

namespace tailgate {

struct RouterParts {
  PathHandler& streams;  // /streams/…
  PathHandler& topics;   // /topics and /topics/…
  PathHandler& cursors;  // /cursors and /cursors/…
  const Cors& cors;
  PathHandler* health = nullptr;            // /livez and /readyz (health_on_public)
  bool has_console = false;                 // web/assets.h, at / and /console/…
  std::size_t connections_per_address = 0;  // what the sessions' 429 is about
  std::vector<CallerLimits> limits = {};    // by Loop::index(); empty: none
};

// Threads: any.
class Router final : public Handler {
 public:
  explicit Router(const RouterParts& parts) : parts_{parts} {}
  void handle(Exchange& exchange) override;
  Response refusal(int status, std::string_view code, std::string_view detail, const Request* request) override;

 private:
  class Routed;

  void route(Routed& exchange) const;
  // Once the caller may ask for more.
  void handle_within_limits(Routed& exchange, PathHandler& handler) const;
  // Null: nothing is there.
  PathHandler* find(std::string_view path) const;
  Response make_refusal(int status, std::string_view code, std::string_view detail, const Request* request) const;
  void add_common_headers(const Request* request, Response& response) const;

  RouterParts parts_;
};

}  // namespace tailgate
