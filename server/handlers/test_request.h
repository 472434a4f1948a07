// For tests: a GET as the sessions hand it on.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "server/http/exchange.h"

namespace tailgate {

// `target`: a path, and maybe a query behind '?'.
inline Request get_request(const std::string& target, std::vector<HeaderField> headers = {}) {
  Request made;
  made.method = "GET";
  const std::size_t question = target.find('?');
  made.path = target.substr(0, question);
  if (question != target.npos) made.query = target.substr(question + 1);
  made.headers = std::move(headers);
  return made;
}

}  // namespace tailgate
