#include "server/handlers/methods.h"

#include <algorithm>
#include <array>
#include <string>

#include "server/handlers/problem.h"

namespace tailgate {

bool is_known_method(const Request& request) {
  constexpr std::array<std::string_view, 7> kKnown = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"};
  if (request.method == "CONNECT") return request.version == HttpVersion::http2;
  return std::find(kKnown.begin(), kKnown.end(), request.method) != kKnown.end();
}

bool is_read_method(const Request& request) { return request.method == "GET" || request.method == "HEAD"; }

bool is_listed_method(const Request& request, std::string_view allowed) {
  while (!allowed.empty()) {
    const std::size_t end = std::min(allowed.find(", "), allowed.size());
    if (allowed.substr(0, end) == request.method) return true;
    allowed.remove_prefix(std::min(end + 2, allowed.size()));
  }
  return false;
}

Response make_method_problem(std::string_view allowed) {
  Response response = make_problem(405, "method_not_allowed",
                                   "this does not take the method of the request; Allow lists those that it takes");
  response.headers.push_back({"Allow", std::string{allowed}});
  return response;
}

}  // namespace tailgate
