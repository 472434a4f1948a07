#include "tests/ledger/stream_id.h"

#include <charconv>
#include <optional>

namespace tailgate::ledger {

namespace {

template <class T>
std::optional<T> number(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<std::int64_t> offset_of(std::string_view text) {
  if (text == "-") return -1;
  return number<std::int64_t>(text);
}

// The piece before the next `separator`, taken off `rest` together with it.
std::string_view take_until(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const auto piece = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return piece;
}

}  // namespace

bool read_id(std::string_view id, std::int32_t partition_of_bare,
             const std::function<void(std::string_view, std::int32_t, std::int64_t)>& on_part) {
  if (id.ends_with('!')) id.remove_suffix(1);
  if (id.empty()) return false;
  if (id.find_first_of(":=") == std::string_view::npos) {
    const auto offset = offset_of(id);
    if (!offset) return false;
    on_part({}, partition_of_bare, *offset);
    return true;
  }
  const bool names_topics = id.find('=') != std::string_view::npos;
  while (!id.empty()) {
    auto parts = take_until(id, ';');
    const auto topic = names_topics ? take_until(parts, '=') : std::string_view{};
    if (parts.empty() || (names_topics && topic.empty())) return false;
    std::int32_t before = -1;
    while (!parts.empty()) {
      auto part = take_until(parts, ',');
      const auto partition = number<std::int32_t>(take_until(part, ':'));
      const auto offset = offset_of(part);
      if (!partition || !offset || *partition <= before) return false;
      before = *partition;
      on_part(topic, *partition, *offset);
    }
  }
  return true;
}

}  // namespace tailgate::ledger
