// HTTP through libcurl, over every protocol version that the server speaks.
#pragma once

#include <string>
#include <vector>

#include "tests/support/raw_connection.h"

namespace tailgate::test {

enum class HttpVersion {
  h1,
  h2c,  // cleartext, prior knowledge
  h2,   // TLS with ALPN
  h1_tls,
};

struct HttpRequest {
  std::string url;
  HttpVersion version = HttpVersion::h1;
  std::vector<std::string> headers = {};  // "Name: value"
  std::string method = "GET";
  std::string body = {};
  std::string ca_file = {};  // whom to trust for TLS
};

// Throws when there is no answer within the deadline.
HttpResponse fetch(const HttpRequest& request, std::chrono::milliseconds timeout = kPatience);

// Hands the body's pieces to `on_body` as they come, until the response ends, `on_body` returns false or `is_cancelled`
// says so. `on_head` gets status and headers once, before. False: no answer, or the connection broke; `reason` says
// what libcurl said.
struct StreamCallbacks {
  std::function<void(const HttpResponse&)> on_head;
  std::function<bool(std::string_view)> on_body;
  std::function<bool()> is_cancelled;
};
bool stream(const HttpRequest& request, const StreamCallbacks& callbacks, std::string& reason);

}  // namespace tailgate::test
