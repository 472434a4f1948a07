#include "server/http/request_rules.h"

#include <algorithm>
#include <array>

namespace tailgate {
namespace {

constexpr std::array<std::string_view, 7> kKnownMethods{"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"};

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
constexpr bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }
constexpr bool is_token_char(char c) { return is_alpha(c) || is_digit(c) || is_one_of(c, "!#$%&'*+-.^_`|~"); }
constexpr bool is_value_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte != 0x7f) || c == '\t';
}

// One look a byte: every field of every request and answer passes here.
class CharSet {
 public:
  constexpr explicit CharSet(bool (*has)(char)) {
    for (std::size_t i = 0; i < has_.size(); ++i) has_[i] = has(static_cast<char>(i));
  }
  constexpr bool has_all(std::string_view text) const {
    bool has = true;
    for (const char c : text) has &= has_[static_cast<unsigned char>(c)];
    return has;
  }

 private:
  std::array<bool, 256> has_{};
};

constexpr CharSet kTokenChars{is_token_char};
constexpr CharSet kValueChars{is_value_char};

bool is_reg_name(std::string_view host) {
  for (std::size_t i = 0; i < host.size(); ++i) {
    if (host[i] == '%') {
      if (i + 2 >= host.size() || !is_hex(host[i + 1]) || !is_hex(host[i + 2])) return false;
      i += 2;
    } else if (!is_alpha(host[i]) && !is_digit(host[i]) && !is_one_of(host[i], "-._~!$&'()*+,;=")) {
      return false;
    }
  }
  return !host.empty();
}

}  // namespace

bool is_known_method(std::string_view method) {
  return std::find(kKnownMethods.begin(), kKnownMethods.end(), method) != kKnownMethods.end();
}

bool is_bodiless_method(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "DELETE";
}

bool is_token(std::string_view text) { return !text.empty() && kTokenChars.has_all(text); }

bool is_authority(std::string_view text) {
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const auto bracket = text.find(']');
    if (bracket == std::string_view::npos) return false;
    const std::string_view address = text.substr(1, bracket - 1);
    const bool is_v6 = !address.empty() && std::all_of(address.begin(), address.end(),
                                                       [](char c) { return is_hex(c) || c == ':' || c == '.'; });
    if (!is_v6) return false;
    port = text.substr(bracket + 1);
    if (port.empty()) return true;
    if (!port.starts_with(':')) return false;
    port.remove_prefix(1);
  } else {
    if (const auto colon = text.find(':'); colon != std::string_view::npos) {
      host = text.substr(0, colon);
      port = text.substr(colon + 1);
    }
    if (!is_reg_name(host)) return false;
  }
  return port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit);
}

bool is_target(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7f;
  });
}

bool is_field_value(std::string_view text) {
  if (text.empty()) return true;
  if (is_one_of(text.front(), " \t") || is_one_of(text.back(), " \t")) return false;
  return kValueChars.has_all(text);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string_view take_list_member(std::string_view& list) {
  const auto comma = list.find(',');
  const std::string_view member = trim(list.substr(0, comma));
  list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  return member;
}

}  // namespace tailgate
