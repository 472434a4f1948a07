#include "server/config.h"

namespace tailgate {

Config default_config(Mode mode) {
  Config config;
  config.mode = mode;
  if (mode == Mode::demo) {
    config.listen = {"127.0.0.1:8080"};
    config.topics = {"*"};
    config.console = true;
    config.drain_delay_ms = 0;  // no balancer sends anybody there
    config.drain_ms = 2'000;
  }
  return config;
}

}  // namespace tailgate
