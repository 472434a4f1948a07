#include "server/http/h2_stream.h"

#include "server/http/h2_session.h"

namespace tailgate {
namespace {

// RFC 9113, 6.5.2: what a field counts besides its text.
constexpr std::size_t kFieldOverhead = 32;

constexpr std::size_t kOriginBytesMax = 300;
constexpr Refusal kBadTarget{400, "bad_target", "The request target is not of a form that this method takes."};
constexpr Refusal kBadAuthority{400, "bad_host", "A request names its host once, in the form host[:port]."};
constexpr Refusal kHostDiffers{400, "host_differs", "The authority of the request and its Host field differ."};
constexpr Refusal kConnect{405, "method_not_allowed", "This server is no proxy."};

}  // namespace

H2Incoming::H2Incoming(std::int64_t start) : start_ms{start} { request.version = HttpVersion::http2; }

void H2Incoming::refuse(const Refusal& why) {
  if (!refusal) refusal = why;
  request.body = {};
  held_ = {};
}

void H2Incoming::add_field(std::string_view name, std::string_view value, const HttpOptions& options) {
  fields_bytes_ += name.size() + value.size() + kFieldOverhead;
  ++fields_;
  if (has_fields) {
    // Trailers are read past, and never merged (RFC 9110, 6.5.1).
    if (fields_bytes_ > options.trailers_bytes_max) refuse(kFieldsTooLarge);
    return;
  }
  const bool is_too_large = fields_bytes_ > options.fields_bytes_max;
  if (is_too_large || fields_ > options.fields_max) {
    refuse(is_too_large ? kFieldsTooLarge : kTooManyFields);
    const bool is_needed = name == "origin" && value.size() <= kOriginBytesMax && request.header(name) == nullptr;
    if (!is_needed) return;
  }
  // What is refused for its target is read on, within these bounds: the answer depends on fields (Origin).
  if (name == ":method") {
    request.method = value;
  } else if (name == ":path") {
    if (value.size() > options.target_bytes_max) return refuse(kTargetTooLong);
    target_ = value;
  } else if (name == ":authority") {
    request.authority = value;
  } else if (name.starts_with(':')) {
    // :scheme says how the client sees it; what counts is the listener.
  } else if (name == "cookie" && cookie_) {
    request.headers[*cookie_].value += "; ";
    request.headers[*cookie_].value += value;
  } else {
    if (name == "cookie") cookie_ = request.headers.size();
    request.headers.push_back({std::string{name}, std::string{value}});
  }
}

void H2Incoming::add_body(std::string_view bytes, bool is_last, HttpThread& thread) {
  if (refusal) return;
  const HttpOptions& options = thread.options;
  body_clock.add(bytes.size(), thread.now_ms(), options);
  const std::size_t bytes_max =
      is_bodiless_method(request.method) ? options.get_body_bytes_max : options.body_bytes_max;
  if (request.body.size() + bytes.size() > bytes_max) {
    refuse(kBodyTooLarge);
    return;
  }
  if (request.body.empty()) held_ = ByteBudget::Share{thread.bodies};
  request.body += bytes;
  if (is_last || held_.resize(request.body.capacity())) return;
  refuse(kNoRoom);
}

void H2Incoming::check(Scheme listener_scheme) {
  has_fields = true;
  fields_bytes_ = 0;
  if (refusal) return;
  request.scheme = scheme_name(listener_scheme);
  if (request.method == "CONNECT") return refuse(kConnect);
  if (!is_known_method(request.method)) return refuse(kUnknownMethod);
  const std::string* host = request.header("host");
  if (request.count("host") > 1) return refuse(kBadAuthority);
  if (request.authority.empty() && host != nullptr) request.authority = *host;
  if (!is_authority(request.authority)) return refuse(kBadAuthority);
  if (host != nullptr && !equals_ignoring_case(*host, request.authority)) return refuse(kHostDiffers);
  if (!is_target(target_) || target_.find('#') != std::string::npos) return refuse(kBadTarget);
  const auto question = target_.find('?');
  request.path = target_.substr(0, question);
  if (question != std::string::npos) request.query = target_.substr(question + 1);
  if (!request.path.starts_with('/') && !(request.path == "*" && request.method == "OPTIONS")) refuse(kBadTarget);
}

bool H2Incoming::expects_continue() const {
  const std::string* expectation = request.header("expect");
  return expectation != nullptr && equals_ignoring_case(*expectation, "100-continue");
}

void H2Stream::wake() { session.on_body_news(*this); }

void H2Stream::on_reply() { session.add_work(*this); }

}  // namespace tailgate
