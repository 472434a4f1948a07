#include "bench/response_reader.h"

#include <strings.h>

#include <charconv>

namespace tailgate::bench {
namespace {

bool begins_with(std::string_view line, std::string_view name) {
  return line.size() >= name.size() && strncasecmp(line.data(), name.data(), name.size()) == 0;
}

std::string_view value_of(std::string_view line, std::string_view name) {
  line.remove_prefix(name.size());
  while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  return line;
}

std::uint64_t to_number(std::string_view text, int base) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number, base);
  return number;
}

}  // namespace

void ResponseReader::take_line(std::string_view& bytes) {
  const auto end = bytes.find('\n');
  line_.append(bytes.substr(0, end));
  if (end == std::string_view::npos) {
    bytes = {};
    return;
  }
  bytes.remove_prefix(end + 1);
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  switch (state_) {
    case State::head:
      take_head_line(line_);
      break;
    case State::chunk_size:
      left_ = to_number(line_, 16);
      state_ = left_ == 0 ? State::trailer : State::chunk_data;
      break;
    case State::chunk_end:
      state_ = State::chunk_size;
      break;
    case State::trailer:
      if (line_.empty()) state_ = State::done;
      break;
    default:
      break;
  }
  line_.clear();
}

void ResponseReader::take_head_line(std::string_view line) {
  if (status_ == 0) {
    status_ = line.size() >= 12 ? static_cast<int>(to_number(line.substr(9, 3), 10)) : -1;
  } else if (begins_with(line, "content-length:")) {
    left_ = to_number(value_of(line, "content-length:"), 10);
  } else if (begins_with(line, "transfer-encoding:")) {
    is_chunked_ = value_of(line, "transfer-encoding:") == "chunked";
  } else if (begins_with(line, "etag:")) {
    etag_ = value_of(line, "etag:");
  } else if (begins_with(line, "last-modified:")) {
    last_modified_ = value_of(line, "last-modified:");
  } else if (line.empty()) {
    const bool has_body = status_ != 204 && status_ != 304;
    if (!has_body || (!is_chunked_ && left_ == 0)) {
      state_ = State::done;
    } else if (is_chunked_) {
      state_ = State::chunk_size;
    } else {
      state_ = left_ == UINT64_MAX ? State::until_close : State::counted;
    }
  }
}

}  // namespace tailgate::bench
