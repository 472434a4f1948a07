// The HTTP side of streams and topics: methods, fields, refusals.
#include "tests/support/raw_connection.h"
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

class StreamHttp : public StreamTest {
 protected:
  StreamHttp() : topic{make_topic()}, path{"/streams/" + topic} {}

  static HttpResponse ask(const std::string& method, const std::string& target,
                          const std::vector<std::string>& headers = {}) {
    return fetch({.url = server().url(target), .headers = headers, .method = method});
  }
  void expect_problem(const HttpResponse& response, int status, const std::string& names = "") const {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.headers.at("content-type"), "application/problem+json");
    EXPECT_EQ(response.headers.at("cache-control"), "no-store");
    EXPECT_EQ(response.headers.at("x-content-type-options"), "nosniff");
    EXPECT_LE(response.body.size(), 1024U);
    const auto problem = json_of(response.body);
    for (const auto* member : {"type", "title", "status", "detail", "code"})
      EXPECT_TRUE(problem.HasMember(member)) << member;
    EXPECT_EQ(problem["status"].GetInt(), status);
    EXPECT_NE(std::string{problem["detail"].GetString()}.find(names), std::string::npos) << response.body;
  }

  std::string topic;
  std::string path;
};

TEST_F(StreamHttp, HeadAnswersTheFieldsOfGetAndNoStream) {
  producer.send(topic, 0, numbered(2));
  const auto head = ask("HEAD", path);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_TRUE(head.headers.at("content-type").starts_with("text/event-stream"));
  EXPECT_EQ(head.headers.at("last-event-id"), "0:1");
  EXPECT_EQ(ask("HEAD", "/streams/none").status, 404);
}

TEST_F(StreamHttp, StreamsAreNeitherCachedNorBufferedNorSniffed) {
  EXPECT_TRUE(get(path + "?as=json&wait=0").headers.at("cache-control").starts_with("no-store"));
  EXPECT_EQ(get(path + "?as=ndjson&until=now").headers.at("cache-control"), "no-store, no-transform");
  const auto response = get(path + "?until=now");
  EXPECT_EQ(response.headers.at("cache-control"), "no-store, no-transform");
  EXPECT_EQ(response.headers.at("x-accel-buffering"), "no");
  EXPECT_EQ(response.headers.at("x-content-type-options"), "nosniff");
  const auto vary = response.headers.at("vary");
  for (const auto* field : {"Accept", "Prefer", "Last-Event-ID", "Authorization", "Cookie", "Origin"}) {
    EXPECT_NE(vary.find(field), std::string::npos) << vary;
  }
}

TEST_F(StreamHttp, AcceptAndAsChooseTheRepresentation) {
  const auto type = [&](const std::string& query, const std::vector<std::string>& headers) {
    const auto response = get(path + "?until=now" + query, headers);
    return response.status == 200 ? response.headers.at("content-type") : std::to_string(response.status);
  };
  EXPECT_TRUE(type("", {"Accept:"}).starts_with("text/event-stream"));
  EXPECT_TRUE(type("", {"Accept: */*"}).starts_with("text/event-stream"));
  EXPECT_TRUE(type("", {"Accept: text/event-stream"}).starts_with("text/event-stream"));
  EXPECT_EQ(type("", {"Accept: application/json"}), "application/json");
  EXPECT_TRUE(type("", {"Accept: application/x-ndjson"}).starts_with("application/x-ndjson"));
  EXPECT_EQ(type("", {"Accept: text/event-stream;q=0.5, application/json"}), "application/json");
  EXPECT_TRUE(type("&as=sse", {"Accept: application/json"}).starts_with("text/event-stream"));
  EXPECT_TRUE(type("&as=ndjson", {"Accept: text/html"}).starts_with("application/x-ndjson"));
  EXPECT_EQ(type("", {"Accept: text/html"}), "406");
  EXPECT_EQ(type("", {"Accept: text/event-stream;q=0"}), "406");
  EXPECT_EQ(type("", {"Accept: " + std::string(1100, 'a')}), "400");
  expect_problem(get(path, {"Accept: image/png"}), 406);
}

TEST_F(StreamHttp, OptionsAnswersWithoutAStream) {
  const auto response = ask("OPTIONS", path, {"Origin: https://example.com", "Access-Control-Request-Method: GET"});
  EXPECT_TRUE(response.status == 204 || response.status == 200) << response.status;
}

TEST_F(StreamHttp, CorsNamesListedOriginsOnlyOnErrorsToo) {
  TailgateProcess listed{
      {.kafka = shared_kafka(), .topics = topic, .flags = {"--cors-origins", "https://app.example.com"}}};
  const auto ask_it = [&](const std::string& method, const std::string& target, const std::string& origin) {
    return fetch({.url = listed.url(target),
                  .headers = {"Origin: " + origin, "Access-Control-Request-Method: GET",
                              "Access-Control-Request-Headers: last-event-id"},
                  .method = method});
  };
  for (const auto& target : {path + "?until=now", std::string{"/streams/none"}, std::string{"/topics"},
                             path + "?form=earliest", "/topics?" + std::string(14'000, 'x')}) {
    const auto good = ask_it("GET", target, "https://app.example.com");
    EXPECT_EQ(good.headers.at("access-control-allow-origin"), "https://app.example.com") << target;
    EXPECT_NE(good.headers.at("vary").find("Origin"), std::string::npos) << target;
    for (const auto* field : {"Last-Event-ID", "Link", "Retry-After", "Preference-Applied"}) {
      EXPECT_NE(good.headers.at("access-control-expose-headers").find(field), std::string::npos) << target;
    }
    const auto bad = ask_it("GET", target, "https://evil.example.com");
    EXPECT_EQ(bad.headers.count("access-control-allow-origin"), 0U) << target;
    EXPECT_NE(bad.headers.at("vary").find("Origin"), std::string::npos) << target;
  }
  const auto preflight = ask_it("OPTIONS", path, "https://app.example.com");
  EXPECT_EQ(preflight.headers.at("access-control-allow-origin"), "https://app.example.com");
  for (const auto* field : {"Authorization", "Last-Event-ID", "Prefer", "Content-Type"}) {
    EXPECT_NE(preflight.headers.at("access-control-allow-headers").find(field), std::string::npos);
  }
  EXPECT_LE(std::stoi(preflight.headers.at("access-control-max-age")), 600);
  EXPECT_EQ(preflight.headers.count("access-control-allow-credentials"), 0U);
}

TEST_F(StreamHttp, BadQueriesAre400AndNameTheParameter) {
  const std::vector<std::pair<std::string, std::string>> bad{{"?form=earliest", "from"},
                                                             {"?from=x", "from"},
                                                             {"?from=-100001", "from"},

                                                             {"?from=2023-13-01T00:00:00Z", "from"},
                                                             {"?from=@", "from"},
                                                             {"?until=x", "until"},
                                                             {"?until=@99999999999999", "until"},
                                                             {"?limit=0", "limit"},
                                                             {"?limit=-1", "limit"},
                                                             {"?limit=1.5", "limit"},
                                                             {"?limit=", "limit"},
                                                             {"?format=xml", "format"},
                                                             {"?as=xml", "as"},
                                                             {"?on_reset=x", "on_reset"},
                                                             {"?soft=2", "soft"},
                                                             {"?wait=1", "wait"},
                                                             {"?max_bytes=1", "max_bytes"},
                                                             {"?cursor=a/b", "cursor"},
                                                             {"?commit=auto", "commit"},
                                                             {"?gather=1001", "gather"},
                                                             {"?from=earliest&from=latest", "from"},
                                                             {"?limit=1&limit=2", "limit"},
                                                             {"?a=1&a[]=2", ""},
                                                             {"?from=%zz", ""},
                                                             {"?last_event_id=x", "last_event_id"},
                                                             {"?from=latest;limit=1", "from"}};
  for (const auto& [query, name] : bad) {
    SCOPED_TRACE(query);
    expect_problem(get(path + query), 400, name);
  }
  std::string many = "?";
  for (int i = 0; i < 65; ++i) many += "key=" + std::to_string(i) + "&";
  expect_problem(get(path + many), 400);
  EXPECT_EQ(get(path + "?until=now&_=123&_x=1").status, 200);
  EXPECT_EQ(get(path + "?key=" + std::string(64'000, 'k')).status, 414);
}

TEST_F(StreamHttp, TheSuggestionForAnUnknownParameterIsTheNearestKnownOne) {
  const auto detail = [&](const std::string& query) {
    return std::string{json_of(get(path + query).body)["detail"].GetString()};
  };
  EXPECT_NE(detail("?form=earliest").find("from"), std::string::npos);
  EXPECT_NE(detail("?lastEventId=1").find("last_event_id"), std::string::npos);
  EXPECT_NE(detail("?unitl=now").find("until"), std::string::npos);
}

TEST_F(StreamHttp, WhatDoesNotExistIsNotToldFromWhatIsNotExposed) {
  TailgateProcess one{{.kafka = shared_kafka(), .topics = topic}};
  const auto hidden = admin.make_topic("hidden");
  // By hand: libcurl takes dots out of a path.
  const auto problem = [&](const std::string& target) {
    RawConnection connection{one.port()};
    connection.write("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto response = connection.read_response();
    EXPECT_EQ(response.status, 404) << target;
    return response.body;
  };
  const auto missing = problem("/streams/none");
  EXPECT_EQ(problem("/streams/" + hidden), missing);
  EXPECT_EQ(problem("/streams/__consumer_offsets"), missing);
  for (const auto* name : {".", "..", "a%2Fb", "t%C3%A4st", "%D0%BErders", "a%20b", "*", "%5E.*", "%252e%252e", "a%00b",
                           "%E2%80%8Borders"}) {
    EXPECT_EQ(problem(std::string{"/streams/"} + name), missing) << name;
  }
  EXPECT_EQ(problem("/streams/" + std::string(250, 'a')), missing);
  EXPECT_EQ(problem("/streams/" + topic + "/1"), problem("/streams/" + topic + "/999999999999"));
  EXPECT_EQ(problem("/streams/" + topic + "," + hidden), missing);
  const auto topics_missing = problem("/topics/none");
  EXPECT_EQ(problem("/topics/" + hidden), topics_missing);
}

TEST_F(StreamHttp, UnknownTopicsAreNotCreated) {
  const auto name = unique_name("never");
  EXPECT_EQ(get("/streams/" + name).status, 404);
  EXPECT_EQ(get("/topics/" + name).status, 404);
  EXPECT_EQ(get("/streams/" + name).status, 404);
  const KafkaClient asking{RD_KAFKA_PRODUCER, {{"bootstrap.servers", shared_kafka()}}};
  const auto metadata = asking.metadata(nullptr, std::chrono::seconds{10});
  ASSERT_NE(metadata, nullptr);
  for (int i = 0; i < metadata->topic_cnt; ++i) EXPECT_STRNE(metadata->topics[i].topic, name.c_str());
}

TEST_F(StreamHttp, OtherMethodsAre405WithAllow) {
  for (const auto* method : {"POST", "PUT", "DELETE", "PATCH"}) {
    const auto response = ask(method, path);
    expect_problem(response, 405);
    EXPECT_NE(response.headers.at("allow").find("GET"), std::string::npos);
  }
}

TEST_F(StreamHttp, ABareHttp10RequestGetsABodyThatEndsWithTheConnection) {
  producer.send(topic, 0, numbered(2));
  RawConnection connection{server().port()};
  connection.write("GET " + path + "?from=earliest&until=now HTTP/1.0\r\n\r\n");
  const auto all = connection.read_to_end();
  EXPECT_TRUE(all.starts_with("HTTP/1.1 200 ")) << all;
  EXPECT_EQ(all.find("chunked"), std::string::npos);
  EXPECT_EQ(messages_of(events_of(all.substr(all.find("\r\n\r\n") + 4))).size(), 2U);
}

TEST_F(StreamHttp, TheSameStreamComesOverEveryVersionOfHttp) {
  CertificateAuthority authority;
  TailgateProcess both{{.kafka = shared_kafka(), .topics = topic, .authority = &authority}};
  producer.send(topic, 0, numbered(3));
  const auto query = path + "?from=earliest&until=now";
  // Behind its first line, which tells each stream a wait of its own.
  const auto stream = [](const HttpRequest& how) {
    const std::string body = fetch(how).body;
    EXPECT_TRUE(body.starts_with("retry: ")) << body;
    return body.substr(body.find('\n') + 1);
  };
  const auto h1 = stream({.url = both.url(query)});
  EXPECT_EQ(messages_of(events_of(h1)).size(), 3U);
  EXPECT_EQ(stream({.url = both.url(query), .version = HttpVersion::h2c}), h1);
  EXPECT_EQ(stream({.url = both.tls_url(query), .version = HttpVersion::h2, .ca_file = authority.ca_file()}), h1);
  EXPECT_EQ(stream({.url = both.tls_url(query), .version = HttpVersion::h1_tls, .ca_file = authority.ca_file()}), h1);
}

TEST_F(StreamHttp, HeartbeatsKeepASilentStreamAlive) {
  const SseClient client{{.url = server().url(path)}};
  EXPECT_TRUE(eventually([&] { return client.comments() >= 3; }, in(std::chrono::seconds{10})));
  EXPECT_EQ(client.events().size(), 1U);
  EXPECT_TRUE(client.body().ends_with("id: 0:-\n\n:\n:\n:\n")) << client.body();
}

TEST_F(StreamHttp, HeartbeatsOfNdjsonAreLines) {
  const auto body = body_until({.url = server().url(path + "?as=ndjson")},
                               [](const std::string& so_far) { return std::ranges::count(so_far, '\n') >= 3; });
  EXPECT_EQ(body,
            "{\"event\":\"start\",\"id\":\"0:-\"}\n{\"event\":\"position\",\"id\":\"0:-\"}\n{\"event\":\"position\","
            "\"id\":\"0:-\"}\n");
}

TEST_F(StreamHttp, MoreThan16TopicsAre400AndSoIsAStreamOfTooManyPartitions) {
  std::string topics = topic;
  for (int i = 0; i < 16; ++i) topics += ",t" + std::to_string(i);
  EXPECT_EQ(get("/streams/" + topics).status, 400);
  const auto wide = make_topic({.partitions = 300});
  expect_problem(get("/streams/" + wide), 400, "256");
  EXPECT_EQ(get("/streams/" + wide + "/299?until=now").status, 200);
}

}  // namespace
}  // namespace tailgate::test
