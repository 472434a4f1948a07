// The head of an HTTP/1.1 request: where it ends, and what it says, read as strictly as RFC 9112 lets a server be.
//
// Two readers that disagree about where a request ends are what request smuggling lives on, so everything that is not
// exactly one of the allowed shapes is refused and the connection closed. Boost.Beast's parser splits the lines and
// fields; it accepts more than we do (folded lines, unknown transfer codings, no Host), so each field is held against
// our own rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "server/http/exchange.h"
#include "server/http/options.h"
#include "server/http/request_rules.h"
#include "server/net/listen_address.h"

namespace tailgate {

// Finds the end of a head in input that grows, without looking at a byte twice.
class H1HeadScan {
 public:
  enum class State : std::uint8_t { partial, complete, refused };

  // `input` is all that there is of this head, from its first byte.
  State scan(std::string_view input, const HttpOptions& options);
  std::size_t head_bytes() const { return at_; }       // once complete: with the empty line
  const Refusal& refusal() const { return refusal_; }  // once refused

 private:
  State refuse(Refusal refusal);
  State check_sizes(std::size_t input_bytes, const HttpOptions& options);

  std::size_t at_ = 0;                  // where the current line starts
  std::size_t looked_ = 0;              // no line end before this
  std::size_t request_line_bytes_ = 0;  // 0: its end has not been seen
  std::size_t fields_ = 0;
  Refusal refusal_{};
};

struct H1Head {
  enum class Framing : std::uint8_t { none, length, chunked };

  Request request;  // without body, client and id
  Framing framing = Framing::none;
  std::uint64_t body_bytes = 0;  // with Framing::length
  bool keeps_alive = true;
  bool expects_continue = false;
};

// The value of the Origin field in a head that is not read as one, or not whole: a page may only read an answer that
// names its origin, errors too. Empty: none was found.
std::string_view origin_in(std::string_view bytes);

// `head` ends in an empty line and has passed a scan. When refused, what was understood of the request is in `out`.
std::optional<Refusal> parse_h1_head(std::string_view head, Scheme scheme, H1Head& out);

}  // namespace tailgate
