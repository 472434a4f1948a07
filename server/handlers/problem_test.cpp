#include "server/handlers/problem.h"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

namespace tailgate {
namespace {

constexpr ErrorCode kCodes[] = {ErrorCode::bad_request, ErrorCode::bad_id,        ErrorCode::newer_id,
                                ErrorCode::not_found,   ErrorCode::not_allowed,   ErrorCode::not_acceptable,
                                ErrorCode::too_many,    ErrorCode::position_gone, ErrorCode::upstream_down,
                                ErrorCode::bad_config};

TEST(Problem, SaysWhatIsWrongInTheFormOfTheRfc) {
  const Response response = make_problem({ErrorCode::bad_id, "Last-Event-ID: no"});
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.problem, "invalid_last_event_id");
  ASSERT_EQ(response.headers.size(), 1u);
  EXPECT_EQ(response.headers[0].value.text(), "application/problem+json");
  EXPECT_EQ(response.body,
            "{\"type\":\"urn:problem-type:tailgate:invalid-last-event-id\",\"title\":\"Bad Request\",\"status\":400,"
            "\"detail\":\"Last-Event-ID: no\",\"code\":\"invalid_last_event_id\"}\n");
}

TEST(Problem, OfEveryCodeIsJsonOfAtMostAKilobyte) {
  for (const ErrorCode code : kCodes) {
    const Response response = make_problem({code, std::string(5'000, '"')});
    EXPECT_LE(response.body.size(), kProblemBytesMax);
    rapidjson::Document json;
    json.Parse(response.body.c_str());
    ASSERT_FALSE(json.HasParseError()) << response.body;
    EXPECT_EQ(json["status"].GetInt(), response.status);
    EXPECT_EQ(json["code"].GetString(), response.problem);
    EXPECT_STRNE(json["title"].GetString(), "Error");
    EXPECT_GE(response.status, 400);
  }
}

TEST(Problem, WhatWentWrongInsideStaysInside) {
  for (const ErrorCode code :
       {ErrorCode::not_found, ErrorCode::upstream_down, ErrorCode::not_allowed, ErrorCode::bad_config}) {
    EXPECT_EQ(make_problem({code, "broker-7.internal"}).body.find("broker-7"), std::string::npos);
  }
}

TEST(Problem, KafkaAwaySaysWhenToComeBack) {
  const Response response = make_problem({ErrorCode::upstream_down, ""});
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.headers.back().name, "Retry-After");
  EXPECT_EQ(response.headers.back().value.text(), "5");
}

}  // namespace
}  // namespace tailgate
