#include "base/percent.h"

#include <charconv>
#include <system_error>

namespace tailgate {
namespace {

constexpr char kHexDigits[] = "0123456789ABCDEF";

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, Plus plus) {
  const bool is_plain = text.find('%') == text.npos && (plus == Plus::as_it_is || text.find('+') == text.npos);
  if (is_plain) return std::string{text};
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3) return std::nullopt;
      unsigned byte = 0;
      const char* const digits = text.data() + i + 1;
      const auto [end, failure] = std::from_chars(digits, digits + 2, byte, 16);
      if (failure != std::errc{} || end != digits + 2) return std::nullopt;
      decoded += static_cast<char>(byte);
      i += 2;
    } else {
      decoded += text[i] == '+' && plus == Plus::is_space ? ' ' : text[i];
    }
  }
  return decoded;
}

void append_percent_encoded(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append(1, '%').append(1, kHexDigits[byte >> 4]).append(1, kHexDigits[byte & 15]);
    }
  }
}

}  // namespace tailgate
