#include "streams/exposure.h"

#include <algorithm>
#include <cstddef>

namespace tailgate {

namespace {

constexpr std::size_t kNameMax = 249;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool is_internal(std::string_view kafka_name) { return kafka_name.starts_with("__"); }

bool is_pattern(std::string_view entry) {
  return entry.find('*') != std::string_view::npos && entry.size() <= kNameMax &&
         std::all_of(entry.begin(), entry.end(), [](char c) { return c == '*' || is_name_char(c); });
}

// `*` stands for any number of characters. Goes back to the last star only: linear but for what that star re-reads.
bool matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_n = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_n = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_n;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace

bool is_topic_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), is_name_char);
}

Result<Exposure> Exposure::parse(const std::vector<std::string>& entries) {
  Exposure exposure;
  for (const std::string& entry : entries) {
    const auto wrong = [&entry](const char* why) { return Error{ErrorCode::bad_config, "'" + entry + "' " + why}; };
    const std::size_t equals = entry.find('=');
    if (equals != std::string::npos) {
      const std::string public_name = entry.substr(0, equals);
      const std::string kafka_name = entry.substr(equals + 1);
      if (!is_topic_name(public_name) || !is_topic_name(kafka_name))
        return wrong("is not PUBLIC=TOPIC with legal names");
      if (is_internal(kafka_name) || is_internal(public_name)) return wrong("names an internal topic");
      if (!exposure.by_public_.emplace(public_name, kafka_name).second) return wrong("gives a public name away twice");
      if (!exposure.by_kafka_.emplace(kafka_name, public_name).second)
        return wrong("gives a topic a second public name");
    } else if (is_pattern(entry)) {
      exposure.patterns_.push_back(entry);
    } else if (!is_topic_name(entry)) {
      return wrong("is not a topic name: letters, digits, '.', '_', '-', and '*' in patterns");
    } else if (is_internal(entry)) {
      return wrong("names an internal topic");
    } else {
      exposure.names_.push_back(entry);
    }
  }
  return exposure;
}

bool Exposure::covers(std::string_view public_name) const {
  if (!is_topic_name(public_name) || is_internal(public_name)) return false;
  if (by_public_.contains(public_name)) return true;
  if (by_kafka_.contains(public_name)) return false;  // reached by its public name alone
  return std::find(names_.begin(), names_.end(), public_name) != names_.end() ||
         std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const auto& pattern) { return matches(pattern, public_name); });
}

std::optional<std::string> Exposure::public_name_of(std::string_view kafka_name) const {
  if (const auto renamed = by_kafka_.find(kafka_name); renamed != by_kafka_.end()) return renamed->second;
  if (by_public_.contains(kafka_name) || !covers(kafka_name)) return std::nullopt;
  return std::string{kafka_name};
}

std::optional<std::vector<std::string>> Exposure::kafka_names() const {
  if (!patterns_.empty()) return std::nullopt;
  std::vector<std::string> names;
  for (const auto& name : names_) {
    if (!by_public_.contains(name) && !by_kafka_.contains(name)) names.push_back(name);
  }
  for (const auto& [public_name, kafka_name] : by_public_) names.push_back(kafka_name);
  return names;
}

}  // namespace tailgate
