#include "server/http/date_line.h"

#include <array>
#include <ctime>

namespace tailgate {
namespace {

constexpr std::string_view kName = "Date: ";
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void append_two(std::string& out, int number) {
  out += static_cast<char>('0' + number / 10 % 10);
  out += static_cast<char>('0' + number % 10);
}

}  // namespace

std::string_view DateLine::line(std::int64_t wall_ms) {
  const std::int64_t second = wall_ms / 1000;
  if (second == second_) return line_;
  second_ = second;
  const auto time = static_cast<std::time_t>(second);
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  line_ = kName;
  line_ += kDays[static_cast<std::size_t>(utc.tm_wday)];
  line_ += ", ";
  append_two(line_, utc.tm_mday);
  line_ += ' ';
  line_ += kMonths[static_cast<std::size_t>(utc.tm_mon)];
  line_ += ' ';
  line_ += std::to_string(utc.tm_year + 1900);
  line_ += ' ';
  append_two(line_, utc.tm_hour);
  line_ += ':';
  append_two(line_, utc.tm_min);
  line_ += ':';
  append_two(line_, utc.tm_sec);
  line_ += " GMT";
  line_ += kLineEnd;
  return line_;
}

std::string_view DateLine::value(std::int64_t wall_ms) {
  std::string_view text = line(wall_ms);
  text.remove_prefix(kName.size());
  text.remove_suffix(kLineEnd.size());
  return text;
}

}  // namespace tailgate
