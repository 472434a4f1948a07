#include "server/config_values.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/decimal.h"

namespace tailgate {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// From the largest on, so that values are written in the largest unit that fits them.
constexpr std::array<Unit, 5> kDurations = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 5> kSizes = {{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}};

std::optional<std::int64_t> parse_with_unit(std::string_view text, const std::array<Unit, 5>& units) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_decimal(text.substr(0, digits));
  const auto unit =
      std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == text.substr(digits); });
  if (!number || unit == units.end()) return std::nullopt;
  if (*number > std::numeric_limits<std::int64_t>::max() / unit->factor) return std::nullopt;
  return *number * unit->factor;
}

std::string format_with_unit(std::int64_t value, const std::array<Unit, 5>& units) {
  const auto unit = std::find_if(units.begin(), units.end(), [value](const Unit& u) { return value % u.factor == 0; });
  return std::to_string(value / unit->factor).append(unit->name);
}

}  // namespace

std::optional<bool> parse_switch(std::string_view text) {
  for (const std::string_view on : {"on", "true", "yes", "1"}) {
    if (text == on) return true;
  }
  for (const std::string_view off : {"off", "false", "no", "0"}) {
    if (text == off) return false;
  }
  return std::nullopt;
}

std::optional<std::int64_t> parse_duration_ms(std::string_view text) { return parse_with_unit(text, kDurations); }

std::string format_duration(std::int64_t ms) { return ms == 0 ? "0s" : format_with_unit(ms, kDurations); }

std::optional<std::size_t> parse_size(std::string_view text) {
  const auto bytes = parse_with_unit(text, kSizes);
  return bytes ? std::optional{static_cast<std::size_t>(*bytes)} : std::nullopt;
}

std::string format_size(std::size_t bytes) {
  return bytes == 0 ? "0" : format_with_unit(static_cast<std::int64_t>(bytes), kSizes);
}

}  // namespace tailgate
