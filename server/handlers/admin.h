// The admin port: /livez, /readyz and /metrics.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "server/handlers/path_handler.h"
#include "server/http/exchange.h"

namespace tailgate {

enum class Stage : std::uint8_t {
  starting,  // until Kafka's metadata has been read once
  serving,
  draining,  // from SIGTERM on
};

struct Health {
  Stage stage = Stage::starting;
  bool is_kafka_reachable = false;
  std::string_view redis = "memory";  // memory (there is none), up, away
};

// /livez: the process answers. /readyz: 200 while serving, whatever Kafka and Redis do: a replica that left the
// balancer through their outage would turn every browser away for good. The body tells.
class HealthHandler final : public PathHandler {
 public:
  // `health`, threads: any.
  explicit HealthHandler(std::function<Health()> health) : health_{std::move(health)} {}
  void handle(Exchange& exchange) override { exchange.respond(answer(exchange.request().path)); }
  // `path` is /livez or /readyz.
  Response answer(std::string_view path) const;

 private:
  std::function<Health()> health_;
};

// Threads: any.
class AdminHandler final : public Handler {
 public:
  // `metrics` gives the text of /metrics; threads: any.
  AdminHandler(const HealthHandler& health, std::function<std::string()> metrics)
      : health_{health}, metrics_{std::move(metrics)} {}
  void handle(Exchange& exchange) override;
  Response refusal(int status, std::string_view code, std::string_view detail, const Request* request) override;

 private:
  const HealthHandler& health_;
  std::function<std::string()> metrics_;
};

}  // namespace tailgate
