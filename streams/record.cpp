#include "streams/record.h"

#include <cassert>
#include <cstring>

namespace tailgate {

namespace {

template <class T>
T take(std::string_view& bytes) {
  assert(bytes.size() >= sizeof(T));
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

template <class T>
void put(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

bool RecordHeaders::next() {
  if (rest.empty()) return false;
  const auto name_bytes = take<std::uint32_t>(rest);
  const auto value_bytes = take<std::int32_t>(rest);
  name = rest.substr(0, name_bytes);
  rest.remove_prefix(name_bytes);
  value.reset();
  if (value_bytes >= 0) {
    value = rest.substr(0, static_cast<std::size_t>(value_bytes));
    rest.remove_prefix(static_cast<std::size_t>(value_bytes));
  }
  return true;
}

void RecordHeaders::pack(std::string& packed, std::string_view name, std::optional<std::string_view> value) {
  put(packed, static_cast<std::uint32_t>(name.size()));
  put(packed, value ? static_cast<std::int32_t>(value->size()) : std::int32_t{-1});
  packed += name;
  if (value) packed += *value;
}

}  // namespace tailgate
