#include "server/http/h1_head.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <charconv>
#include <cstring>
#include <string>

namespace tailgate {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;

// Around the target in the request line: the longest method that is looked at, and ` HTTP/1.1\r\n`.
constexpr std::size_t kAroundTargetBytes = 128;
constexpr std::size_t kMethodBytesMax = 100;
constexpr std::size_t kFieldsExpected = 8;  // more make the list longer

constexpr Refusal kBadRequestLine{400, "bad_request_line", "The request line is not one of HTTP/1.1."};
constexpr Refusal kBadField{400, "bad_field", "A header field is not formed as RFC 9112 says."};
constexpr Refusal kBadLineEnd{400, "bad_line_end", "Lines end in CR LF."};
constexpr Refusal kFolded{400, "folded_field", "A header field is folded over several lines."};
constexpr Refusal kBadHost{400, "bad_host", "A request has exactly one Host, of the form host[:port]."};
constexpr Refusal kBadTarget{400, "bad_target", "The request target is not of a form that this method takes."};
constexpr Refusal kHostDiffers{400, "host_differs", "The host of the request target and the Host field differ."};
constexpr Refusal kMisdirected{421, "misdirected", "This listener does not serve the scheme of the request target."};
constexpr Refusal kBadLength{400, "bad_content_length", "Content-Length is one decimal number, once."};
constexpr Refusal kBadCoding{400, "bad_transfer_encoding",
                             "Transfer-Encoding is `chunked`, once, and without Content-Length."};
constexpr Refusal kUnknownCoding{501, "unknown_transfer_encoding", "The only transfer coding is `chunked`."};
constexpr Refusal kBadExpectation{417, "bad_expectation", "The only expectation is `100-continue`."};
constexpr Refusal kBadUpgrade{400, "bad_upgrade", "An upgrade is asked for with HTTP/1.1 and without a body."};

// Beast calls back with views into the head; nothing is copied but what the request keeps.
class FieldReader final : public beast_http::basic_parser<true> {
 public:
  explicit FieldReader(H1Head& out) : out_{out} {
    // Ours are smaller, and say which it was.
    header_limit(1U << 20U);
    body_limit(boost::none);
  }

  const std::optional<Refusal>& refusal() const { return refusal_; }
  std::string_view target() const { return target_; }
  bool has_coding() const { return has_coding_; }
  bool has_length() const { return has_length_; }
  bool asks_for_websocket() const { return asks_for_websocket_; }
  bool asks_for_upgrade() const { return asks_for_upgrade_; }
  bool says_close() const { return says_close_; }
  const std::optional<std::string_view>& host() const { return host_; }

 private:
  void on_request_impl(beast_http::verb, BeastView method, BeastView target, int version, error_code&) override {
    target_ = {target.data(), target.size()};
    out_.request.version = version == 10 ? HttpVersion::http10 : HttpVersion::http11;
    if (method.size() <= kMethodBytesMax) out_.request.method.assign(method.data(), method.size());
  }
  void on_response_impl(int, BeastView, int, error_code&) override {}
  void on_field_impl(beast_http::field kind, BeastView name_view, BeastView value_view, error_code& error) override {
    const std::string_view name{name_view.data(), name_view.size()};
    const std::string_view value{value_view.data(), value_view.size()};
    refusal_ = check_field(kind, name, value);
    if (refusal_) {
      error = beast_http::make_error_code(beast_http::error::bad_field);
      return;
    }
    if (out_.request.headers.empty()) out_.request.headers.reserve(kFieldsExpected);
    HeaderField& field = out_.request.headers.emplace_back();
    field.name.resize(name.size());
    std::transform(name.begin(), name.end(), field.name.begin(), lower);
    field.value = value;
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(BeastView body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, BeastView, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView body, error_code&) override { return body.size(); }
  void on_finish_impl(error_code&) override {}

  std::optional<Refusal> check_field(beast_http::field kind, std::string_view name, std::string_view value) {
    if (!is_token(name) || !is_field_value(value)) return kBadField;
    switch (kind) {
      case beast_http::field::host:
        return take_host(value);
      case beast_http::field::content_length:
        return take_length(value);
      case beast_http::field::transfer_encoding:
        return take_coding(value);
      case beast_http::field::connection:
        return take_connection(value);
      case beast_http::field::upgrade:
        return take_upgrade(value);
      case beast_http::field::expect:
        return take_expectation(value);
      default:
        return std::nullopt;
    }
  }

  std::optional<Refusal> take_host(std::string_view value) {
    if (host_ || !is_authority(value)) return kBadHost;
    host_ = value;
    return std::nullopt;
  }

  std::optional<Refusal> take_length(std::string_view value) {
    if (has_length_ || has_coding_) return kBadLength;
    has_length_ = true;
    const bool is_number = !value.empty() && value.size() <= 18 &&
                           std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!is_number) return kBadLength;
    std::from_chars(value.data(), value.data() + value.size(), out_.body_bytes);
    out_.framing = H1Head::Framing::length;
    return std::nullopt;
  }

  std::optional<Refusal> take_coding(std::string_view value) {
    if (has_length_ || has_coding_ || out_.request.version == HttpVersion::http10) return kBadCoding;
    has_coding_ = true;
    if (equals_ignoring_case(value, "chunked")) {
      out_.framing = H1Head::Framing::chunked;
      return std::nullopt;
    }
    // A coding that we do not know, alone or before `chunked`, is one that we cannot take off (RFC 9112, 6.1).
    bool is_unknown = false;
    int chunked = 0;
    while (!value.empty()) {
      const std::string_view coding = take_list_member(value);
      if (!is_token(coding) || equals_ignoring_case(coding, "identity")) return kBadCoding;
      if (equals_ignoring_case(coding, "chunked")) {
        ++chunked;
      } else {
        is_unknown = true;
      }
    }
    return is_unknown && chunked <= 1 ? kUnknownCoding : kBadCoding;
  }

  std::optional<Refusal> take_connection(std::string_view value) {
    while (!value.empty()) {
      if (equals_ignoring_case(take_list_member(value), "close")) says_close_ = true;
    }
    return std::nullopt;
  }

  std::optional<Refusal> take_upgrade(std::string_view value) {
    asks_for_upgrade_ = true;
    while (!value.empty()) {
      if (equals_ignoring_case(take_list_member(value), "websocket")) asks_for_websocket_ = true;
    }
    return std::nullopt;
  }

  std::optional<Refusal> take_expectation(std::string_view value) {
    if (!equals_ignoring_case(value, "100-continue")) return kBadExpectation;
    // HTTP/1.0 knows no interim answers (RFC 9110, 10.1.1).
    out_.expects_continue = out_.request.version == HttpVersion::http11;
    return std::nullopt;
  }

  H1Head& out_;
  std::string_view target_;
  std::optional<std::string_view> host_;
  std::optional<Refusal> refusal_;
  bool has_length_ = false;
  bool has_coding_ = false;
  bool says_close_ = false;
  bool asks_for_upgrade_ = false;
  bool asks_for_websocket_ = false;
};

void split_path(std::string_view target, Request& request) {
  const auto question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
}

// The four forms of RFC 9112, 3.2.
std::optional<Refusal> take_target(std::string_view target, Scheme scheme, const std::optional<std::string_view>& host,
                                   Request& request) {
  if (!is_target(target) || target.find('#') != std::string_view::npos) return kBadTarget;
  if (host) request.authority = *host;
  if (target.front() == '/') {
    split_path(target, request);
    return std::nullopt;
  }
  if (target == "*") {
    if (request.method != "OPTIONS") return kBadTarget;
    request.path = "*";
    return std::nullopt;
  }
  const auto colon = target.find("://");
  if (colon == std::string_view::npos) return kBadTarget;
  const std::string_view target_scheme = target.substr(0, colon);
  std::string_view rest = target.substr(colon + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  rest.remove_prefix(authority.size());
  if (!is_authority(authority)) return kBadTarget;
  if (host && !equals_ignoring_case(*host, authority)) return kHostDiffers;
  if (!equals_ignoring_case(target_scheme, scheme_name(scheme))) return kMisdirected;
  request.authority = authority;
  if (rest.empty() || rest.front() == '?') {
    request.path = "/";
    if (!rest.empty()) request.query = rest.substr(1);
  } else {
    split_path(rest, request);
  }
  return std::nullopt;
}

}  // namespace

H1HeadScan::State H1HeadScan::refuse(Refusal refusal) {
  refusal_ = refusal;
  return State::refused;
}

H1HeadScan::State H1HeadScan::check_sizes(std::size_t input_bytes, const HttpOptions& options) {
  if (request_line_bytes_ == 0) {
    // A line of the greatest length, and its CR.
    return input_bytes > options.target_bytes_max + kAroundTargetBytes + 1 ? refuse(kTargetTooLong) : State::partial;
  }
  if (input_bytes - request_line_bytes_ > options.fields_bytes_max + 2) return refuse(kFieldsTooLarge);
  if (fields_ > options.fields_max) return refuse(kTooManyFields);
  return State::partial;
}

H1HeadScan::State H1HeadScan::scan(std::string_view input, const HttpOptions& options) {
  while (looked_ < input.size()) {
    const void* found = std::memchr(input.data() + looked_, '\n', input.size() - looked_);
    if (found == nullptr) {
      looked_ = input.size();
      break;
    }
    const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - input.data());
    if (end == at_ || input[end - 1] != '\r') return refuse(kBadLineEnd);
    const std::string_view line = input.substr(at_, end - 1 - at_);
    at_ = looked_ = end + 1;
    if (request_line_bytes_ == 0) {
      if (line.empty()) return refuse(kBadRequestLine);
      request_line_bytes_ = at_;
      if (line.size() > options.target_bytes_max + kAroundTargetBytes) return refuse(kTargetTooLong);
      continue;
    }
    if (line.empty()) {
      const State sizes = check_sizes(at_, options);
      return sizes == State::refused ? sizes : State::complete;
    }
    if (line.front() == ' ' || line.front() == '\t') return refuse(kFolded);
    ++fields_;
    if (const State sizes = check_sizes(at_, options); sizes == State::refused) return sizes;
  }
  return check_sizes(input.size(), options);
}

std::string_view origin_in(std::string_view bytes) {
  constexpr std::string_view kName = "origin:";
  while (!bytes.empty()) {
    std::string_view line = bytes.substr(0, bytes.find('\n'));
    const bool is_whole = line.size() < bytes.size();
    bytes.remove_prefix(line.size() + (is_whole ? 1 : 0));
    if (!is_whole || !equals_ignoring_case(line.substr(0, kName.size()), kName)) continue;
    line.remove_prefix(kName.size());
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return line.substr(0, line.find_first_of(" \t\r"));
  }
  return {};
}

std::optional<Refusal> parse_h1_head(std::string_view head, Scheme scheme, H1Head& out) {
  out.request.scheme = scheme_name(scheme);
  FieldReader reader{out};
  error_code error;
  reader.put(boost::asio::const_buffer{head.data(), head.size()}, error);
  if (reader.refusal()) return reader.refusal();
  if (error) {
    if (error == beast_http::error::bad_transfer_encoding) return kBadCoding;
    if (error == beast_http::error::bad_content_length || error == beast_http::error::multiple_content_length)
      return kBadLength;
    const bool is_in_fields = error == beast_http::error::bad_field || error == beast_http::error::bad_value;
    return is_in_fields ? kBadField : kBadRequestLine;
  }
  if (!reader.is_header_done()) return kBadField;

  Request& request = out.request;
  const bool is_http10 = request.version == HttpVersion::http10;
  if (request.method == "PRI") return kBadRequestLine;
  if (const auto refusal = take_target(reader.target(), scheme, reader.host(), request)) {
    // (A method that nobody knows may have a target of its own form: CONNECT.)
    return is_known_method(request.method) ? refusal : kUnknownMethod;
  }
  if (!is_known_method(request.method)) return kUnknownMethod;
  if (!is_http10 && !reader.host()) return kBadHost;
  if (reader.asks_for_upgrade() && is_http10) return kBadUpgrade;
  if (reader.asks_for_websocket() && out.framing != H1Head::Framing::none) return kBadUpgrade;
  if (out.framing == H1Head::Framing::length && out.body_bytes == 0) out.framing = H1Head::Framing::none;
  out.keeps_alive = !is_http10 && !reader.says_close();
  return std::nullopt;
}

}  // namespace tailgate
