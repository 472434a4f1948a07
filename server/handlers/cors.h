// What lets pages of other origins read the answers (the CORS protocol of the Fetch standard).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/http/exchange.h"

namespace tailgate {

// Threads: any, it never changes.
class Cors {
 public:
  // Exact origins ("https://example.org"), or "*" alone; empty: no page of another origin may read anything.
  explicit Cors(std::vector<std::string> origins);

  // Onto every answer, errors too. `request` is null where none could be read.
  void add_headers(const Request* request, Response& response) const;

  // The answer to an OPTIONS request for something that takes `methods` ("GET, HEAD, OPTIONS"). Lists what is allowed
  // and never what was asked; says nothing of private networks, which denies them.
  Response answer_options(const Request& request, std::string_view methods) const;

 private:
  // The value of Access-Control-Allow-Origin for the request, of our own configuration; empty: none.
  std::string_view allowed_origin(const Request* request) const;

  std::vector<std::string> origins_;
  bool is_any_ = false;
};

}  // namespace tailgate
