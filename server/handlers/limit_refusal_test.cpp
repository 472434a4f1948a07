#include "server/handlers/limit_refusal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace tailgate {
namespace {

std::string field(const Response& response, std::string_view name) {
  const auto it = std::find_if(response.headers.begin(), response.headers.end(),
                               [name](const HeaderField& field) { return field.name == name; });
  return it == response.headers.end() ? "" : it->value;
}

Request get(const std::string& path, const std::string& accept) {
  Request request;
  request.method = "GET";
  request.path = path;
  request.headers = {{"accept", accept}, {"last-event-id", "0:7"}};
  return request;
}

TEST(LimitRefusal, SaysWhenThereIsRoomAgainAndNeverTooEarly) {
  for (const auto& [retry_ms, seconds] : {std::pair{1, "1"}, {1'000, "1"}, {1'001, "2"}, {59'999, "60"}}) {
    const Response response = make_rate_refusal(get("/topics", "*/*"), {.per_second = 100, .burst = 250}, retry_ms);
    EXPECT_EQ(response.status, 429);
    EXPECT_EQ(field(response, "Retry-After"), seconds);
    EXPECT_EQ(field(response, "RateLimit-Policy"), R"("requests";q=250;w=3)");
    EXPECT_EQ(field(response, "RateLimit"), R"("requests";r=0;t=)" + std::string{seconds});
    EXPECT_EQ(response.problem, "too_many_requests");
  }
}

TEST(LimitRefusal, TellsAnEventSourceToComeBack) {
  const Response response =
      make_rate_refusal(get("/streams/a", "text/event-stream"), {.per_second = 1, .burst = 1}, 1'500);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body,
            "retry: 2000\nevent: busy\ndata: {\"reason\":\"too_many_requests\",\"retry_after\":2}\nid: 0:7\n\n");
}

TEST(LimitRefusal, OfStreamsNamesHowManyThereMayBe) {
  StreamRequest request;
  const Response hard = make_slots_refusal(request, 20);
  EXPECT_EQ(hard.status, 429);
  EXPECT_EQ(field(hard, "Retry-After"), "10");
  EXPECT_EQ(field(hard, "RateLimit-Policy"), R"("streams";q=20;qu="concurrent-requests")");
  EXPECT_EQ(field(hard, "RateLimit"), R"("streams";r=0;t=10)");
  request.is_soft = true;
  EXPECT_EQ(make_slots_refusal(request, 20).status, 200);
}

}  // namespace
}  // namespace tailgate
