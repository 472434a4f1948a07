// The log: lines on stderr, as text for people or as one JSON object a line for machines, written by a thread of its
// own.
//
// Other parts use spdlog::info("…", …) and the like. Whoever has fields to tell uses log_fields.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace tailgate {

enum class LogLevel : std::uint8_t { debug, info, warning, error };
enum class LogFormat : std::uint8_t { automatic, text, json };  // automatic: text on a terminal, else JSON

// Makes the process's logger. Lines wait in a bounded queue for a stderr that does not keep up (a full disk, a pipe
// that nobody reads), and the oldest are dropped when it is full: nothing that logs ever waits. Destroyed, it writes
// what is left.
class Logging {
 public:
  Logging(LogLevel level, LogFormat format);
  ~Logging();
  Logging(const Logging&) = delete;
  Logging& operator=(const Logging&) = delete;

  static void set_level(LogLevel level);
  // False: what is logged at this level goes nowhere, and need not be made. Threads: any.
  static bool is_written(LogLevel level);
  // Lines dropped so far, while there is a logger. Threads: any.
  static std::uint64_t dropped();
};

struct LogField {
  std::string_view name;
  std::string_view value;
  bool is_number = false;

  LogField(std::string_view name_in, std::string_view value_in) : name{name_in}, value{value_in} {}
  LogField(std::string_view name_in, std::uint64_t number)
      : name{name_in}, is_number{true}, digits_{std::to_string(number)} {
    value = digits_;
  }
  LogField(const LogField&) = delete;
  LogField& operator=(const LogField&) = delete;

 private:
  std::string digits_;
};

// "message name=value …" or {"time":…,"level":…,"message":…,"name":value,…}. Fields without a value are left out.
void log_fields(LogLevel level, std::string_view message, std::initializer_list<LogField> fields);

// A query as it may be logged: "***" for the value of whatever may be a credential.
std::string redact_query(std::string_view query);

}  // namespace tailgate
