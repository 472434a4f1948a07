#include "tests/ledger/payload.h"

#include <charconv>

namespace tailgate::ledger {

namespace {

std::optional<std::int32_t> number_behind(std::string_view text, std::string_view mark) {
  const auto at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + mark.size());
  std::int32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  return number;
}

}  // namespace

Payload make_payload(std::int32_t partition, std::int64_t seq, std::size_t bytes) {
  const auto p = std::to_string(partition);
  const auto s = std::to_string(seq);
  Payload payload;
  payload.key = p + "/" + std::to_string(seq % 8);
  switch (seq % 31) {
    case 3:
      payload.content = Content::text;
      payload.value = "partition=" + p + " seq=" + s + "\r\n two\rthree\n\n: not a comment\r\nid: 9:9\r\n\r\n";
      break;
    case 7:
      payload.content = Content::binary;
      payload.value = std::string{"\xFF\x00", 2} + "partition=" + p + " seq=" + s;
      break;
    case 13:
      payload.content = Content::null;
      break;
    case 19:
      bytes *= 20;
      [[fallthrough]];
    default:
      payload.value = R"({"partition":)" + p + R"(, "seq":)" + s + R"(,"pad":")" + std::string(bytes, 'x') + "\"}";
  }
  return payload;
}

std::optional<std::int32_t> partition_in(Content content, std::string_view bytes, std::string_view key) {
  switch (content) {
    case Content::json:
      return number_behind(bytes, "{\"partition\":");
    case Content::null:
      return number_behind(key, "");
    default:
      return number_behind(bytes, "partition=");
  }
}

}  // namespace tailgate::ledger
