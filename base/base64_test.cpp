#include "base/base64.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace tailgate {
namespace {

std::string base64(std::string_view bytes) {
  std::string out;
  append_base64(out, bytes);
  return out;
}

TEST(Base64, IsWrittenAsTheRfcShowsIt) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xFB\xFF"), "+/8=");
}

TEST(Base64, ReadsTheSame) {
  std::mt19937 random{1};
  for (std::size_t size = 0; size < 300; ++size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(random());
    EXPECT_EQ(decode_base64(base64(bytes)), bytes);
  }
}

TEST(Base64, WhatIsNotExactlyThatIsRefused) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "Zm8", "Z===", "====", "Zg==Zg==", "Zm=v", "Zm9v\n", " Zm9v",
                           "Zm 9v", "-_8=", "Zh==", "Zm9=", "=Zm8", "Zg=a"}) {
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace tailgate
