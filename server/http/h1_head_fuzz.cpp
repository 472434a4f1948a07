// The head of an HTTP/1.1 request and the body behind it: the same in one piece and in several, and never more than it
// says.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/http/h1_body.h"
#include "server/http/h1_head.h"

namespace {

using namespace tailgate;

void require(bool is_true) {
  if (!is_true) std::abort();
}

H1HeadScan::State scan_in_pieces(std::string_view input, std::size_t piece, H1HeadScan& scan,
                                 const HttpOptions& options) {
  H1HeadScan::State state = H1HeadScan::State::partial;
  for (std::size_t end = piece; state == H1HeadScan::State::partial; end += piece) {
    state = scan.scan(input.substr(0, end), options);
    if (end >= input.size()) break;
  }
  return state;
}

H1Body::State take_in_pieces(std::string_view input, std::size_t piece, H1Body& taker, std::string& body,
                             std::size_t& used) {
  H1Body::State state = H1Body::State::partial;
  while (state == H1Body::State::partial && used < input.size()) {
    std::string_view part = input.substr(used, piece);
    const std::size_t before = part.size();
    state = taker.take(part, body);
    used += before - part.size();
  }
  return state;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const HttpOptions options;
  const std::size_t piece = 1 + data[0] % 64U;
  const std::string_view input{reinterpret_cast<const char*>(data) + 1, size - 1};

  H1HeadScan whole;
  H1HeadScan parts;
  const H1HeadScan::State state = whole.scan(input, options);
  require(scan_in_pieces(input, piece, parts, options) == state);
  if (state != H1HeadScan::State::complete) return 0;
  require(whole.head_bytes() == parts.head_bytes());
  require(input.substr(0, whole.head_bytes()).ends_with("\r\n\r\n"));

  H1Head head;
  if (parse_h1_head(input.substr(0, whole.head_bytes()), Scheme::http, head)) return 0;
  const Request& request = head.request;
  require(is_known_method(request.method));
  require(request.path.starts_with('/') || request.path == "*");
  require(is_target(request.path) && request.path.find_first_of("?#") == std::string::npos);
  require(request.version == HttpVersion::http10 || is_authority(request.authority));
  require(request.headers.size() <= options.fields_max);
  require(request.count("host") <= 1 && request.count("content-length") + request.count("transfer-encoding") <= 1);
  for (const HeaderField& field : request.headers) require(is_token(field.name) && is_field_value(field.value));

  const std::string_view behind = input.substr(whole.head_bytes());
  if (head.framing == H1Head::Framing::none) return 0;
  H1Body at_once{head, options};
  H1Body bit_by_bit{head, options};
  std::string body;
  std::string same_body;
  std::string_view rest = behind;
  std::size_t used = 0;
  const H1Body::State body_state = behind.empty() ? H1Body::State::partial : at_once.take(rest, body);
  require(take_in_pieces(behind, piece, bit_by_bit, same_body, used) == body_state);
  require(body.size() <= options.body_bytes_max);
  if (body_state != H1Body::State::complete) return 0;
  require(body == same_body && used == behind.size() - rest.size());
  require(head.framing != H1Head::Framing::length || body.size() == head.body_bytes);
  return 0;
}
