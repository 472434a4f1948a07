// What answers the requests under one path.
#pragma once

#include "server/http/exchange.h"

namespace tailgate {

// Threads: handle() runs on every io thread; one object serves all.
class PathHandler {
 public:
  virtual ~PathHandler() = default;
  // A GET or HEAD whose path is this handler's. Responds once, now or later; what all answers carry (CORS, nosniff,
  // Cache-Control: no-store) is added behind it.
  virtual void handle(Exchange& exchange) = 0;
};

}  // namespace tailgate
