#include "cursors/cursor_store.h"

#include <algorithm>

namespace tailgate {

bool is_cursor_name(std::string_view name) {
  const auto is_legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= kCursorNameBytesMax && std::all_of(name.begin(), name.end(), is_legal);
}

}  // namespace tailgate
