// Who is told of every exchange, for the access line and the metrics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/http/exchange.h"

namespace tailgate {

enum class WhyEnded : std::uint8_t {
  complete,       // all of it was handed to the socket
  client_closed,  // the client went away or cancelled
  stalled,        // the client did not take what was ready
  cut,            // the source could not go on
  shutdown,       // this process is stopping
  timed_out,      // the client did not send what it began
};

constexpr std::string_view why_ended_name(WhyEnded why) {
  switch (why) {
    case WhyEnded::complete:
      return "complete";
    case WhyEnded::client_closed:
      return "client_closed";
    case WhyEnded::stalled:
      return "stalled";
    case WhyEnded::cut:
      return "cut";
    case WhyEnded::shutdown:
      return "shutdown";
    case WhyEnded::timed_out:
      return "timed_out";
  }
  return "";
}

struct ExchangeSummary {
  std::string_view method;  // "" when the request line could not be read
  std::string_view path;    // without the query
  IpAddress client;
  std::string_view request_id;
  std::string_view trace_id;  // of traceparent (32 hexadecimal digits), or ""
  HttpVersion version;
  int status;                // 0: the client was gone before there was an answer
  std::string_view problem;  // the code of an error answer, else ""
  AccessNote note;
  std::uint64_t body_bytes;  // handed to the socket, without framing
  std::int64_t duration_ms;
  WhyEnded why;
};

// Threads: called on every io thread; `loop_index` says on which. What is given is good during the call.
class ExchangeObserver {
 public:
  virtual ~ExchangeObserver() = default;
  virtual void on_start(const Request& request, std::size_t loop_index) = 0;
  // Once for each on_start, and for each refusal that the session gave by itself.
  virtual void on_end(const ExchangeSummary& summary, std::size_t loop_index) = 0;
};

}  // namespace tailgate
