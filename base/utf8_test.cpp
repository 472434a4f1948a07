#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace tailgate {
namespace {

// The UTF-8 of a code point, surrogates too: what an encoder without care writes.
std::string utf8(char32_t c) {
  std::string out;
  const auto add = [&out](char32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    add(c);
  } else if (c < 0x800) {
    add(0xC0 | c >> 6), add(0x80 | (c & 63));
  } else if (c < 0x10000) {
    add(0xE0 | c >> 12), add(0x80 | (c >> 6 & 63)), add(0x80 | (c & 63));
  } else {
    add(0xF0 | c >> 18), add(0x80 | (c >> 12 & 63)), add(0x80 | (c >> 6 & 63)), add(0x80 | (c & 63));
  }
  return out;
}

TEST(Utf8Text, EveryCodePointButNulAndSurrogates) {
  for (char32_t c = 0; c < 0x110400; ++c) {
    const bool is_text = c != 0 && !(c >= 0xD800 && c < 0xE000) && c < 0x110000;
    ASSERT_EQ(is_utf8_text(utf8(c)), is_text) << std::hex << unsigned{c};
  }
}

TEST(Utf8Text, IsFoundBrokenAtEveryPlace) {
  for (std::size_t size = 0; size < 40; ++size) {
    EXPECT_TRUE(is_utf8_text(std::string(size, 'a')));
    for (std::size_t at = 0; at < size; ++at) {
      for (const char broken : {'\0', '\x80', '\xFF', '\xC3', '\xE2', '\xF0'}) {
        std::string text(size, 'a');
        text[at] = broken;
        EXPECT_FALSE(is_utf8_text(text)) << size << ' ' << at;
      }
      std::string text(size, 'a');
      text.replace(at, 1, "\xE2\x82\xAC");
      EXPECT_TRUE(is_utf8_text(text)) << size << ' ' << at;
    }
  }
}

TEST(Utf8Text, OverlongAndCutSequencesAreNone) {
  for (const char* bytes : {"\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xF0\x80\x80\x80",
                            "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xED\xA0\x80", "\xE2\x82",
                            "\xE2\x82\x28", "\x80", "\xF0\x9F\x98", "\xC3\xA4\xBF"}) {
    EXPECT_FALSE(is_utf8_text(bytes));
  }
}

TEST(PlainLine, ALineBreakNulOrAnythingBeyondAsciiIsSeenWhereverItStands) {
  for (const std::size_t size : {1U, 7U, 15U, 16U, 31U, 64U, 201U}) {
    const std::string line(size, '\x0E');
    ASSERT_TRUE(is_plain_line(line));
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text = line;
        text[at] = static_cast<char>(byte);
        const bool is_plain = byte >= 0x0E && byte < 0x80;
        ASSERT_EQ(is_plain_line(text), is_plain) << size << ' ' << at << ' ' << byte;
      }
    }
  }
  EXPECT_TRUE(is_plain_line(""));
}

}  // namespace
}  // namespace tailgate
