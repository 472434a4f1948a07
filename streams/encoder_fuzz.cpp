// Values come from anybody: what the HTML standard's parser makes of an event must be the value again, and nothing
// else.
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "base/json.h"
#include "base/utf8.h"
#include "streams/encoder.h"

namespace {

using namespace tailgate;

void require(bool claim) {
  if (!claim) std::abort();
}

struct Event {
  std::string type;
  std::string data;
  std::string id;
};

// One event, as section 9.2.6 of the HTML standard reads it; nothing may be left behind it.
Event parse(std::string_view stream) {
  Event event;
  bool has_data = false;
  while (true) {
    const auto end = stream.find_first_of("\r\n");
    require(end != std::string_view::npos);
    const std::string_view line = stream.substr(0, end);
    stream.remove_prefix(end + (stream.substr(end, 2) == "\r\n" ? 2 : 1));
    if (line.empty()) break;
    const auto colon = line.find(':');
    require(colon != std::string_view::npos && colon > 0);
    const std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    require(event.id.empty());  // the id is last
    if (name == "event") {
      event.type = value;
    } else if (name == "data") {
      event.data.append(value).push_back('\n');
      has_data = true;
    } else {
      require(name == "id");
      event.id = value;
    }
  }
  require(stream.empty() && has_data);
  event.data.pop_back();
  return event;
}

// Every CR, LF and CRLF is one line break, which comes out as LF.
std::string with_line_feeds(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && text.substr(i, 2) == "\r\n") continue;
    out += text[i] == '\r' ? '\n' : text[i];
  }
  return out;
}

Event encoded(EventFormat as, const RecordView& record) {
  std::string out;
  append_front(out, as, "topic", 1, record);
  append_tail(out, as, "0:42");
  const Event event = parse(out);
  require(event.id == "0:42");
  return event;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  RecordView record;
  record.offset = 42;
  record.value = bytes;
  const Event value = encoded(EventFormat::sse_value, record);
  if (is_utf8_text(bytes)) {
    require(value.type.empty() && value.data == with_line_feeds(bytes));
  } else {
    require(value.type == "binary" && decode_base64(value.data) == std::optional<std::string>{bytes});
  }

  RecordView tombstone;
  tombstone.key = bytes;
  require(encoded(EventFormat::sse_value, tombstone).type == "tombstone");

  record.key = bytes;
  std::string headers;
  RecordHeaders::pack(headers, bytes.substr(0, size / 2), bytes.substr(size / 2));
  record.headers = headers;
  const Event envelope = encoded(EventFormat::sse_envelope, record);
  require(envelope.type.empty() && is_json(envelope.data) && envelope.data.find('\n') == std::string::npos);
  std::string line;
  append_front(line, EventFormat::ndjson, "topic", 1, record);
  append_tail(line, EventFormat::ndjson, "0:42");
  require(line.find('\n') == line.size() - 1 && is_json(std::string_view{line}.substr(0, line.size() - 1)));
  return 0;
}
