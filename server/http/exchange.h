// One request and its reply, the same for HTTP/1.1 and HTTP/2: what sessions hand to handlers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_budget.h"
#include "base/byte_source.h"
#include "base/ip_address.h"
#include "base/loop.h"
#include "server/http/field_value.h"

namespace tailgate {

// Of a request.
struct HeaderField {
  std::string name;   // lower case
  std::string value;  // no leading or trailing white space
};

// Of a response.
struct ResponseField {
  std::string_view name;  // a token, of ours: lives as long as the process
  FieldValue value;
};

enum class HttpVersion : std::uint8_t { http10, http11, http2 };

// A request whose framing has been accepted. Target and fields are within the limits of the session.
struct Request {
  std::string method;
  std::string scheme;     // http or https: of the listener
  std::string authority;  // host[:port], checked for form; "" only with HTTP/1.0
  std::string path;       // raw, still percent-encoded, starts with '/' ("*" for OPTIONS *)
  std::string query;      // raw, without the '?'
  HttpVersion version = HttpVersion::http11;
  std::vector<HeaderField> headers;
  std::string body;  // complete; at most the session's limit
  IpAddress client;  // who asks: client_address()
  std::string id;    // made by the session, unique in this process's life

  // The value of the only field of that name, of several joined by ", ", or null. `name` in lower case. What is joined
  // stays good until the next call.
  const std::string* header(std::string_view name) const;
  std::size_t count(std::string_view name) const;

 private:
  mutable std::string joined_;
};

// What the access line says of an answer's body, asked when the exchange ends.
struct AccessNote {
  std::string representation;  // sse, json, ndjson, …
  std::uint64_t records = 0;
  std::string why_ended;  // of a stream: limit, until, topic_gone, …; empty: the session knows (client, stall, drain)
};

struct Response {
  int status = 200;
  std::vector<ResponseField> headers;  // without Content-Length, Transfer-Encoding, Connection, Date: the session's
  std::string body;                    // used when `stream` is null
  ByteBudget::Share held;              // what `body` holds of Exchange::bodies(), if it was counted as it grew
  std::unique_ptr<ByteSource> stream;
  std::string problem;               // of an error: the code of its problem+json, for the access line and the metrics
  std::function<AccessNote()> note;  // may be null; called before `stream` is destroyed
};

// Threads: its io thread. Owned by its session; dies when the reply has been sent or the client has gone.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const Request& request() const = 0;
  virtual Loop& loop() = 0;
  // Of its thread: what is there in full, of all its requests and answers. An answer without room becomes a 503.
  virtual ByteBudget& bodies() = 0;
  // Exactly once, in the handler or later. HEAD: the session leaves the body (and drops the stream). Nothing is sent
  // before it returns; request() is good until the caller is back in the event loop, then the exchange is freed.
  virtual void respond(Response response) = 0;

  // What has to live until the reply is given (a question under way): dies, and so is cancelled, with the exchange.
  void keep(std::unique_ptr<Watch> work) { work_ = std::move(work); }

 private:
  std::unique_ptr<Watch> work_;
};

// Threads: handle() runs on every io thread; one object serves all.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual void handle(Exchange& exchange) = 0;
  // An answer that the session has to give itself (framing refused, too large, timed out): problem+json, CORS and all.
  virtual Response refusal(int status, std::string_view code, std::string_view detail, const Request* request) = 0;
};

}  // namespace tailgate
