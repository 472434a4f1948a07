#include "tests/support/browser.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <stdexcept>

namespace tailgate::test {

std::string Browser::text(const std::string& expression) {
  const auto value = run("return String(" + expression + ")");
  return {value.GetString(), value.GetStringLength()};
}

long long Browser::number(const std::string& expression) {
  const auto value = run("return " + expression);
  if (!value.IsNumber()) throw std::runtime_error(expression + " is no number");
  return value.IsInt64() ? value.GetInt64() : static_cast<long long>(value.GetDouble());
}

bool Browser::is(const std::string& expression) { return run("return Boolean(" + expression + ")").GetBool(); }

bool Browser::becomes(const std::string& expression, Deadline deadline) {
  return eventually([&] { return is(expression); }, deadline);
}

std::string quoted(const std::string& text) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
  writer.String(text);
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace tailgate::test
