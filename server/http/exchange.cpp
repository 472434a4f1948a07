#include "server/http/exchange.h"

#include <algorithm>

namespace tailgate {

const std::string* Request::header(std::string_view name) const {
  const std::string* found = nullptr;
  for (const HeaderField& field : headers) {
    if (field.name != name) continue;
    if (!found) {
      found = &field.value;
      continue;
    }
    if (found != &joined_) joined_ = *found;
    joined_.append(", ").append(field.value);
    found = &joined_;
  }
  return found;
}

std::size_t Request::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(headers.begin(), headers.end(), [name](const HeaderField& field) { return field.name == name; }));
}

}  // namespace tailgate
