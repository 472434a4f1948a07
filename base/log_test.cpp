#include "base/log.h"

#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <spdlog/spdlog.h>

#include "base/log_line.h"

namespace tailgate {
namespace {

constexpr std::int64_t kWallMs = 1'789'998'400'007;

std::string payload(std::string message, std::initializer_list<std::pair<std::string, std::string>> fields) {
  for (const auto& [name, value] : fields) message += kFieldMark + name + kValueMark + value;
  return message;
}

TEST(LogLine, OfTextHasTimeLevelMessageAndFields) {
  EXPECT_EQ(text_line({kWallMs, "info", "listening on http://[::1]:80"}),
            "2026-09-21T13:46:40.007Z info listening on http://[::1]:80\n");
  EXPECT_EQ(text_line({kWallMs, "info", payload("request", {{"tpath", "/topics"}, {"nstatus", "200"}})}),
            "2026-09-21T13:46:40.007Z info request path=/topics status=200\n");
}

TEST(LogLine, OfJsonIsOneObjectWithTheFieldsInIt) {
  EXPECT_EQ(json_line({kWallMs, "warning", payload("request", {{"tpath", "/\"x"}, {"nstatus", "200"}})}),
            "{\"time\":\"2026-09-21T13:46:40.007Z\",\"level\":\"warning\",\"message\":\"request\",\"path\":\"/\\\"x\","
            "\"status\":200}\n");
}

TEST(LogLine, WhatComesFromOutsideStaysInItsLine) {
  const std::string evil = "a\nb\r\x1b[31m\x7f\xff";
  EXPECT_EQ(text_line({kWallMs, "info", evil}), "2026-09-21T13:46:40.007Z info a\\x0ab\\x0d\\x1b[31m\\x7f\\xff\n");
  const std::string json = json_line({kWallMs, "info", evil});
  rapidjson::Document document;
  document.Parse(json.c_str());
  EXPECT_FALSE(document.HasParseError()) << json;
  EXPECT_EQ(json.find('\n'), json.size() - 1);
  EXPECT_NE(text_line({kWallMs, "info", "täst"}).find("täst"), std::string::npos);
}

TEST(LogLine, ControlsBeyondAsciiDoNotReachATerminal) {
  const std::string evil =
      "/\xC2\x9B"
      "2J\xC2\x85";
  EXPECT_EQ(text_line({kWallMs, "info", evil}), "2026-09-21T13:46:40.007Z info /\\xc2\\x9b2J\\xc2\\x85\n");
  EXPECT_EQ(json_line({kWallMs, "info", evil}).find('\xC2'), std::string::npos);
  EXPECT_NE(text_line({kWallMs, "info", "\xC2\xA9"}).find("\xC2\xA9"), std::string::npos);
}

TEST(LogLine, MarksInAMessageBreakNothing) {
  for (const std::string& text : {std::string{kFieldMark}, std::string{kValueMark}, std::string{kFieldMark, kFieldMark},
                                  std::string{kFieldMark, 'n'}, std::string{kFieldMark, kValueMark}}) {
    EXPECT_EQ(text_line({kWallMs, "info", text}).find('\n'), text_line({kWallMs, "info", text}).size() - 1);
    EXPECT_FALSE(json_line({kWallMs, "info", text}).empty());
  }
}

TEST(Log, WritesToStderrFromTheLevelOn) {
  testing::internal::CaptureStderr();
  {
    const Logging logging{LogLevel::info, LogFormat::json};
    spdlog::debug("not this");
    spdlog::info("starting {}", 1);
    log_fields(LogLevel::error, "request", {{"path", "/x\x1ey"}, {"trace", ""}, {"bytes", std::uint64_t{7}}});
    EXPECT_EQ(Logging::dropped(), 0u);
  }
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_EQ(written.find("not this"), std::string::npos);
  EXPECT_NE(written.find("\"message\":\"starting 1\"}\n"), std::string::npos);
  EXPECT_NE(written.find("\"level\":\"error\",\"message\":\"request\",\"path\":\"/xy\",\"bytes\":7}\n"),
            std::string::npos);
}

TEST(Log, CredentialsInAQueryAreNotShown) {
  EXPECT_EQ(redact_query("from=earliest&access_token=eyJ&key=a"), "from=earliest&access_token=***&key=***");
  EXPECT_EQ(redact_query("Access_Token=a&ticket=b&x_secret=c&authorization=d&password=e"),
            "Access_Token=***&ticket=***&x_secret=***&authorization=***&password=***");
  EXPECT_EQ(redact_query("access%5Ftoken=a"), "***=***");
  EXPECT_EQ(redact_query("access_token"), "access_token=***");
  EXPECT_EQ(redact_query("cursor=mine&commit=auto"), "cursor=***&commit=auto");
  EXPECT_EQ(redact_query(""), "");
  EXPECT_EQ(redact_query("last_event_id=0:42"), "last_event_id=0:42");
}

}  // namespace
}  // namespace tailgate
