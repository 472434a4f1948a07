#include "cursors/id.h"

#include <algorithm>
#include <cassert>
#include <limits>

#include "base/decimal.h"
#include "cursors/offset_text.h"

namespace tailgate {
namespace {

constexpr std::string_view kNewerPrefix = "v2~";
constexpr std::size_t kOffsetDigitsMax = 19;
constexpr std::size_t kPartitionDigitsMax = 10;

constexpr const char* kForm = "the id must look like 42, 0:42,1:17 or topic=0:42;other=0:7";
constexpr const char* kOrder = "the id must name topics and partitions in ascending order, each once";

// The part of `rest` before the first `separator`; `rest` goes on behind it. Without one: all, and `rest` is nullopt.
std::string_view next_item(std::optional<std::string_view>& rest, char separator) {
  const std::string_view all = *rest;
  const std::size_t at = all.find(separator);
  rest = at == all.npos ? std::nullopt : std::optional{all.substr(at + 1)};
  return all.substr(0, at);
}

std::optional<std::int64_t> parse_number(std::string_view text, std::size_t digits_max, std::int64_t value_max) {
  return text.size() > digits_max ? std::nullopt : parse_decimal(text, value_max);
}

std::optional<Offset> parse_offset(std::string_view text) {
  if (text == "-") return kNothingPassed;
  return parse_number(text, kOffsetDigitsMax, std::numeric_limits<Offset>::max());
}

// One parse: what it returns is what is wrong, or null.
class IdParser {
 public:
  IdParser(const IdScope& scope, Position& position) : scope_{scope}, position_{position} {}

  const char* parse(std::string_view text) {
    if (text.find('=') != text.npos) return parse_topics(text);
    if (scope_.topics.size() != 1) return "on a stream of several topics the id must name them: topic=0:42;other=0:7";
    TopicPosition& only = position_[scope_.topics[0]];
    if (text.find(':') != text.npos) return parse_parts(text, only);
    const std::optional<Offset> offset = parse_offset(text);
    if (!offset) return kForm;
    only.emplace(scope_.partition.value_or(0), *offset);
    return nullptr;
  }

 private:
  const char* parse_topics(std::string_view text) {
    std::optional<std::string_view> rest = text;
    std::string_view last;
    while (rest) {
      std::optional<std::string_view> topic = next_item(rest, ';');
      const std::string_view name = next_item(topic, '=');
      if (!topic || name.empty()) return kForm;
      if (name <= last) return kOrder;
      last = name;
      const auto in_stream = std::find(scope_.topics.begin(), scope_.topics.end(), name);
      if (in_stream == scope_.topics.end()) return "the id names a topic that is not in this stream";
      if (const char* wrong = parse_parts(*topic, position_[*in_stream])) return wrong;
    }
    return nullptr;
  }

  const char* parse_parts(std::string_view text, TopicPosition& parts) {
    std::optional<std::string_view> rest = text;
    while (rest) {
      std::optional<std::string_view> value = next_item(rest, ',');
      const auto partition =
          parse_number(next_item(value, ':'), kPartitionDigitsMax, std::numeric_limits<std::int32_t>::max());
      if (!value || !partition) return kForm;
      const std::optional<Offset> offset = parse_offset(*value);
      if (!offset) return kForm;
      if (!parts.empty() && *partition <= parts.rbegin()->first) return kOrder;
      if (scope_.partition && *partition != *scope_.partition) {
        return "the id names another partition than that of this stream";
      }
      if (++partitions_ > kIdPartitionsMax) return "the id names more than 256 partitions";
      parts.emplace_hint(parts.end(), static_cast<std::int32_t>(*partition), *offset);
    }
    return nullptr;
  }

  const IdScope& scope_;
  Position& position_;
  std::size_t partitions_ = 0;
};

void append_parts(std::string& text, const TopicPosition& parts) {
  OffsetText digits;
  bool first = true;
  for (const auto& [partition, passed] : parts) {
    if (!first) text += ',';
    first = false;
    text += digits.of(partition);
    text += ':';
    text += digits.of(passed);
  }
}

}  // namespace

Result<ParsedId> parse_id(std::string_view text, const IdScope& scope) {
  assert(!scope.topics.empty() && (!scope.partition || scope.topics.size() == 1));
  if (text.starts_with(kNewerPrefix)) {
    return Error{ErrorCode::newer_id, "the id was made by a newer version of this server"};
  }
  ParsedId id;
  if (text.ends_with('!')) {
    id.ended = true;
    text.remove_suffix(1);
  }
  if (text.size() > kIdBytesMax) return Error{ErrorCode::bad_id, "the id is longer than 6 KiB"};
  if (const char* wrong = IdParser{scope, id.position}.parse(text)) return Error{ErrorCode::bad_id, wrong};
  return id;
}

std::string format_id(const Position& position, IdForm form) {
  std::string text;
  for (const auto& [topic, parts] : position) {
    if (parts.empty()) continue;
    switch (form) {
      case IdForm::offset:
        assert(text.empty() && parts.size() == 1);
        text = OffsetText{}.of(parts.begin()->second);
        break;
      case IdForm::parts:
        assert(text.empty());
        append_parts(text, parts);
        break;
      case IdForm::topics:
        if (!text.empty()) text += ';';
        text.append(topic).append(1, '=');
        append_parts(text, parts);
        break;
    }
  }
  return text;
}

}  // namespace tailgate
