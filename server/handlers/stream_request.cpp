#include "server/handlers/stream_request.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/decimal.h"
#include "base/percent.h"
#include "cursors/cursor_store.h"
#include "server/handlers/accept_encoding.h"
#include "server/handlers/field_list.h"
#include "server/handlers/problem.h"
#include "server/handlers/query.h"
#include "server/handlers/timestamp.h"

namespace tailgate {
namespace {

constexpr std::string_view kPathPrefix = "/streams/";
constexpr std::string_view kHeaderId = "Last-Event-ID";

// Of several that are equally near to an unknown one the first is named.
constexpr std::array<std::string_view, 14> kParameters = {"from",      "format",        "as",       "key",   "limit",
                                                          "until",     "last_event_id", "on_reset", "wait",  "soft",
                                                          "max_bytes", "cursor",        "commit",   "gather"};

Error bad_request(std::string detail) { return {ErrorCode::bad_request, std::move(detail)}; }

// The errors of ids do not say where the id stood.
Error naming(std::string_view where, const Error& error) {
  return {error.code, std::string{where} + ": " + error.detail};
}

// A legal name of a topic in Kafka.
bool is_topic_name(std::string_view name) {
  constexpr std::size_t kBytesMax = 249;
  const auto is_legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= kBytesMax && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), is_legal);
}

std::optional<std::int32_t> parse_partition(std::string_view text) {
  const bool is_canonical = text == "0" || !text.starts_with('0');
  const auto number = parse_decimal(text, std::numeric_limits<std::int32_t>::max());
  if (!number || !is_canonical) return std::nullopt;
  return static_cast<std::int32_t>(*number);
}

Error no_such_stream() { return {ErrorCode::not_found, std::string{kNoSuchTopic}}; }

Result<void> parse_path(std::string_view path, StreamRequest& stream) {
  path.remove_prefix(kPathPrefix.size());
  const std::size_t slash = path.find('/');
  const std::optional<std::string> decoded = percent_decode(path.substr(0, slash), Plus::as_it_is);
  if (!decoded) return bad_request("the path has a '%' without two hexadecimal digits behind it");
  for (std::string_view rest = *decoded;;) {
    const std::size_t comma = rest.find(',');
    const std::string_view name = rest.substr(0, comma);
    if (!is_topic_name(name)) return no_such_stream();
    stream.topics.emplace_back(name);
    if (comma == rest.npos) break;
    rest.remove_prefix(comma + 1);
  }
  std::sort(stream.topics.begin(), stream.topics.end());
  stream.topics.erase(std::unique(stream.topics.begin(), stream.topics.end()), stream.topics.end());
  if (stream.topics.size() > kStreamTopicsMax) return bad_request("a stream takes at most 16 topics");
  if (slash == path.npos) return {};
  stream.partition = parse_partition(path.substr(slash + 1));
  if (!stream.partition || stream.topics.size() > 1) return no_such_stream();
  return {};
}

// What the query and the fields say, each parameter checked where it is read.
class Reader {
 public:
  Reader(const Request& request, std::vector<QueryParameter> parameters, std::int64_t now_ms, StreamRequest& stream)
      : request_{request}, parameters_{std::move(parameters)}, now_ms_{now_ms}, stream_{stream} {}

  Result<void> read() {
    for (const auto step : {&Reader::read_representation, &Reader::read_start, &Reader::read_cursor, &Reader::read_from,
                            &Reader::read_stop, &Reader::read_shape, &Reader::read_poll}) {
      if (Result<void> done = (this->*step)(); !done) return done;
    }
    return {};
  }

 private:
  const std::string* find(std::string_view name) const {
    const auto it =
        std::find_if(parameters_.begin(), parameters_.end(), [name](const auto& p) { return p.name == name; });
    return it == parameters_.end() ? nullptr : &it->value;
  }
  IdScope scope() const { return {stream_.topics, stream_.partition}; }
  bool is_poll() const { return stream_.representation == Representation::json; }

  // `as` is for those who cannot set Accept, so it wins.
  Result<void> read_representation() {
    const std::string* accept = request_.header("accept");
    const Result<Negotiated> accepted = negotiate(accept ? *accept : std::string_view{});
    const std::string* as = find("as");
    if (as) {
      const std::optional<Representation> named = representation_named(*as);
      if (!named) return bad_request("as must be sse, json or ndjson");
      stream_.representation = *named;
      stream_.is_as_given = true;
    } else if (accepted) {
      stream_.representation = accepted->representation;
    }
    const std::string* encoding = request_.header("accept-encoding");
    if (encoding) stream_.codings = parse_accept_encoding(*encoding);
    if (!accepted && (!as || accepted.error().code == ErrorCode::bad_request)) return accepted.error();

    // Only an SSE stream can say `busy`; soft=0 says what holds anyway elsewhere.
    const bool is_sse = stream_.representation == Representation::sse;
    stream_.is_soft = is_sse && accepted && accepted->is_event_source;
    if (const std::string* soft = find("soft")) {
      if (*soft != "0" && *soft != "1") return bad_request("soft must be 0 or 1");
      if (*soft == "1" && !is_sse) return bad_request("soft=1 is for SSE streams");
      stream_.is_soft = *soft == "1";
    }
    return {};
  }

  // An empty id is no id: EventSource has none before the first event, and a page's template may leave one empty.
  Result<void> read_start() {
    const std::string* header = request_.header("last-event-id");
    const bool is_header = header && !header->empty();
    const std::string* id = is_header ? header : find("last_event_id");
    if (!id || id->empty()) return {};
    Result<ParsedId> parsed = parse_id(*id, scope());
    if (!parsed) return naming(is_header ? kHeaderId : "last_event_id", parsed.error());
    stream_.id = *id;
    stream_.is_id_in_field = is_header;
    stream_.position = with_successors(std::move(parsed->position));
    stream_.is_over = parsed->ended && (find("limit") || find("until"));
    return {};
  }

  Result<void> read_cursor() {
    const std::string* name = find("cursor");
    const std::string* commit = find("commit");
    if (name && !is_cursor_name(*name)) {
      return bad_request("cursor must be 1 to 128 letters, digits, dots, dashes and underscores");
    }
    if (name) stream_.cursor = *name;
    if (!commit) return {};
    if (!name) return bad_request("commit needs cursor too");
    if (*commit == "manual") {
      stream_.commit = Commit::manual;
    } else if (*commit == "sent") {
      stream_.commit = Commit::sent;
    } else if (*commit != "auto") {
      return bad_request("commit must be auto, manual or sent");
    }
    return {};
  }

  Result<void> read_from() {
    const std::string* from = find("from");
    if (!from || *from == "latest") return {};
    if (*from == "earliest") {
      stream_.from = FromEarliest{};
    } else if (from->size() > 1 && from->starts_with('-')) {
      const auto offsets = parse_decimal(std::string_view{*from}.substr(1), kBackMax);
      if (!offsets) return bad_request("from=-N takes N from 0 to 100000");
      stream_.from = FromBack{*offsets};
    } else if (const auto wall_ms = parse_timestamp(*from)) {
      stream_.from = FromTime{*wall_ms};
    } else {
      Result<ParsedId> id = parse_id(*from, scope());
      if (!id)
        return not_a_place("from", "latest, earliest, -N, an RFC 3339 time, @ and milliseconds, or an id", id.error());
      Position position = with_successors(std::move(id->position));
      // What Last-Event-ID has named stays, and so will what the cursor covers.
      if (stream_.cursor.empty()) {
        stream_.position.merge(position);
      } else {
        stream_.from_position = std::move(position);
      }
    }
    return {};
  }

  Result<void> read_stop() {
    if (const std::string* limit = find("limit")) {
      const auto records = parse_decimal(*limit);
      if (!records || *records == 0) return bad_request("limit must be a number above 0");
      if (is_poll() && *records > kPollRecordsMax) return bad_request("limit of a long poll goes up to 10000");
      stream_.limit = *records;
    } else if (is_poll()) {
      stream_.limit = kPollRecordsDefault;
    }
    const std::string* until = find("until");
    if (!until) return {};
    if (*until == "now") {
      stream_.until = UntilNow{};
    } else if (const auto wall_ms = parse_timestamp(*until)) {
      if (*wall_ms > now_ms_) return bad_request("until must be a time that is past");
      stream_.until = UntilTime{*wall_ms};
    } else {
      Result<ParsedId> id = parse_id(*until, scope());
      if (!id) return not_a_place("until", "now, an RFC 3339 time, @ and milliseconds, or an id", id.error());
      if (id->position.size() < stream_.topics.size()) return bad_request("until must name every topic of the stream");
      stream_.until = UntilPosition{with_successors(std::move(id->position))};
    }
    return {};
  }

  // Long polls and NDJSON are made of envelopes.
  Result<void> read_shape() {
    const bool is_sse = stream_.representation == Representation::sse;
    stream_.format = is_sse && stream_.topics.size() == 1 ? Format::value : Format::envelope;
    if (const std::string* format = find("format")) {
      if (*format != "value" && *format != "envelope") return bad_request("format must be value or envelope");
      if (*format == "value" && !is_sse) return bad_request("format=value is for SSE streams");
      stream_.format = *format == "value" ? Format::value : Format::envelope;
    }
    if (const std::string* on_reset = find("on_reset")) {
      if (*on_reset == "latest") {
        stream_.on_reset = ResetPolicy::latest;
      } else if (*on_reset == "earliest") {
        stream_.on_reset = ResetPolicy::earliest;
      } else if (*on_reset == "stop") {
        stream_.on_reset = ResetPolicy::stop;
      } else {
        return bad_request("on_reset must be latest, earliest or stop");
      }
    }
    if (const std::string* gather = find("gather")) {
      const auto gather_ms = parse_decimal(*gather, kGatherMaxMs);
      if (!gather_ms) return bad_request("gather must be milliseconds from 0 to 1000");
      stream_.gather_ms = *gather_ms;
    }
    for (QueryParameter& parameter : parameters_) {
      if (parameter.name == "key") stream_.keys.push_back(std::move(parameter.value));
    }
    std::sort(stream_.keys.begin(), stream_.keys.end());
    stream_.keys.erase(std::unique(stream_.keys.begin(), stream_.keys.end()), stream_.keys.end());
    return {};
  }

  // `wait` and `max_bytes` on a stream would change nothing and are refused; `Prefer: wait` there is a wish, and passed
  // over.
  Result<void> read_poll() {
    const std::string* wait = find("wait");
    const std::string* bytes = find("max_bytes");
    if (!is_poll()) {
      if (wait || bytes) return bad_request(std::string{wait ? "wait" : "max_bytes"} + " is for long polls (as=json)");
      return {};
    }
    if (wait) {
      const auto seconds = parse_decimal(*wait, kPollWaitMaxS);
      if (!seconds) return bad_request("wait must be seconds from 0 to 50");
      stream_.wait_s = *seconds;
    } else if (const auto preferred = preferred_wait_s()) {
      stream_.wait_s = std::min(*preferred, kPollWaitMaxS);
      stream_.preference_applied = "wait=" + std::to_string(stream_.wait_s);
    }
    if (bytes) {
      const auto value = parse_decimal(*bytes, kPollBytesMax);
      if (!value || *value == 0) return bad_request("max_bytes must be from 1 to 16777216");
      stream_.bytes_max = *value;
    }
    return {};
  }

  // RFC 7240: the first `wait` counts; what does not parse is passed over.
  std::optional<std::int64_t> preferred_wait_s() const {
    const std::string* prefer = request_.header("prefer");
    for (std::string_view rest = prefer ? std::string_view{*prefer} : std::string_view{}; !rest.empty();) {
      std::string_view preference = take_until(rest, ',');
      std::string_view value = take_until(preference, ';');
      if (!equals_ignoring_case(take_until(value, '='), "wait")) continue;
      value = trimmed(value);
      if (value.size() > 1 && value.starts_with('"') && value.ends_with('"')) value = value.substr(1, value.size() - 2);
      if (value.empty() || value.find_first_not_of("0123456789") != value.npos) return std::nullopt;
      return parse_decimal(value).value_or(kPollWaitMaxS);  // more digits than a number has: a long time too
    }
    return std::nullopt;
  }

  // Of what is meant for an id the errors of ids say more than the list of what a parameter takes.
  Error not_a_place(std::string_view name, std::string_view takes, const Error& of_id) const {
    if (of_id.code == ErrorCode::newer_id) return naming(name, of_id);
    return bad_request(std::string{name} + " takes " + std::string{takes} + " (" + of_id.detail + ')');
  }

  const Request& request_;
  std::vector<QueryParameter> parameters_;
  std::int64_t now_ms_;
  StreamRequest& stream_;
};

// Not every client encodes what RFC 3986 wants encoded. In a Link a raw `>` would end the address.
void append_legal(std::string& query, std::string_view pair) {
  constexpr std::string_view kKept = "%!$'()*+,;=:@/?";  // beside what is never encoded
  for (const char& c : pair) {
    if (kKept.find(c) != kKept.npos) {
      query += c;
    } else {
      append_percent_encoded(query, {&c, 1});
    }
  }
}

}  // namespace

Position with_successors(Position position) {
  for (auto& [topic, parts] : position) {
    for (auto& [partition, passed] : parts) passed = std::min(passed, std::numeric_limits<Offset>::max() - 1);
  }
  return position;
}

Result<StreamRequest> parse_stream_request(const Request& request, std::int64_t now_ms) {
  StreamRequest stream;
  if (const Result<void> path = parse_path(request.path, stream); !path) return path.error();
  Result<std::vector<QueryParameter>> parameters = parse_query(request.query, {kParameters, "key", "last_event_id"});
  if (!parameters) return parameters.error();
  if (const Result<void> read = Reader{request, std::move(*parameters), now_ms, stream}.read(); !read)
    return read.error();
  return stream;
}

std::string next_query(const Request& request, std::string_view id) {
  constexpr std::string_view kFrom = "last_event_id=";
  std::string query;
  query.reserve(request.query.size() + 1 + kFrom.size() + id.size() * 3);  // %3A
  for (std::string_view rest = request.query; !rest.empty();) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::optional<std::string> name = percent_decode(pair.substr(0, pair.find('=')), Plus::is_space);
    const bool goes_on = name && !name->starts_with('_') && *name != "from" && *name != "last_event_id" &&
                         std::find(kParameters.begin(), kParameters.end(), *name) != kParameters.end();
    if (!goes_on) continue;
    append_legal(query, pair);
    query += '&';
  }
  query += kFrom;
  append_percent_encoded(query, id);
  return query;
}

}  // namespace tailgate
