// Request methods: which exist, and which a resource that can only be read takes.
#pragma once

#include <string_view>

#include "server/http/exchange.h"

namespace tailgate {

inline constexpr std::string_view kReadMethods = "GET, HEAD, OPTIONS";

// Methods that some resource may take. Of all others, TRACE too, this server knows nothing (501). CONNECT is one of
// HTTP/2's own there, and merely not allowed; over HTTP/1.1 it would ask for a tunnel.
bool is_known_method(const Request& request);

// GET or HEAD.
bool is_read_method(const Request& request);

// `allowed` as Allow lists it: "GET, HEAD, OPTIONS".
bool is_listed_method(const Request& request, std::string_view allowed);

// 405 with Allow.
Response make_method_problem(std::string_view allowed);

}  // namespace tailgate
