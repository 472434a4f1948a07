#include "base/json.h"

#include <array>
#include <bit>
#include <bitset>
#include <charconv>
#include <cstring>
#include <system_error>

namespace tailgate {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// Bytes at which append_json_string has to look closer: 0xE2 and 0xD8 begin the characters beyond ASCII that it
// escapes.
constexpr std::array<bool, 256> make_is_special() {
  std::array<bool, 256> is_special{};
  for (std::size_t c = 0; c < 0x20; ++c) is_special[c] = true;
  for (const unsigned c : {unsigned{'"'}, unsigned{'\\'}, unsigned{'<'}, 0xE2u, 0xD8u}) is_special[c] = true;
  return is_special;
}
constexpr std::array<bool, 256> kIsSpecial = make_is_special();

void append_u_escape(std::string& out, unsigned code_unit) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHexDigits[(code_unit >> shift) & 0xF];
}

// The code point at the start of `text` if it is one of those beyond ASCII that are escaped, else 0.
unsigned escaped_code_point(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) == 0xD8) return text.size() > 1 && byte(1) == 0x9C ? 0x061C : 0;  // Arabic letter mark
  if (byte(0) != 0xE2 || text.size() < 3 || byte(1) < 0x80 || byte(1) > 0x81) return 0;
  const unsigned code_point = 0x2000u + ((byte(1) & 0x3Fu) << 6) + (byte(2) & 0x3Fu);
  const bool is_escaped = code_point == 0x200E || code_point == 0x200F ||    // marks of direction
                          (code_point >= 0x2028 && code_point <= 0x202E) ||  // line ends, embeddings, overrides
                          (code_point >= 0x2066 && code_point <= 0x2069);    // isolates
  return is_escaped ? code_point : 0;
}

// Writes the escape for the special byte at the start of `text`, if it needs one, and returns how many bytes that
// covers.
std::size_t append_special(std::string& out, std::string_view text) {
  const auto c = static_cast<unsigned char>(text[0]);
  switch (c) {
    case '"':
      out += "\\\"";
      return 1;
    case '\\':
      out += "\\\\";
      return 1;
    case '\b':
      out += "\\b";
      return 1;
    case '\f':
      out += "\\f";
      return 1;
    case '\n':
      out += "\\n";
      return 1;
    case '\r':
      out += "\\r";
      return 1;
    case '\t':
      out += "\\t";
      return 1;
    default:
      break;
  }
  if (c < 0x80) {
    append_u_escape(out, c);
    return 1;
  }
  if (const unsigned code_point = escaped_code_point(text)) {
    append_u_escape(out, code_point);
    return code_point == 0x061C ? 2 : 3;
  }
  out += text[0];
  return 1;
}

// The grammar of RFC 8259 and no more: nothing is converted or kept, so no number is too large and nothing is
// allocated.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : at_{text.data()}, end_{text.data() + text.size()} {}

  bool scan() {
    skip_space();
    for (;;) {  // at the start of a value
      if (take('{')) {
        if (!open(/*is_object=*/true)) return false;
        if (!is_next('}')) {
          if (!scan_key()) return false;
          continue;
        }
      } else if (take('[')) {
        if (!open(/*is_object=*/false)) return false;
        if (!is_next(']')) continue;
      } else if (!scan_scalar()) {
        return false;
      }
      if (!close_all()) return false;
      if (depth_ == 0) return at_ == end_;
      if (!take(',')) return false;
      skip_space();
      if (is_object_[depth_ - 1] && !scan_key()) return false;
    }
  }

 private:
  bool is_next(char c) const { return at_ != end_ && *at_ == c; }
  bool take(char c) {
    if (!is_next(c)) return false;
    ++at_;
    return true;
  }
  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }

  bool open(bool is_object) {
    if (depth_ == kJsonDepthMax) return false;
    is_object_[depth_++] = is_object;
    skip_space();
    return true;
  }

  // Behind a value: every bracket that closes here. False if one closes what another kind has opened.
  bool close_all() {
    for (skip_space(); depth_ > 0 && (is_next('}') || is_next(']')); skip_space()) {
      if (is_object_[--depth_] != (*at_++ == '}')) return false;
    }
    return true;
  }

  // A member's name and colon, up to its value.
  bool scan_key() {
    if (!take('"') || !scan_string()) return false;
    skip_space();
    if (!take(':')) return false;
    skip_space();
    return true;
  }

  bool scan_scalar() {
    if (at_ == end_) return false;
    switch (*at_) {
      case '"':
        ++at_;
        return scan_string();
      case 't':
        return scan_word("true");
      case 'f':
        return scan_word("false");
      case 'n':
        return scan_word("null");
      default:
        return scan_number();
    }
  }

  bool scan_word(std::string_view word) {
    if (!std::string_view{at_, end_}.starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  bool scan_digits() {
    const char* const begin = at_;
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    return at_ != begin;
  }

  bool scan_number() {
    take('-');
    if (!take('0') && !scan_digits()) return false;
    if (take('.') && !scan_digits()) return false;
    if (!take('e') && !take('E')) return true;
    if (!take('+')) take('-');
    return scan_digits();
  }

  // Behind the opening quote, to behind the closing one.
  bool scan_string() {
    for (;;) {
      skip_plain();
      if (at_ == end_ || static_cast<unsigned char>(*at_) < 0x20) return false;
      const char c = *at_++;
      if (c == '"') return true;
      if (c == '\\' && !scan_escape()) return false;
    }
  }

  // To the next quote, backslash or control, eight bytes at a time; in the last seven it may stop before.
  void skip_plain() {
    static_assert(std::endian::native == std::endian::little);
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    constexpr std::uint64_t kHighBits = 0x80 * kOnes;
    // The high bit of each byte that is zero, and maybe of some behind the first of them.
    const auto any_zero = [](std::uint64_t word) { return (word - kOnes) & ~word & kHighBits; };
    while (end_ - at_ >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, at_, 8);
      const std::uint64_t below_space = (word - 0x20 * kOnes) & ~word & kHighBits;
      const std::uint64_t found = below_space | any_zero(word ^ ('"' * kOnes)) | any_zero(word ^ ('\\' * kOnes));
      if (found != 0) {
        at_ += std::countr_zero(found) / 8;
        return;
      }
      at_ += 8;
    }
  }

  bool scan_escape() {
    if (at_ == end_) return false;
    const char c = *at_++;
    if (c != 'u') return std::string_view{"\"\\/bfnrt"}.find(c) != std::string_view::npos;
    unsigned unit = 0;
    if (!scan_hex(unit)) return false;
    if (unit < 0xD800 || unit > 0xDFFF) return true;
    // RFC 7493: half a surrogate pair makes parsers of the stricter kind refuse all that stands around it.
    return unit < 0xDC00 && take('\\') && take('u') && scan_hex(unit) && unit >= 0xDC00 && unit <= 0xDFFF;
  }

  bool scan_hex(unsigned& unit) {
    if (end_ - at_ < 4) return false;
    const auto [end, failure] = std::from_chars(at_, at_ + 4, unit, 16);
    if (failure != std::errc{} || end != at_ + 4) return false;
    at_ = end;
    return true;
  }

  const char* at_;
  const char* const end_;
  std::size_t depth_ = 0;
  std::bitset<kJsonDepthMax> is_object_;  // the kind of each bracket that is open
};

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0;  // what lies in [plain, i) goes out as it is
  std::size_t i = 0;
  while (i < text.size()) {
    if (!kIsSpecial[static_cast<unsigned char>(text[i])]) {
      ++i;
      continue;
    }
    out.append(text, plain, i - plain);
    i += append_special(out, text.substr(i));
    plain = i;
  }
  out.append(text, plain);
  out += '"';
}

bool is_json(std::string_view text) { return JsonScanner{text}.scan(); }

}  // namespace tailgate
