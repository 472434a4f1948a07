#include "tests/ledger/event_stream.h"

#include <algorithm>
#include <utility>

namespace tailgate::ledger {

namespace {
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
}

EventStreamParser::EventStreamParser(std::function<void(ServerEvent&, bool)> on_block)
    : on_block_{std::move(on_block)} {}

void EventStreamParser::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (was_cr_ && bytes.front() == '\n') {
      was_cr_ = false;
      bytes.remove_prefix(1);
      continue;
    }
    was_cr_ = false;
    const auto end = bytes.find_first_of("\r\n");
    line_.append(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    was_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (is_start_) {
      is_start_ = false;
      if (line_.starts_with(kByteOrderMark)) line_.erase(0, kByteOrderMark.size());
    }
    end_line();
    line_.clear();
  }
}

void EventStreamParser::end_line() {
  if (line_.empty()) {
    end_block();
    return;
  }
  if (line_.front() == ':') {
    ++comments_;
    return;
  }
  const std::string_view line = line_;
  const auto colon = line.find(':');
  const auto name = line.substr(0, colon);
  auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);

  in_block_ = true;
  is_id_last_ = name == "id";
  if (name == "event") {
    type_ = value;
  } else if (name == "data") {
    has_data_ = true;
    data_.append(value).push_back('\n');
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) id_ = value;
  } else if (name == "retry") {
    const bool is_number = !value.empty() && value.size() < 10 &&
                           std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (is_number) retry_ms_ = std::stoll(std::string{value});
  }
}

void EventStreamParser::end_block() {
  if (!in_block_) return;
  if (has_data_) data_.pop_back();
  ServerEvent event{std::move(type_), std::move(data_), id_, is_id_last_};
  const bool is_dispatched = has_data_;
  type_.clear();
  data_.clear();
  in_block_ = has_data_ = is_id_last_ = false;
  on_block_(event, is_dispatched);
}

}  // namespace tailgate::ledger
