#include "base/log.h"

#include <spdlog/async.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>

#include "base/log_line.h"
#include "base/thread_name.h"

namespace tailgate {
namespace {

constexpr std::size_t kQueueLines = 8192;

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      break;
  }
  return spdlog::level::err;
}

std::string_view level_name(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::info:
      return "info";
    case spdlog::level::warn:
      return "warning";
    default:
      return "error";
  }
}

class Formatter final : public spdlog::formatter {
 public:
  explicit Formatter(bool is_json) : is_json_{is_json} {}
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    using std::chrono::milliseconds;
    const LogLine line{std::chrono::duration_cast<milliseconds>(message.time.time_since_epoch()).count(),
                       level_name(message.level),
                       {message.payload.data(), message.payload.size()}};
    const std::string text = is_json_ ? json_line(line) : text_line(line);
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<Formatter>(is_json_); }

 private:
  bool is_json_;
};

}  // namespace

Logging::Logging(LogLevel level, LogFormat format) {
  const bool is_json = format == LogFormat::json || (format == LogFormat::automatic && isatty(STDERR_FILENO) == 0);
  spdlog::init_thread_pool(kQueueLines, 1, [] { name_thread("log"); });
  auto logger =
      std::make_shared<spdlog::async_logger>("tailgate", std::make_shared<spdlog::sinks::stderr_sink_mt>(),
                                             spdlog::thread_pool(), spdlog::async_overflow_policy::overrun_oldest);
  logger->set_formatter(std::make_unique<Formatter>(is_json));
  spdlog::set_default_logger(std::move(logger));
  set_level(level);
}

Logging::~Logging() { spdlog::shutdown(); }

void Logging::set_level(LogLevel level) { spdlog::set_level(spdlog_level(level)); }

bool Logging::is_written(LogLevel level) {
  spdlog::logger* const logger = spdlog::default_logger_raw();
  return logger != nullptr && logger->should_log(spdlog_level(level));
}

std::uint64_t Logging::dropped() {
  const auto pool = spdlog::thread_pool();
  return pool ? pool->overrun_counter() : 0;
}

void log_fields(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!Logging::is_written(level)) return;
  std::string payload{message};
  // The marks are controls: no header or path has any, and what has is not taken for a field.
  const auto is_mark = [](char c) { return c == kFieldMark || c == kValueMark; };
  for (const LogField& field : fields) {
    if (field.value.empty()) continue;
    payload.append(1, kFieldMark).append(1, field.is_number ? kNumberField : kTextField).append(field.name);
    payload.append(1, kValueMark);
    std::copy_if(field.value.begin(), field.value.end(), std::back_inserter(payload),
                 [&](char c) { return !is_mark(c); });
  }
  spdlog::default_logger_raw()->log(spdlog_level(level), spdlog::string_view_t{payload.data(), payload.size()});
}

std::string redact_query(std::string_view query) {
  // Names are compared in part: `id_token`, `api_key_secret` and an encoded name may well be one of these too.
  // The name of a cursor is what gives the right to it; keys are the data of somebody.
  constexpr std::array<std::string_view, 8> kSecret = {"token", "ticket", "secret", "password",
                                                       "auth",  "cursor", "key",    "%"};
  std::string redacted;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::string_view name = pair.substr(0, pair.find('='));
    std::string lower{name};
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const bool is_secret = std::any_of(kSecret.begin(), kSecret.end(),
                                       [&](std::string_view part) { return lower.find(part) != lower.npos; });
    if (!redacted.empty()) redacted += '&';
    if (is_secret) {
      redacted.append(name.find('%') == name.npos ? name : "***").append("=***");
    } else {
      redacted.append(pair);
    }
  }
  return redacted;
}

}  // namespace tailgate
