#include "base/json.h"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <random>

namespace tailgate {
namespace {

std::string json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

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

TEST(JsonString, EscapesWhatJsonAsksFor) {
  EXPECT_EQ(json(""), R"("")");
  EXPECT_EQ(json("plain, täxt"), R"("plain, täxt")");
  EXPECT_EQ(json("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(json("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(json(std::string_view{"\0\x1f", 2}), R"("\u0000\u001f")");
}

TEST(JsonString, EscapesWhatIsDangerousInAPageOrLies) {
  EXPECT_EQ(json("</script>"), R"("\u003c/script>")");
  EXPECT_EQ(json(utf8(0x2028) + utf8(0x2029)), R"("\u2028\u2029")");
  for (const char32_t control : {0x061C, 0x200E, 0x200F, 0x202A, 0x202E, 0x2066, 0x2069}) {
    EXPECT_TRUE(json(utf8(control)).starts_with("\"\\u")) << std::hex << unsigned{control};
  }
  for (const char32_t plain : {0x0627, 0x061B, 0x200D, 0x2010, 0x202F, 0x2065, 0x206A, 0x20AC, 0x2200, 0x1F600}) {
    EXPECT_EQ(json(utf8(plain)), '"' + utf8(plain) + '"') << std::hex << unsigned{plain};
  }
}

TEST(JsonString, EveryCharacterReadsTheSame) {
  for (char32_t c = 0; c < 0x11000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    const std::string text = "<" + utf8(c) + "x";
    rapidjson::Document document;
    document.Parse(json(text));
    ASSERT_FALSE(document.HasParseError()) << std::hex << unsigned{c};
    ASSERT_EQ((std::string{document.GetString(), document.GetStringLength()}), text) << std::hex << unsigned{c};
  }
}

TEST(JsonString, TextCutWithinACharacterStaysWithinItsBounds) {
  EXPECT_EQ(json("\xE2"), "\"\xE2\"");
  EXPECT_EQ(json("\xE2\x80"), "\"\xE2\x80\"");
  EXPECT_EQ(json("\xD8"), "\"\xD8\"");
}

TEST(Json, IsOneWholeValue) {
  for (const char* text :
       {"{}", "[]", "null", "true", "0", "-0.5e+10", "\"\"", " \r\n\t{\"a\": [1, 2, {}]} \n",
        "123456789012345678901234567890", "1e999999", "\"\\ud83d\\ude00\"", "\"\\u0000\"", "{\"a\":1,\"a\":2}"}) {
    EXPECT_TRUE(is_json(text)) << text;
  }
  for (const char* text : {"",
                           " ",
                           "{",
                           "{}}",
                           "[1,]",
                           "{\"a\":1,}",
                           "{a:1}",
                           "'a'",
                           "01",
                           "+1",
                           ".5",
                           "1.",
                           "1e",
                           "NaN",
                           "Infinity",
                           "-",
                           "nul",
                           "nulls",
                           "true false",
                           "\"a",
                           "\"\t\"",
                           "\"\n\"",
                           "\"\\x\"",
                           "// c\n1",
                           "/**/1",
                           "[1 2]",
                           "{\"a\" 1}",
                           "\"\\ud800\"",
                           "\xEF\xBB\xBF{}"}) {
    EXPECT_FALSE(is_json(text)) << text;
  }
  EXPECT_FALSE(is_json(std::string_view{"1\0", 2}));
  EXPECT_FALSE(is_json(std::string_view{"{}\0garbage", 10}));
}

TEST(Json, NestsAsDeepAsItsBoundAndNoDeeper) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(is_json(nested(kJsonDepthMax)));
  EXPECT_FALSE(is_json(nested(kJsonDepthMax + 1)));
  EXPECT_FALSE(is_json(nested(1'000'000)));
  std::string siblings = "[";
  for (std::size_t i = 0; i < 2 * kJsonDepthMax; ++i) siblings += "{\"a\":[]},";
  EXPECT_TRUE(is_json(siblings + "0]"));
}

// The same answer as a parser of the field, for small texts of every kind.
TEST(Json, AgreesWithAnotherParser) {
  constexpr std::string_view kAlphabet = "{}[],:\"\\ \nau0d8e1-+.tfn\t";
  std::mt19937 random{7};
  const std::string_view words[] = {"true",    "null", "false", "\"a\"", "\\u0041", "12", "-1.5e3",
                                    "{\"k\":", "[1,",  "]",     "}",     "\"\\n\"", ","};
  int accepted = 0;
  for (int i = 0; i < 300'000; ++i) {
    std::string text;
    for (std::size_t n = 1 + random() % 7; n > 0; --n) {
      if (random() % 2 == 0) {
        text += kAlphabet[random() % kAlphabet.size()];
      } else {
        text += words[random() % std::size(words)];
      }
    }
    rapidjson::Document document;
    document.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
    if (document.GetParseError() == rapidjson::kParseErrorNumberTooBig) continue;  // the grammar has no such thing
    ASSERT_EQ(is_json(text), !document.HasParseError()) << text;
    accepted += document.HasParseError() ? 0 : 1;
  }
  EXPECT_GT(accepted, 1'000);
}

TEST(Json, OfAMegabyteIsTaken) {
  EXPECT_TRUE(is_json('"' + std::string(1 << 20, 'x') + '"'));
  EXPECT_TRUE(is_json(std::string(1 << 20, '1')));
}

}  // namespace
}  // namespace tailgate
