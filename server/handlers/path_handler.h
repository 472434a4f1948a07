// What answers the requests under one path.
#pragma once

#include <string_view>

#include "server/handlers/methods.h"
#include "server/http/exchange.h"

namespace tailgate {

// Threads: handle() runs on every io thread; one object serves all.
class PathHandler {
 public:
  virtual ~PathHandler() = default;
  // What Allow lists for a path of this handler's.
  virtual std::string_view methods(std::string_view) const { return kReadMethods; }
  // A request on its path, of one of these methods but OPTIONS. Responds once, now or later; what all answers carry
  // (CORS, nosniff, Cache-Control: no-store) is added behind it.
  virtual void handle(Exchange& exchange) = 0;
};

}  // namespace tailgate
