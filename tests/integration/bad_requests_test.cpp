// What requests get that are wrong, from the binary itself: the same over HTTP/1.1 and HTTP/2.
#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <string>
#include <vector>

#include "tests/support/free_port.h"
#include "tests/support/http_client.h"
#include "tests/support/process.h"
#include "tests/support/tailgate_process.h"
#include "tests/support/temp_dir.h"

namespace tailgate::test {
namespace {

struct Case {
  std::string name;
  std::string target;
  int status;
  std::string code;
  std::vector<std::string> headers = {};
  std::string method = "GET";
};

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

const std::string kPreflight = "Access-Control-Request-Method: GET";

std::vector<Case> cases() {
  const std::string orders = "/streams/orders";
  return {
      {"double encoding", "/streams/%252e%252e", 404, "not_found"},
      {"a topic without a name", "/streams/", 404, "not_found"},
      {"a dot", "/streams/%2e", 404, "not_found"},
      {"two dots", "/streams/%2e%2e", 404, "not_found"},
      {"a topic of 250 characters", "/streams/" + std::string(250, 'x'), 404, "not_found"},
      {"a slash in a name", "/streams/a%2Fb", 404, "not_found"},
      {"an umlaut", "/streams/t%C3%A4st", 404, "not_found"},
      {"a Cyrillic o", "/streams/%D0%BErders", 404, "not_found"},
      {"a zero-width space", "/streams/orders%E2%80%8B", 404, "not_found"},
      {"a space", "/streams/a%20b", 404, "not_found"},
      {"a star", "/streams/*", 404, "not_found"},
      {"a regular expression", "/streams/%5E.*", 404, "not_found"},
      {"an internal topic", "/streams/__consumer_offsets", 404, "not_found"},
      {"a topic that does not exist", "/streams/nothing", 404, "not_found"},
      {"one of several that does not exist", "/streams/orders,nothing", 404, "not_found"},
      {"a partition that does not exist", "/streams/orders/77", 404, "not_found"},
      {"a partition that is no number", "/streams/orders/x", 404, "not_found"},
      {"a broken escape", "/streams/%zz", 400, "bad_request"},
      {"a parameter twice", orders + "?from=earliest&from=earliest", 400, "bad_request"},
      {"a parameter as a list", orders + "?from=latest&from[]=2", 400, "bad_request"},
      {"a slip", orders + "?form=earliest", 400, "bad_request"},
      {"a semicolon is no separator", orders + "?from=earliest;limit=1", 400, "bad_request"},
      {"a parameter without a value", orders + "?limit", 400, "bad_request"},
      {"65 parameters", orders + "?" + repeated("key=a&", 65), 400, "bad_request"},
      {"a target over 12 KiB", orders + "?key=" + std::string(12 * 1024, 'x'), 414, "target_too_long"},
      {"nothing acceptable", orders, 406, "not_acceptable", {"Accept: text/event-stream;q=0"}},
      {"another media type", orders, 406, "not_acceptable", {"Accept: application/xml"}},
      {"Accept over 1 KiB", orders, 400, "bad_request", {"Accept: " + std::string(1025, 'a')}},
      {"an id that is none", orders, 400, "invalid_last_event_id", {"Last-Event-ID: abc"}},
      {"an id of JSON", orders, 400, "invalid_last_event_id", {"Last-Event-ID: {}"}},
      {"an id of 5 KB", orders, 400, "invalid_last_event_id", {"Last-Event-ID: " + std::string(5'000, 'x')}},
      {"an id that is no UTF-8", orders, 400, "invalid_last_event_id", {"Last-Event-ID: 0:\xff"}},
      {"an id of another topic", orders, 400, "invalid_last_event_id", {"Last-Event-ID: stock=0:1"}},
      {"an id of a later version", orders, 400, "newer_id", {"Last-Event-ID: v2~AAAA"}},
      {"an encoded CR LF in an id", orders + "?last_event_id=0:1%0D%0Aevil:%201", 400, "invalid_last_event_id"},
      {"an encoded NUL in an id", orders + "?last_event_id=0:1%00", 400, "invalid_last_event_id"},
      {"until in the future", orders + "?until=2999-01-01T00:00:00Z", 400, "bad_request"},
      {"a limit of none", orders + "?limit=0", 400, "bad_request"},
      {"a wait of an hour", orders + "?as=json&wait=3600", 400, "bad_request"},
      {"a reserved path", "/v3/clusters", 404, "not_found"},
      {"no path of ours", "/etc/passwd", 404, "not_found"},
      {"a parameter for topics", "/topics?x=1", 400, "bad_request"},
      {"a topic that is not there", "/topics/nothing", 404, "not_found"},
      {"a method that only others take", orders, 405, "method_not_allowed", {}, "DELETE"},
      {"a method of nobody", orders, 501, "unknown_method", {}, "BREW"},
      {"TRACE", orders, 501, "unknown_method", {}, "TRACE"},
  };
}

void expect_problem(const HttpResponse& answer, const Case& want, const std::string& how) {
  const std::string about = want.name + " over " + how + ": " + answer.body;
  EXPECT_EQ(answer.status, want.status) << about;
  EXPECT_LE(answer.body.size(), 1024u) << about;
  rapidjson::Document problem;
  problem.Parse(answer.body.c_str());
  ASSERT_TRUE(problem.IsObject()) << about;
  for (const char* member : {"type", "title", "detail", "code"}) ASSERT_TRUE(problem.HasMember(member)) << about;
  EXPECT_EQ(problem["code"].GetString(), want.code) << about;
  EXPECT_EQ(problem["status"].GetInt(), want.status) << about;
  const auto field = [&](const std::string& name) {
    const auto it = answer.headers.find(name);
    return it == answer.headers.end() ? std::string{} : it->second;
  };
  EXPECT_EQ(field("content-type"), "application/problem+json") << about;
  EXPECT_EQ(field("cache-control"), "no-store") << about;
  EXPECT_EQ(field("x-content-type-options"), "nosniff") << about;
  EXPECT_EQ(field("access-control-allow-origin"), "https://app.example") << about;
  EXPECT_NE(field("vary").find("Origin"), std::string::npos) << about;
  EXPECT_EQ(field("allow"), want.status == 405 ? "GET, HEAD, OPTIONS" : "") << about;
}

struct BadRequests : testing::Test {
  TailgateProcess tailgate{{.command = "demo", .flags = {"--cors-origins", "https://app.example"}}};

  HttpResponse ask(const Case& one, HttpVersion version) const {
    HttpRequest request{
        .url = tailgate.url(one.target), .version = version, .headers = one.headers, .method = one.method};
    request.headers.push_back("Origin: https://app.example");
    return fetch(request);
  }
};

TEST_F(BadRequests, AreProblemsThatNameWhatIsWrong) {
  for (const Case& one : cases()) {
    expect_problem(ask(one, HttpVersion::h1), one, "HTTP/1.1");
    expect_problem(ask(one, HttpVersion::h2c), one, "HTTP/2");
  }
}

TEST_F(BadRequests, ATopicThatDoesNotExistLooksLikeOneThatIsNotExposed) {
  const auto of = [&](const std::string& target) {
    return ask({.name = "", .target = target, .status = 404, .code = ""}, HttpVersion::h1);
  };
  const HttpResponse missing = of("/streams/nothing");
  for (const char* target :
       {"/streams/__consumer_offsets", "/streams/a%2Fb", "/streams/orders/77", "/topics/nothing"}) {
    EXPECT_EQ(of(target).body, missing.body) << target;
  }
}

TEST_F(BadRequests, NeverRepeatWhatTheyWereSent) {
  const std::string mark = "zq81evil";
  for (const std::string& target :
       {"/streams/" + mark, "/" + mark, "/streams/orders?" + mark + "=1", "/streams/orders?from=" + mark,
        "/streams/orders?as=" + mark, "/streams/orders?last_event_id=" + mark, "/topics/" + mark}) {
    const HttpResponse answer = ask({.name = "", .target = target, .status = 0, .code = ""}, HttpVersion::h1);
    EXPECT_GE(answer.status, 400) << target;
    EXPECT_EQ(answer.body.find(mark), std::string::npos) << answer.body;
    for (const auto& [name, value] : answer.headers) EXPECT_EQ(value.find(mark), std::string::npos) << name;
  }
}

TEST_F(BadRequests, TenThousandUnknownTopicsLeaveNothingBehind) {
  const auto topics = fetch({.url = tailgate.url("/topics")}).body;
  RawConnection connection{tailgate.port()};
  const auto ask_for = [&](int first, int last) {
    std::string requests;
    for (int i = first; i < last; ++i) {
      requests += "GET /streams/unknown-" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    }
    ASSERT_TRUE(connection.write(requests));
    for (int i = first; i < last; ++i) ASSERT_EQ(connection.read_response().status, 404);
  };
  const auto families = [&] { return fetch({.url = tailgate.admin_url("/metrics")}).body.size(); };
  for (int i = 0; i < 1'000; i += 50) ask_for(i, i + 50);
  const auto before = families();
  for (int i = 1'000; i < 10'000; i += 50) ask_for(i, i + 50);

  EXPECT_EQ(fetch({.url = tailgate.url("/topics")}).body, topics) << "made by being asked for";
  EXPECT_LT(families(), before + 2'000) << "what clients write is no label";
  EXPECT_TRUE(eventually([&] { return tailgate.metric("tailgate_errors_total{code=\"not_found\"}") == 10'000; }));
}

TEST_F(BadRequests, AreAnsweredAlsoWhenTheLogHasNoRoom) {
  const auto port = std::to_string(free_port());
  const TempDir folder;
  Process full{{"/bin/sh", "-c",
                "exec " TAILGATE_BINARY " demo --listen 127.0.0.1:" + port +
                    " --admin 127.0.0.1:" + std::to_string(free_port()) + " 2>/dev/full"},
               folder / "output"};
  ASSERT_TRUE(eventually([&] { return RawConnection::is_open(std::stoi(port)); }));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(fetch({.url = "http://127.0.0.1:" + port + "/nothing"}).status, 404);
  EXPECT_TRUE(full.is_running());
}

TEST_F(BadRequests, AreEachCountedByTheirCode) {
  for (int i = 0; i < 3; ++i) ask({.name = "", .target = "/nothing", .status = 404, .code = ""}, HttpVersion::h1);
  ask({.name = "", .target = "/topics", .status = 501, .code = "", .method = "BREW"}, HttpVersion::h1);
  EXPECT_TRUE(eventually([&] { return tailgate.metric("tailgate_errors_total{code=\"not_found\"}") == 3; }));
  EXPECT_TRUE(eventually([&] { return tailgate.metric("tailgate_errors_total{code=\"unknown_method\"}") == 1; }));
  EXPECT_TRUE(eventually([&] { return tailgate.metric("tailgate_requests_total{status=\"404\"}") == 3; }));
}

TEST_F(BadRequests, PreflightsListWhatIsAllowedAndNothingElse) {
  const Case asked{.name = "",
                   .target = "/streams/orders",
                   .status = 204,
                   .code = "",
                   .headers = {"Access-Control-Request-Method: DELETE", "Access-Control-Request-Headers: x-evil",
                               "Access-Control-Request-Private-Network: true"},
                   .method = "OPTIONS"};
  for (const HttpVersion version : {HttpVersion::h1, HttpVersion::h2c}) {
    const HttpResponse answer = ask(asked, version);
    EXPECT_EQ(answer.status, 204);
    EXPECT_EQ(answer.headers.at("access-control-allow-methods"), "GET, HEAD, OPTIONS");
    EXPECT_EQ(answer.headers.at("access-control-allow-headers"), "Authorization, Last-Event-ID, Prefer, Content-Type");
    EXPECT_EQ(answer.headers.at("access-control-max-age"), "600");
    EXPECT_FALSE(answer.headers.contains("access-control-allow-private-network"));
  }
  const HttpResponse foreign = fetch({.url = tailgate.url("/streams/orders"),
                                      .headers = {"Origin: https://evil.example", kPreflight},
                                      .method = "OPTIONS"});
  EXPECT_FALSE(foreign.headers.contains("access-control-allow-origin"));
}

TEST_F(BadRequests, CredentialsNeverReachTheLog) {
  const std::string secret = "eyJhbGciOiJub25lIn0";
  fetch({.url = tailgate.url("/streams/orders?access_token=" + secret)});
  fetch({.url = tailgate.url("/topics"), .headers = {"Authorization: Bearer " + secret, "Cookie: session=" + secret}});
  EXPECT_TRUE(eventually([&] { return tailgate.log().find("/topics") != std::string::npos; }));
  EXPECT_EQ(tailgate.stop(), 0);
  EXPECT_EQ(tailgate.log().find(secret), std::string::npos);
}

}  // namespace
}  // namespace tailgate::test
