#include "server/config_sources.h"

// What is wrong with a file comes as a value.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "server/settings.h"

namespace tailgate {
namespace {

constexpr std::string_view kPrefix = "TAILGATE_";
constexpr std::string_view kLibrdkafkaPrefix = "TAILGATE_LIBRDKAFKA__";

Error bad_config(std::string detail) { return {ErrorCode::bad_config, std::move(detail)}; }

std::optional<std::string> text_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";  // librdkafka takes no other words
  return std::nullopt;
}

std::optional<std::vector<std::string>> texts_of(const toml::node& node) {
  std::vector<std::string> texts;
  const toml::array* array = node.as_array();
  if (!array) {
    auto text = text_of(node);
    if (!text) return std::nullopt;
    texts.push_back(std::move(*text));
    return texts;
  }
  for (const toml::node& entry : *array) {
    auto text = text_of(entry);
    if (!text) return std::nullopt;
    texts.push_back(std::move(*text));
  }
  return texts;
}

std::string place_of(const std::string& path, const toml::source_region& region) {
  return path + " line " + std::to_string(region.begin.line);
}

// Keys of the table `prefix` names, with those of [librdkafka] below it, where a dotted key ("client.rack") makes
// tables of tables.
Result<void> collect(const toml::table& table, const std::string& prefix, const std::string& path,
                     std::vector<Given>& found) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string{key.str()};
    const std::string place = place_of(path, node.source());
    if (const toml::table* inner = node.as_table(); inner && name.starts_with(kLibrdkafka)) {
      if (Result<void> done = collect(*inner, name + '.', path, found); !done) return done;
      continue;
    }
    auto texts = texts_of(node);
    if (!texts)
      return bad_config(name + " (" + place + "): must be a text, a whole number, true or false, or a list of these");
    found.push_back({name, std::move(*texts), place});
  }
  return {};
}

std::string lower(std::string_view text) {
  std::string lowered{text};
  std::transform(lowered.begin(), lowered.end(), lowered.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lowered;
}

// TAILGATE_LIBRDKAFKA__SSL_CA_LOCATION is ssl.ca.location: no property has an underscore in its name.
std::string setting_name(std::string_view variable) {
  if (!variable.starts_with(kLibrdkafkaPrefix)) return lower(variable.substr(kPrefix.size()));
  std::string property = lower(variable.substr(kLibrdkafkaPrefix.size()));
  std::replace(property.begin(), property.end(), '_', '.');
  return std::string{kLibrdkafka} + '.' + property;
}

}  // namespace

Result<std::vector<Given>> read_config_file(const std::string& path) {
  std::error_code unknown;  // what cannot be looked at cannot be opened either
  if (std::filesystem::is_directory(path, unknown)) return bad_config("config file " + path + ": is a directory");
  const toml::parse_result parsed = toml::parse_file(path);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    const bool has_place = error.source().begin.line > 0;
    return bad_config((has_place ? place_of(path, error.source()) : "config file " + path) + ": " +
                      std::string{error.description()});
  }
  std::vector<Given> found;
  if (const Result<void> done = collect(parsed.table(), "", path, found); !done) return done.error();
  return found;
}

std::vector<Given> read_environment(const std::vector<std::string>& environment) {
  std::vector<Given> found;
  for (const std::string_view variable : environment) {
    const std::size_t equals = variable.find('=');
    if (equals == variable.npos || equals + 1 == variable.size()) continue;
    const std::string_view name = variable.substr(0, equals);
    const bool is_of_kubernetes = name.starts_with("TAILGATE_SERVICE_") || name.starts_with("TAILGATE_PORT");
    if (!name.starts_with(kPrefix) || is_of_kubernetes || name == "TAILGATE_CONFIG") continue;
    found.push_back({setting_name(name), {std::string{variable.substr(equals + 1)}}, "variable " + std::string{name}});
  }
  return found;
}

std::string find_variable(const std::vector<std::string>& environment, std::string_view name) {
  for (const std::string& variable : environment) {
    if (variable.size() > name.size() && variable.starts_with(name) && variable[name.size()] == '=') {
      return variable.substr(name.size() + 1);
    }
  }
  return {};
}

}  // namespace tailgate
