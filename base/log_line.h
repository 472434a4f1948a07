// How a line of the log looks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tailgate {

// Fields travel behind the message through spdlog, each as kFieldMark, type, name, kValueMark, value.
inline constexpr char kFieldMark = '\x1E';
inline constexpr char kValueMark = '\x1F';
inline constexpr char kTextField = 't';
inline constexpr char kNumberField = 'n';

struct LogLine {
  std::int64_t wall_ms;
  std::string_view level;
  std::string_view payload;  // message and fields
};

// One line each, with its end: what comes from outside cannot begin another one, or move a terminal's cursor.
std::string text_line(const LogLine& line);
std::string json_line(const LogLine& line);

}  // namespace tailgate
