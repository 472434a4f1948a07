#include "server/http/http_thread.h"

#include <charconv>

namespace tailgate {

std::string HttpThread::make_request_id() {
  std::array<char, 24> text;
  const auto index = std::to_chars(text.data(), text.data() + text.size(), loop.index(), 36);
  *index.ptr = '-';
  const auto number = std::to_chars(index.ptr + 1, text.data() + text.size(), ++requests_, 36);
  return {text.data(), number.ptr};
}

}  // namespace tailgate
