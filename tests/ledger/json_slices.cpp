#include "tests/ledger/json_slices.h"

#include <rapidjson/document.h>

#include <array>
#include <charconv>
#include <cstdint>

namespace tailgate::ledger {

namespace {

void skip_space(std::string_view& rest) {
  while (!rest.empty() && std::string_view{" \t\r\n"}.find(rest.front()) != std::string_view::npos)
    rest.remove_prefix(1);
}

// The value at the front of `rest`, taken off it; empty: none.
std::string_view take_value(std::string_view& rest) {
  skip_space(rest);
  const auto whole = rest;
  int depth = 0;
  bool in_string = false;
  std::size_t at = 0;
  for (; at < whole.size(); ++at) {
    const char c = whole[at];
    if (in_string) {
      if (c == '\\')
        ++at;
      else if (c == '"')
        in_string = false;
      if (!in_string && depth == 0) {
        ++at;
        break;
      }
      continue;
    }
    if (c == '"')
      in_string = true;
    else if (c == '{' || c == '[')
      ++depth;
    else if (c == '}' || c == ']') {
      if (depth == 0) break;
      if (--depth == 0) {
        ++at;
        break;
      }
    } else if (depth == 0 && (c == ',' || c == ':' || c == ' ' || c == '\n' || c == '\r' || c == '\t'))
      break;
  }
  if (at > whole.size()) at = whole.size();
  rest.remove_prefix(at);
  return whole.substr(0, at);
}

bool take(std::string_view& rest, char c) {
  skip_space(rest);
  if (rest.empty() || rest.front() != c) return false;
  rest.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<JsonMembers> json_members(std::string_view text) {
  JsonMembers members;
  if (!take(text, '{')) return std::nullopt;
  if (take(text, '}')) return members;
  do {
    auto name = take_value(text);
    if (name.size() < 2 || name.front() != '"' || !take(text, ':')) return std::nullopt;
    const auto value = take_value(text);
    if (value.empty()) return std::nullopt;
    members.emplace_back(name.substr(1, name.size() - 2), value);
  } while (take(text, ','));
  if (!take(text, '}')) return std::nullopt;
  return members;
}

std::optional<std::vector<std::string_view>> json_elements(std::string_view text) {
  std::vector<std::string_view> elements;
  if (!take(text, '[')) return std::nullopt;
  if (take(text, ']')) return elements;
  do {
    const auto value = take_value(text);
    if (value.empty()) return std::nullopt;
    elements.push_back(value);
  } while (take(text, ','));
  if (!take(text, ']')) return std::nullopt;
  return elements;
}

bool is_json(std::string_view text) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag |
                 rapidjson::kParseNumbersAsStringsFlag>(text.data(), text.size());
  return !document.HasParseError();
}

std::string_view json_member(const JsonMembers& members, std::string_view name) {
  for (const auto& [its_name, value] : members) {
    if (its_name == name) return value;
  }
  return {};
}

std::optional<std::string> json_string(std::string_view text) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(text.data(), text.size());
  if (document.HasParseError() || !document.IsString()) return std::nullopt;
  return std::string{document.GetString(), document.GetStringLength()};
}

std::optional<std::int64_t> json_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::string> base64_bytes(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string bytes;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text.substr(0, text.size() - padding)) {
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes.push_back(static_cast<char>(bits >> held & 0xFF));
    }
  }
  return bytes;
}

}  // namespace tailgate::ledger
