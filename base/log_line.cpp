#include "base/log_line.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "base/json.h"
#include "base/utf8.h"

namespace tailgate {
namespace {

struct Field {
  std::string_view name;
  std::string_view value;
  bool is_number;
};

// 2026-09-21T13:46:40.123Z
std::string timestamp(std::int64_t wall_ms) {
  const std::time_t seconds = wall_ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> day;
  const std::size_t size = std::strftime(day.data(), day.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  const std::string ms = std::to_string(1000 + wall_ms % 1000);
  return std::string{day.data(), size} + '.' + ms.substr(1) + 'Z';
}

std::string_view take_message(std::string_view& payload) {
  const std::size_t end = std::min(payload.find(kFieldMark), payload.size());
  const std::string_view message = payload.substr(0, end);
  payload.remove_prefix(end);
  return message;
}

// The field that `payload` begins with; it goes on behind it.
Field take_field(std::string_view& payload) {
  payload.remove_prefix(1);
  const std::string_view all = payload.substr(0, std::min(payload.find(kFieldMark), payload.size()));
  payload.remove_prefix(all.size());
  const std::size_t mark = std::min(all.find(kValueMark), all.size());
  return {.name = all.substr(std::min<std::size_t>(1, mark), mark - std::min<std::size_t>(1, mark)),
          .value = all.substr(std::min(mark + 1, all.size())),
          .is_number = all.starts_with(kNumberField)};
}

// UTF-8 without the controls beyond ASCII (U+0080 to U+009F), which terminals obey as well.
bool is_showable(std::string_view text) {
  if (!is_utf8_text(text)) return false;
  for (std::size_t at = text.find('\xC2'); at != text.npos; at = text.find('\xC2', at + 1)) {
    if (static_cast<unsigned char>(text[at + 1]) < 0xA0) return false;
  }
  return true;
}

void append_visible(std::string& out, std::string_view text) {
  const bool is_text = is_showable(text);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F && (byte < 0x80 || is_text)) {
      out += c;
      continue;
    }
    constexpr char kHexDigits[] = "0123456789abcdef";
    out.append("\\x").append(1, kHexDigits[byte >> 4]).append(1, kHexDigits[byte & 15]);
  }
}

// Other text is shown as in a text line.
void append_json_text(std::string& out, std::string_view text) {
  if (is_showable(text)) return append_json_string(out, text);
  std::string visible;
  append_visible(visible, text);
  append_json_string(out, visible);
}

}  // namespace

std::string text_line(const LogLine& line) {
  std::string_view rest = line.payload;
  std::string out = timestamp(line.wall_ms);
  out.append(1, ' ').append(line.level).append(1, ' ');
  append_visible(out, take_message(rest));
  while (!rest.empty()) {
    const Field field = take_field(rest);
    out.append(1, ' ').append(field.name).append(1, '=');
    append_visible(out, field.value);
  }
  return out += '\n';
}

std::string json_line(const LogLine& line) {
  std::string_view rest = line.payload;
  std::string out = "{\"time\":\"" + timestamp(line.wall_ms) + "\",\"level\":\"";
  out.append(line.level).append("\",\"message\":");
  append_json_text(out, take_message(rest));
  while (!rest.empty()) {
    const Field field = take_field(rest);
    out += ',';
    append_json_string(out, field.name);
    out += ':';
    if (field.is_number) {
      out += field.value;
    } else {
      append_json_text(out, field.value);
    }
  }
  return out += "}\n";
}

}  // namespace tailgate
