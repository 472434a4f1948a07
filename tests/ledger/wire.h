// The client's side of HTTP, without sockets: bytes in, a response out. HTTP/1.1 by hand, HTTP/2 by libnghttp2.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace tailgate::ledger {

struct WireRequest {
  std::string authority;
  std::string target;
  std::string accept;
  std::string accept_encoding;  // "": no such field
  std::string last_event_id;    // the same
};

class WireEvents {
 public:
  virtual ~WireEvents() = default;
  virtual void on_head(int status, const std::map<std::string, std::string>& fields) = 0;  // names in lower case
  virtual void on_body(std::string_view bytes) = 0;
  virtual void on_end() = 0;  // the response is whole
};

class Wire {
 public:
  virtual ~Wire() = default;
  // One request at a time; the next one after on_end.
  virtual void request(const WireRequest& request) = 0;
  // False: what came is not HTTP (or the stream was reset); close the connection.
  virtual bool feed(std::string_view bytes, WireEvents& events) = 0;
  // What has to be sent now.
  virtual std::string take_output() = 0;
  // Another request may be made on this connection.
  virtual bool is_reusable() const = 0;
};

std::unique_ptr<Wire> make_http1_wire();
std::unique_ptr<Wire> make_http2_wire();

}  // namespace tailgate::ledger
