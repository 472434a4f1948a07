#include "server/handlers/router.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "server/handlers/recorded_exchange.h"

namespace tailgate {
namespace {

// Answers with its name, and "later" only once asked to.
class NamedHandler final : public PathHandler {
 public:
  explicit NamedHandler(std::string name) : name_{std::move(name)} {}
  void handle(Exchange& exchange) override {
    if (exchange.request().query == "later") {
      waiting_ = &exchange;
      return;
    }
    answer(exchange);
  }
  void answer_waiting() { answer(*waiting_); }

 private:
  void answer(Exchange& exchange) const {
    Response response;
    response.headers = {{"Vary", "Accept"}};
    response.body = name_;
    exchange.respond(std::move(response));
  }
  std::string name_;
  Exchange* waiting_ = nullptr;
};

struct RouterTest : testing::Test {
  NamedHandler streams{"streams"};
  NamedHandler topics{"topics"};
  NamedHandler cursors{"cursors"};
  NamedHandler health{"health"};
  Cors cors{{"https://a.example", "https://b.example"}};
  Router router{{.streams = streams, .topics = topics, .cursors = cursors, .cors = cors, .has_console = true}};

  // The exchange is answered at once.
  std::unique_ptr<RecordedExchange> ask(std::string method, const std::string& target,
                                        std::vector<HeaderField> headers = {}) {
    auto exchange = std::make_unique<RecordedExchange>(std::move(method), target, std::move(headers));
    router.handle(*exchange);
    EXPECT_TRUE(exchange->is_answered());
    return exchange;
  }
};

TEST_F(RouterTest, PathsHaveTheirHandlers) {
  EXPECT_EQ(ask("GET", "/streams/orders")->body(), "streams");
  EXPECT_EQ(ask("GET", "/streams/")->body(), "streams");
  EXPECT_EQ(ask("HEAD", "/streams/orders/0")->body(), "streams");
  EXPECT_EQ(ask("GET", "/topics")->body(), "topics");
  EXPECT_EQ(ask("GET", "/topics/orders")->body(), "topics");
}

TEST_F(RouterTest, ReservedAndUnknownPathsAreNotFound) {
  for (const char* path : {"/v3",
                           "/v3/clusters",
                           "/brokers",
                           "/consumers",
                           "/ws",
                           "/tickets",
                           "/openapi.json",
                           "/.well-known",
                           "/.well-known/security.txt",
                           "/console",
                           "/console/",
                           "/streams",
                           "/topicsx",
                           "//streams/orders",
                           "/STREAMS/orders",
                           "/livez",
                           "/readyz",
                           "/metrics",
                           "/../topics",
                           "/%74opics",
                           "*",
                           ""}) {
    const auto exchange = ask("GET", path);
    EXPECT_EQ(exchange->status(), 404) << path;
    EXPECT_EQ(exchange->response().problem, "not_found");
  }
}

TEST_F(RouterTest, MethodsThatExistButNotHereAre405AndOthers501) {
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH"}) {
    const auto exchange = ask(method, "/streams/orders");
    EXPECT_EQ(exchange->status(), 405) << method;
    EXPECT_EQ(exchange->field("Allow"), "GET, HEAD, OPTIONS");
  }
  for (const std::string& method :
       {std::string{"get"}, std::string{"TRACE"}, std::string{"CONNECT"}, std::string(100, 'X')}) {
    const auto exchange = ask(method, "/streams/orders");
    EXPECT_EQ(exchange->status(), 501) << method;
    EXPECT_EQ(exchange->body().find(method), std::string::npos);
  }
  EXPECT_EQ(ask("DELETE", "/nothing")->status(), 404);
  EXPECT_EQ(ask("POST", "/")->status(), 405);
}

TEST_F(RouterTest, ConnectOverHttp2IsNotAllowedButKnown) {
  RecordedExchange exchange{"CONNECT", "/streams/orders"};
  exchange.editable_request().version = HttpVersion::http2;
  router.handle(exchange);
  EXPECT_EQ(exchange.status(), 405);
}

TEST_F(RouterTest, ATargetOverTwelveKilobytesIsTooLong) {
  const std::string query(12 * 1024 - std::string{"/topics?"}.size(), 'x');
  EXPECT_EQ(ask("GET", "/topics?" + query)->status(), 200);
  EXPECT_EQ(ask("GET", "/topics?" + query + "x")->status(), 414);
}

TEST_F(RouterTest, EveryAnswerIsNotSniffedNotStoredAndVaries) {
  for (const char* target : {"/streams/orders", "/nothing", "/topics"}) {
    const auto exchange = ask("GET", target);
    EXPECT_EQ(exchange->field("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(exchange->field("Cache-Control"), "no-store");
    EXPECT_TRUE(exchange->field("Vary").starts_with("Origin"));
  }
  EXPECT_EQ(ask("GET", "/topics")->field("Vary"), "Origin, Accept");
  EXPECT_EQ(ask("POST", "/streams/orders")->field("Vary"),
            "Origin, Accept, Prefer, Last-Event-ID, Authorization, Cookie")
      << "an error at a stream's URL too";
  const Response refusal = router.refusal(431, "fields_too_large", "too large", nullptr);
  EXPECT_EQ(refusal.status, 431);
  EXPECT_EQ(refusal.problem, "fields_too_large");
  const auto has_retry_after = [](const Response& response) {
    return std::ranges::any_of(response.headers,
                               [](const ResponseField& field) { return field.name == "Retry-After"; });
  };
  EXPECT_FALSE(has_retry_after(refusal));
  EXPECT_TRUE(has_retry_after(router.refusal(503, "too_many_connections", "full", nullptr)));
}

TEST_F(RouterTest, AnAnswerThatComesLaterCarriesTheSame) {
  RecordedExchange exchange{"GET", "/topics?later", {{"origin", "https://a.example"}}};
  router.handle(exchange);
  ASSERT_FALSE(exchange.is_answered());
  topics.answer_waiting();
  EXPECT_EQ(exchange.body(), "topics");
  EXPECT_EQ(exchange.field("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(exchange.field("Access-Control-Allow-Origin"), "https://a.example");
}

TEST_F(RouterTest, WhatAHandlerKeepsDiesWithTheExchange) {
  struct Noted : Watch {
    explicit Noted(bool& gone) : gone_{gone} {}
    ~Noted() override { gone_ = true; }
    bool& gone_;
  };
  struct Keeper : PathHandler {
    void handle(Exchange& exchange) override { exchange.keep(std::make_unique<Noted>(is_gone)); }
    bool is_gone = false;
  } keeper;
  Router keeping{{.streams = keeper, .topics = topics, .cursors = cursors, .cors = cors}};
  {
    RecordedExchange exchange{"GET", "/streams/orders"};
    keeping.handle(exchange);
    EXPECT_FALSE(keeper.is_gone);
  }
  EXPECT_TRUE(keeper.is_gone);
}

TEST_F(RouterTest, TheConsoleIsServedWithItsPolicyAndOnceOnly) {
  const auto page = ask("GET", "/");
  EXPECT_EQ(page->status(), 200);
  EXPECT_TRUE(page->field("Content-Type").starts_with("text/html"));
  EXPECT_NE(page->field("Content-Security-Policy").find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(page->field("Cache-Control"), "no-cache");
  const std::string etag = page->field("ETag");
  ASSERT_FALSE(etag.empty());
  EXPECT_EQ(ask("GET", "/", {{"if-none-match", etag}})->status(), 304);
  EXPECT_EQ(ask("GET", "/", {{"if-none-match", "\"x\", W/" + etag}})->body(), "");
  EXPECT_EQ(ask("GET", "/", {{"if-none-match", "\"x\""}})->status(), 200);
}

TEST_F(RouterTest, WithoutAConsoleThereIsNothingAtTheRoot) {
  Router bare{{.streams = streams, .topics = topics, .cursors = cursors, .cors = cors, .health = &health}};
  RecordedExchange root{"GET", "/"};
  bare.handle(root);
  EXPECT_EQ(root.status(), 404);
  RecordedExchange livez{"GET", "/livez"};
  bare.handle(livez);
  EXPECT_EQ(livez.body(), "health");
}

TEST_F(RouterTest, ListedOriginsMayReadAnswersAndErrors) {
  for (const char* target : {"/streams/orders", "/nothing"}) {
    const auto listed = ask("GET", target, {{"origin", "https://b.example"}});
    EXPECT_EQ(listed->field("Access-Control-Allow-Origin"), "https://b.example");
    EXPECT_NE(listed->field("Access-Control-Expose-Headers").find("Last-Event-ID"), std::string::npos);
    EXPECT_EQ(listed->field("Access-Control-Allow-Credentials"), "");
  }
  for (const char* origin : {"https://evil.example", "https://a.example.evil", "http://a.example", "null", "*", ""}) {
    EXPECT_EQ(ask("GET", "/topics", {{"origin", origin}})->field("Access-Control-Allow-Origin"), "") << origin;
  }
  EXPECT_EQ(ask("GET", "/topics")->field("Access-Control-Allow-Origin"), "");
}

TEST_F(RouterTest, APreflightListsWhatIsAllowedWhateverItAsksFor) {
  std::vector<HeaderField> headers{{"origin", "https://a.example"},
                                   {"access-control-request-method", "DELETE"},
                                   {"access-control-request-headers", "x-evil, last-event-id"},
                                   {"access-control-request-private-network", "true"}};
  for (const char* target : {"/streams/orders", "/nothing", "/topics"}) {
    const auto exchange = ask("OPTIONS", target, headers);
    EXPECT_EQ(exchange->status(), 204);
    EXPECT_EQ(exchange->body(), "");
    EXPECT_EQ(exchange->field("Access-Control-Allow-Origin"), "https://a.example");
    EXPECT_EQ(exchange->field("Access-Control-Allow-Methods"), "GET, HEAD, OPTIONS");
    EXPECT_EQ(exchange->field("Access-Control-Allow-Headers"), "Authorization, Last-Event-ID, Prefer, Content-Type");
    EXPECT_EQ(exchange->field("Access-Control-Max-Age"), "600");
    EXPECT_EQ(exchange->field("Access-Control-Allow-Private-Network"), "");
  }
  headers[0].value = "https://evil.example";
  EXPECT_EQ(ask("OPTIONS", "/streams/orders", headers)->field("Access-Control-Allow-Methods"), "");
}

TEST_F(RouterTest, OptionsWithoutAPageBehindThemSayWhatIsAllowed) {
  EXPECT_EQ(ask("OPTIONS", "/streams/orders")->field("Allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(ask("OPTIONS", "*")->status(), 204);
  EXPECT_EQ(ask("OPTIONS", "/nothing")->status(), 404);
}

TEST(Cors, AStarIsForEveryOrigin) {
  const Cors cors{{"*"}};
  Response response;
  cors.add_headers(nullptr, response);
  EXPECT_EQ(response.headers[1].name, "Access-Control-Allow-Origin");
  EXPECT_EQ(response.headers[1].value.text(), "*");
}

}  // namespace
}  // namespace tailgate
