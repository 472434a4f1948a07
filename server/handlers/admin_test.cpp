#include "server/handlers/admin.h"

#include <gtest/gtest.h>

#include "server/handlers/recorded_exchange.h"

namespace tailgate {
namespace {

struct AdminTest : testing::Test {
  Health now;
  HealthHandler health{[this] { return now; }};
  AdminHandler admin{health, [] { return std::string{"tailgate_up 1\n"}; }};

  std::unique_ptr<RecordedExchange> ask(std::string method, const std::string& target) {
    auto exchange = std::make_unique<RecordedExchange>(std::move(method), target);
    admin.handle(*exchange);
    return exchange;
  }
};

TEST_F(AdminTest, LivesWhateverKafkaDoes) {
  EXPECT_EQ(ask("GET", "/livez")->status(), 200);
  now.stage = Stage::draining;
  EXPECT_EQ(ask("GET", "/livez")->status(), 200);
}

TEST_F(AdminTest, IsReadyWhileServingAlsoThroughAnOutage) {
  EXPECT_EQ(ask("GET", "/readyz")->status(), 503);
  now = {Stage::serving, true, "memory"};
  EXPECT_EQ(ask("GET", "/readyz")->body(), "{\"status\":\"serving\",\"kafka\":\"up\",\"redis\":\"memory\"}\n");
  now.is_kafka_reachable = false;
  EXPECT_EQ(ask("GET", "/readyz")->status(), 200);
  EXPECT_NE(ask("GET", "/readyz")->body().find("\"kafka\":\"down\""), std::string::npos);
  now.stage = Stage::draining;
  EXPECT_EQ(ask("GET", "/readyz")->status(), 503);
}

TEST_F(AdminTest, MetricsAreText) {
  const auto exchange = ask("GET", "/metrics");
  EXPECT_EQ(exchange->body(), "tailgate_up 1\n");
  EXPECT_TRUE(exchange->field("Content-Type").starts_with("text/plain; version=0.0.4"));
}

TEST_F(AdminTest, HasNothingElse) {
  EXPECT_EQ(ask("GET", "/")->status(), 404);
  EXPECT_EQ(ask("GET", "/streams/orders")->status(), 404);
  EXPECT_EQ(ask("POST", "/metrics")->status(), 405);
  EXPECT_EQ(ask("TRACE", "/metrics")->status(), 501);
  EXPECT_EQ(ask("GET", "/livez")->field("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(admin.refusal(400, "bad_framing", "no", nullptr).status, 400);
}

}  // namespace
}  // namespace tailgate
