#include "tests/ledger/body_reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "tests/ledger/event_stream.h"
#include "tests/ledger/json_slices.h"

namespace tailgate::ledger {

namespace {

constexpr std::array<std::pair<std::string_view, Seen::Kind>, 8> kControls{{
    {"position", Seen::Kind::position},
    {"gap", Seen::Kind::gap},
    {"reset", Seen::Kind::reset},
    {"busy", Seen::Kind::busy},
    {"expiring", Seen::Kind::expiring},
    {"reconnect", Seen::Kind::reconnect},
    {"end", Seen::Kind::end},
    {"fault", Seen::Kind::fault},
}};

std::optional<Seen::Kind> control_named(std::string_view name) {
  const auto* const found = std::ranges::find(kControls, name, &std::pair<std::string_view, Seen::Kind>::first);
  if (found == kControls.end()) return std::nullopt;
  return found->second;
}

Seen malformed(std::string_view text, std::string_view why) {
  Seen seen;
  seen.kind = Seen::Kind::malformed;
  seen.bytes = std::string{why} + ": " + std::string{text.substr(0, 400)};
  return seen;
}

std::string string_member(const JsonMembers& members, std::string_view name) {
  return json_string(json_member(members, name)).value_or("");
}

std::int64_t integer_member(const JsonMembers& members, std::string_view name) {
  return json_integer(json_member(members, name)).value_or(-1);
}

// The data of a control event. All of them are objects.
Seen read_control(Seen::Kind kind, std::string_view text) {
  const auto members = json_members(text);
  if (!members || !is_json(text)) return malformed(text, "a control event without a JSON object");
  Seen seen;
  seen.kind = kind;
  seen.bytes = text;
  seen.id = string_member(*members, "id");
  seen.topic = string_member(*members, "topic");
  seen.partition = static_cast<std::int32_t>(integer_member(*members, "partition"));
  seen.from = integer_member(*members, "from");
  seen.to = integer_member(*members, kind == Seen::Kind::reset ? "asked" : "to");
  if ((kind == Seen::Kind::gap || kind == Seen::Kind::reset) && (seen.topic.empty() || seen.partition < 0)) {
    return malformed(text, "a gap or reset that does not say where");
  }
  return seen;
}

// A key or a header's value: a string, {"base64":"…"}, or null. False: none of them.
bool read_key(std::string_view text, Seen& seen) {
  seen.key_known = true;
  if (text == "null") {
    seen.key.clear();
    return true;
  }
  auto plain = json_string(text);
  if (!plain) {
    const auto members = json_members(text);
    const auto encoded = members ? json_string(json_member(*members, "base64")) : std::nullopt;
    plain = encoded ? base64_bytes(*encoded) : std::nullopt;
  }
  if (!plain) return false;
  seen.key = std::move(*plain);
  return true;
}

class SseReader final : public BodyReader {
 public:
  explicit SseReader(const BodyShape& shape)
      : shape_{shape}, parser_{[this](ServerEvent& block, bool is_dispatched) { on_block(block, is_dispatched); }} {}

  void feed(std::string_view bytes, std::vector<Seen>& seen) override {
    out_ = &seen;
    parser_.feed(bytes);
  }
  void finish(std::vector<Seen>&) override {}
  bool is_inside_event() const override { return parser_.is_inside_block(); }
  std::string last_id() const override { return shape_.id_by_line ? parser_.id_of_last_line() : last_id_; }
  bool is_behind_id_line() const override { return shape_.id_by_line && parser_.is_behind_id_line(); }

 private:
  void on_block(ServerEvent& block, bool is_dispatched) {
    last_id_ = block.last_event_id;
    const bool may_lack_id = block.type == "busy";
    if (!is_dispatched) {
      out_->push_back(malformed(block.type, "a block without data (Firefox and Safari forget its id)"));
    } else if (!may_lack_id && (block.last_event_id.empty() || !block.id_was_last)) {
      out_->push_back(malformed(block.data, "a block whose last field is not its id"));
    } else {
      out_->push_back(seen_of(block));
      out_->back().id = block.last_event_id;
    }
  }

  Seen seen_of(ServerEvent& block) const {
    if (const auto control = control_named(block.type)) return read_control(*control, block.data);
    if (shape_.is_envelope) return read_envelope(block.data);
    Seen seen;
    if (block.type.empty() || block.type == "message") {
      seen.content = is_json(block.data) ? Content::json : Content::text;
      seen.newlines_lost = true;
      seen.bytes = std::move(block.data);
    } else if (block.type == "binary") {
      seen.content = Content::binary;
      auto bytes = base64_bytes(block.data);
      if (!bytes) return malformed(block.data, "binary that is not base64");
      seen.bytes = std::move(*bytes);
    } else if (block.type == "tombstone") {
      seen.content = Content::null;
      seen.key_known = true;
      seen.key = std::move(block.data);
    } else if (block.type == "oversize") {
      const auto members = json_members(block.data);
      if (!members) return malformed(block.data, "oversize without a JSON object");
      seen.content = Content::oversize;
      seen.topic = string_member(*members, "topic");
      seen.partition = static_cast<std::int32_t>(integer_member(*members, "partition"));
      seen.offset = integer_member(*members, "offset");
      seen.bytes = json_member(*members, "size");
    } else {
      return malformed(block.type, "an event name that is not documented");
    }
    return seen;
  }

  BodyShape shape_;
  EventStreamParser parser_;
  std::vector<Seen>* out_ = nullptr;
  std::string last_id_;
};

Seen read_line(std::string_view text) {
  const auto members = json_members(text);
  if (!members || !is_json(text)) return malformed(text, "a line that is not a JSON object");
  const auto event = string_member(*members, "event");
  if (event.empty()) {
    auto seen = read_envelope(text);
    seen.id = string_member(*members, "id");
    return seen;
  }
  if (event == "start") return read_control(Seen::Kind::position, text);
  const auto control = control_named(event);
  return control ? read_control(*control, text) : malformed(text, "an event name that is not documented");
}

class NdjsonReader final : public BodyReader {
 public:
  void feed(std::string_view bytes, std::vector<Seen>& seen) override {
    for (auto end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
      line_.append(bytes.substr(0, end));
      bytes.remove_prefix(end + 1);
      seen.push_back(read_line(line_));
      if (!seen.back().id.empty()) last_id_ = seen.back().id;
      line_.clear();
    }
    line_.append(bytes);
  }
  void finish(std::vector<Seen>& seen) override {
    if (!line_.empty()) seen.push_back(malformed(line_, "a last line without its end"));
  }
  bool is_inside_event() const override { return !line_.empty(); }
  std::string last_id() const override { return last_id_; }

 private:
  std::string line_;
  std::string last_id_;
};

// A batch is seen when all of it has come: a cut one is asked for again.
class LongPollReader final : public BodyReader {
 public:
  void feed(std::string_view bytes, std::vector<Seen>&) override { body_.append(bytes); }

  void finish(std::vector<Seen>& seen) override {
    const auto members = json_members(body_);
    const auto records = members ? json_elements(json_member(*members, "records")) : std::nullopt;
    const auto next = members ? string_member(*members, "next") : std::string{};
    if (!records || next.empty() || !is_json(body_)) {
      seen.push_back(malformed(body_, "a batch without records or next"));
      return;
    }
    std::vector<std::string_view> events;
    if (const auto text = json_member(*members, "events"); !text.empty()) {
      events = json_elements(text).value_or(std::vector<std::string_view>{});
      if (events.empty()) seen.push_back(malformed(text, "events that are none"));
    }
    auto event = events.begin();
    for (std::size_t at = 0; at <= records->size(); ++at) {
      for (; event != events.end() && before(*event) <= static_cast<std::int64_t>(at); ++event) {
        seen.push_back(read_line(*event));
        seen.back().id.clear();
      }
      if (at < records->size()) seen.push_back(read_envelope((*records)[at]));
    }
    if (event != events.end()) seen.push_back(malformed(*event, "an event whose `before` is beyond the records"));
    Seen moved;
    moved.kind = Seen::Kind::position;
    moved.id = next;
    seen.push_back(std::move(moved));
    last_id_ = next;
  }
  bool is_inside_event() const override { return !body_.empty(); }
  std::string last_id() const override { return last_id_; }

 private:
  static std::int64_t before(std::string_view event) {
    const auto members = json_members(event);
    return members ? integer_member(*members, "before") : -1;
  }

  std::string body_;
  std::string last_id_;
};

}  // namespace

Seen read_envelope(std::string_view text) {
  const auto members = json_members(text);
  if (!members || !is_json(text)) return malformed(text, "an envelope that is not a JSON object");
  Seen seen;
  seen.topic = string_member(*members, "topic");
  seen.partition = static_cast<std::int32_t>(integer_member(*members, "partition"));
  seen.offset = integer_member(*members, "offset");
  const auto encoding = string_member(*members, "encoding");
  const auto value = json_member(*members, "value");
  if (seen.topic.empty() || seen.partition < 0 || seen.offset < 0 || value.empty() ||
      !read_key(json_member(*members, "key"), seen)) {
    return malformed(text, "an envelope that lacks something");
  }
  std::optional<std::string> bytes;
  if (encoding == "json") {
    seen.content = Content::json;
    bytes = value;
  } else if (encoding == "string") {
    seen.content = Content::text;
    bytes = json_string(value);
  } else if (encoding == "base64") {
    seen.content = Content::binary;
    if (const auto encoded = json_string(value)) bytes = base64_bytes(*encoded);
  } else if (encoding == "null" && value == "null") {
    seen.content = Content::null;
    bytes = "";
  } else if (encoding == "oversize" && value == "null") {
    seen.content = Content::oversize;
    bytes = json_member(*members, "size");
  }
  if (!bytes) return malformed(text, "an envelope whose value does not fit its encoding");
  seen.bytes = std::move(*bytes);
  return seen;
}

std::unique_ptr<BodyReader> make_body_reader(const BodyShape& shape) {
  switch (shape.representation) {
    case Representation::ndjson:
      return std::make_unique<NdjsonReader>();
    case Representation::long_poll:
      return std::make_unique<LongPollReader>();
    case Representation::sse:
      break;
  }
  return std::make_unique<SseReader>(shape);
}

}  // namespace tailgate::ledger
