// Whole numbers as outside texts write them: decimal digits and nothing else.
#pragma once

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>

namespace tailgate {

// No sign, no white space, at least one digit, not above `value_max`. Leading zeros are taken.
inline std::optional<std::int64_t> parse_decimal(std::string_view text,
                                                 std::int64_t value_max = std::numeric_limits<std::int64_t>::max()) {
  if (text.empty() || text[0] == '-') return std::nullopt;  // from_chars would take the minus
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size() || value > value_max) return std::nullopt;
  return value;
}

}  // namespace tailgate
