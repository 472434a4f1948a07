#include "server/handlers/cursor_body.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace tailgate {
namespace {

std::string wrong_with(std::string_view json) {
  const auto body = parse_cursor_body(json);
  return body ? "nothing" : body.error().detail;
}

TEST(CursorBody, HasAPositionAndMayHaveAGeneration) {
  const auto body = parse_cursor_body(R"({"generation":3,"position":{"orders":"0:50,1:-","payments":"7:0"}})");
  ASSERT_TRUE(body);
  EXPECT_EQ(body->position, (Position{{"orders", {{0, 50}, {1, kNothingPassed}}}, {"payments", {{7, 0}}}}));
  EXPECT_EQ(body->generation, 3);
  EXPECT_EQ(parse_cursor_body(R"({"position":{"orders":"0:50"}})")->generation, std::nullopt);
}

TEST(CursorBody, SaysOfAGenerationWhatItMustBe) {
  for (const std::string value :
       {"\"1\"", "-1", "-9223372036854775808", "1.0", "null", "true", "[1]", "{}", "9223372036854775808", "1e99"}) {
    EXPECT_EQ(wrong_with(R"({"position":{"orders":"0:1"},"generation":)" + value + "}"),
              "generation must be a whole number from 0 on")
        << value;
  }
}

TEST(CursorBody, SaysOfAPositionWhichTopicsIdIsNone) {
  for (const std::string value : {"1", "-1", "1.5", "null", "true", "[]", "{}"}) {
    EXPECT_EQ(wrong_with(R"({"position":{"orders":)" + value + "}}"),
              R"(position.orders must be a text such as "0:42,1:17")")
        << value;
    EXPECT_EQ(wrong_with(R"({"position":)" + (value == "{}" ? "\"0:1\"" : value) + "}"),
              R"(position must be a JSON object such as {"topic":"0:42,1:17"})")
        << value;
  }
  EXPECT_EQ(wrong_with(R"({"position":{"orders":"x"}})").substr(0, 17), "position.orders: ");
  EXPECT_NE(wrong_with(R"({"position":{"orders":""}})").find("position.orders"), std::string::npos);
}

TEST(CursorBody, SaysWhatElseIsWrong) {
  const std::string form = R"(the body must be a JSON object such as {"position":{"topic":"0:42,1:17"}})";
  for (const std::string body : {"", "null", "1", "\"x\"", "[]", "{", R"({"position":{"orders":"0:1"}} x)"}) {
    EXPECT_EQ(wrong_with(body), form) << body;
  }
  EXPECT_EQ(wrong_with("{}"), "position must name a topic");
  EXPECT_EQ(wrong_with(R"({"position":{"orders":"0:1"}})" + std::string{"\0x", 2}), form);
  EXPECT_EQ(wrong_with(R"({"position":{"orders":"0:1"}})" + std::string{"\0", 1}), form);
  EXPECT_EQ(wrong_with(R"({"position":{}})"), "position must name a topic");
  EXPECT_EQ(wrong_with(R"({"position":{},"position":{"orders":"0:1"}})"), "position is given twice");
  EXPECT_EQ(wrong_with(R"({"position":{"orders":"0:1"},"other":1})"),
            "the body has a member that is not known; there are position and generation");
}

}  // namespace
}  // namespace tailgate
