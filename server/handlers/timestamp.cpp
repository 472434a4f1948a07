#include "server/handlers/timestamp.h"

#include <algorithm>
#include <chrono>

#include "base/decimal.h"

namespace tailgate {
namespace {

constexpr std::int64_t kLastMs = 253'402'300'799'999;  // the end of the year 9999

// The text from its start on: each call takes a part off it.
class Parts {
 public:
  explicit Parts(std::string_view text) : rest_{text} {}

  std::optional<int> number(std::size_t digits, int value_max) {
    if (rest_.size() < digits) return std::nullopt;
    const std::optional<std::int64_t> value = parse_decimal(rest_.substr(0, digits), value_max);
    if (!value) return std::nullopt;
    rest_.remove_prefix(digits);
    return static_cast<int>(*value);
  }
  bool any_of(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_[0]) == characters.npos) return false;
    last_ = rest_[0];
    rest_.remove_prefix(1);
    return true;
  }
  char last() const { return last_; }
  // The digits behind the point of a second, in milliseconds, rounded up; nullopt: there are none.
  std::optional<int> fraction_ms() {
    int ms = 0;
    int unit = 100;
    bool is_more = false;
    std::size_t digits = 0;
    for (; digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9'; ++digits, unit /= 10) {
      ms += (rest_[digits] - '0') * unit;
      is_more = is_more || (unit == 0 && rest_[digits] != '0');
    }
    if (digits == 0) return std::nullopt;
    rest_.remove_prefix(digits);
    return ms + (is_more ? 1 : 0);
  }
  bool is_done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  char last_ = 0;
};

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  Parts parts{text};
  const auto year = parts.number(4, 9999);
  if (!year || !parts.any_of("-")) return std::nullopt;
  const auto month = parts.number(2, 12);
  if (!month || !parts.any_of("-")) return std::nullopt;
  const auto day = parts.number(2, 31);
  if (!day || !parts.any_of("Tt ")) return std::nullopt;
  const auto hour = parts.number(2, 23);
  if (!hour || !parts.any_of(":")) return std::nullopt;
  const auto minute = parts.number(2, 59);
  if (!minute || !parts.any_of(":")) return std::nullopt;
  const auto second = parts.number(2, 60);  // 60: a leap second is the start of the next minute
  if (!second) return std::nullopt;
  const auto fraction_ms = parts.any_of(".") ? parts.fraction_ms() : 0;
  if (!fraction_ms || !parts.any_of("Zz+- ")) return std::nullopt;
  int zone_minutes = 0;
  if (const char sign = parts.last(); sign != 'Z' && sign != 'z') {
    const auto zone_hour = parts.number(2, 23);
    if (!zone_hour || !parts.any_of(":")) return std::nullopt;
    const auto zone_minute = parts.number(2, 59);
    if (!zone_minute) return std::nullopt;
    zone_minutes = (*zone_hour * 60 + *zone_minute) * (sign == '-' ? -1 : 1);
  }
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!parts.is_done() || !date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  const std::int64_t minutes = (days * 24 + *hour) * 60 + *minute - zone_minutes;
  return std::clamp<std::int64_t>((minutes * 60 + *second) * 1000 + *fraction_ms, 0, kLastMs);
}

}  // namespace

std::optional<std::int64_t> parse_timestamp(std::string_view text) {
  if (text.starts_with('@')) return parse_decimal(text.substr(1), kLastMs);
  return parse_rfc3339(text);
}

}  // namespace tailgate
