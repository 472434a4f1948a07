// Closed ranges: what caches may keep, what they must not, and nginx as one of them.
#include "tests/support/balancers.h"
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

using Headers = std::vector<std::string>;

std::string field(const HttpResponse& response, const std::string& name) {
  const auto found = response.headers.find(name);
  return found == response.headers.end() ? "" : found->second;
}

bool is_kept(const HttpResponse& response) {
  return field(response, "cache-control") == "public, max-age=86400, immutable" && !field(response, "etag").empty();
}

class ClosedRange : public StreamTest {
 protected:
  ClosedRange() : topic{make_topic()}, path{"/streams/" + topic + "?as=json"} { producer.send(topic, 0, numbered(5)); }

  // Kafka may be slow to say that the topic is not compacted.
  static HttpResponse kept(const std::string& path, const Headers& headers = {}) {
    HttpResponse response;
    EXPECT_TRUE(eventually([&] { return is_kept(response = get(path, headers)); })) << path << "\n" << response.body;
    return response;
  }
  // Of a topic of which a range is kept, so that its policy is not what forbids it.
  static void expect_not_kept(const HttpResponse& response, const std::string& why) {
    EXPECT_EQ(response.status, 200) << why;
    EXPECT_EQ(field(response, "cache-control"), "no-store, no-transform") << why << response.body;
    EXPECT_EQ(field(response, "etag"), "") << why;
    EXPECT_EQ(field(response, "x-accel-buffering"), "no") << why;
    EXPECT_EQ(field(response, "vary"), "Origin, Accept, Prefer, Last-Event-ID, Authorization, Cookie") << why;
  }

  std::string topic;
  std::string path;
};

TEST_F(ClosedRange, IsKeptAndTheSameWhenAskedAgain) {
  const std::string range = path + "&from=0:0&until=0:4";
  const auto response = kept(range);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(field(response, "content-type"), "application/json");
  EXPECT_EQ(field(response, "vary"), "Origin, Prefer, Last-Event-ID");
  EXPECT_EQ(field(response, "x-accel-buffering"), "");
  EXPECT_EQ(field(response, "last-event-id"), "0:0");
  const auto answer = json_of(response.body);
  EXPECT_EQ(answer["records"].Size(), 4U);
  EXPECT_TRUE(answer["end"].GetBool());

  producer.send(topic, 0, numbered(3, 5));
  const auto later = kept(range);
  EXPECT_EQ(later.body, response.body) << "although the log goes on";
  EXPECT_EQ(field(later, "etag"), field(response, "etag"));
  const auto negotiated = kept("/streams/" + topic + "?from=0:0&until=0:4", {"Accept: application/json"});
  EXPECT_EQ(negotiated.body, response.body);
  EXPECT_EQ(field(negotiated, "vary"), "Origin, Accept, Prefer, Last-Event-ID");
}

TEST_F(ClosedRange, IsKeptPageByPage) {
  std::vector<int> seen;
  std::string next = "?as=json&until=0:4&limit=2&last_event_id=0:-";
  while (true) {
    const auto response = kept("/streams/" + topic + next);
    const auto answer = json_of(response.body);
    for (const auto& record : answer["records"].GetArray()) seen.push_back(record["value"]["n"].GetInt());
    if (answer.HasMember("end")) break;
    const auto link = field(response, "link");
    next = link.substr(1, link.find('>') - 1);
  }
  EXPECT_EQ(seen, (std::vector{0, 1, 2, 3, 4}));
  EXPECT_EQ(json_of(kept(path + "&from=0:-&until=0:4&max_bytes=1").body)["records"].Size(), 1U);
}

TEST_F(ClosedRange, OfSeveralTopicsIsKept) {
  const auto other = make_topic({.partitions = 2});
  producer.send(other, 1, numbered(3));
  const auto [first, second] = std::minmax(topic, other);
  const auto position = [&](const std::string& one, const std::string& two) {
    return first == topic ? topic + "=" + one + ";" + other + "=" + two : other + "=" + two + ";" + topic + "=" + one;
  };
  const auto response = kept("/streams/" + first + "," + second + "?as=json&from=" + position("0:2", "0:-,1:0") +
                             "&until=" + position("0:4", "0:-,1:2"));
  EXPECT_EQ(json_of(response.body)["records"].Size(), 4U);
}

TEST_F(ClosedRange, IsA304ForWhoHasItAndTheSameForHead) {
  const std::string range = path + "&from=0:-&until=0:4";
  const auto response = kept(range);
  const double before = server().metric(R"(tailgate_requests_total{status="304"})").value_or(0);
  for (const char* method : {"GET", "HEAD"}) {
    const auto url = server().url(range);
    const auto known =
        fetch({.url = url, .headers = {"If-None-Match: W/" + field(response, "etag")}, .method = method});
    EXPECT_EQ(known.status, 304) << method;
    EXPECT_EQ(known.body, "");
    const auto other = fetch({.url = url, .headers = {"If-None-Match: \"x\""}, .method = method});
    EXPECT_EQ(other.status, 200) << method;
    EXPECT_EQ(other.body, method == std::string{"GET"} ? response.body : "");
    for (const char* name : {"etag", "cache-control", "vary", "link", "last-event-id"}) {
      EXPECT_EQ(field(known, name), field(response, name)) << method << name;
      EXPECT_EQ(field(other, name), field(response, name)) << method << name;
    }
    EXPECT_EQ(field(other, "content-length"), std::to_string(response.body.size())) << method;
  }
  EXPECT_TRUE(eventually(
      [&] { return server().metric(R"(tailgate_requests_total{status="304"})").value_or(0) == before + 2; }));
}

TEST_F(ClosedRange, IsNoOtherRequest) {
  kept(path + "&from=0:-&until=0:4");
  for (const char* query :
       {"&from=0:-", "&from=0:-&limit=2", "&from=0:-&until=now", "&from=earliest&until=0:4", "&from=latest&until=0:4",
        "&from=-3&until=0:4", "&from=@0&until=0:4", "&until=0:4", "&from=0:-&until=0:4&cursor=caching&commit=manual"}) {
    expect_not_kept(get(path + query + std::string{"&wait=1"}), query);
  }
  expect_not_kept(get(path + "&from=0:-&until=0:4", {"Last-Event-ID: 0:1"}), "an id that the URL does not have");
  for (const char* as : {"sse", "ndjson"}) {
    const auto response = get("/streams/" + topic + "?as=" + as + "&from=0:-&until=0:4");
    expect_not_kept(response, as);
  }
}

TEST_F(ClosedRange, IsNotKeptBeforeItIsThere) {
  const std::string range = path + "&from=0:-&wait=1&until=";
  kept(range + "0:4");
  expect_not_kept(get(range + "0:9"), "beyond the end");
  Producer transactional{shared_kafka(), unique_name("caching")};
  transactional.begin();
  transactional.send(topic, 0, numbered(5, 5));
  expect_not_kept(get(range + "0:9"), "beyond the last stable offset");
  kept(range + "0:4");
  transactional.commit();
  const auto committed = kept(range + "0:9");
  EXPECT_EQ(json_of(committed.body)["records"].Size(), 10U);
}

TEST_F(ClosedRange, WithAGapIsNotKept) {
  admin.delete_records(topic, 0, 2);
  const auto rest = kept(path + "&from=0:1&until=0:4");
  EXPECT_EQ(json_of(rest.body)["records"].Size(), 3U);
  const auto response = get(path + "&from=0:-&until=0:4");
  const auto answer = json_of(response.body);
  EXPECT_TRUE(answer.HasMember("events") && answer.HasMember("end")) << response.body;
  expect_not_kept(response, "a gap");
}

TEST_F(ClosedRange, OfACompactedTopicIsNotKept) {
  for (const char* policy : {"compact", "compact,delete"}) {
    const auto compacted = make_topic({.config = {{"cleanup.policy", policy}}});
    producer.send(compacted, 0, std::vector<NewRecord>(3, {.value = "v", .key = "k"}));
    const auto response = get("/streams/" + compacted + "?as=json&from=0:-&until=0:2");
    EXPECT_TRUE(json_of(response.body).HasMember("end")) << response.body;
    expect_not_kept(response, policy);
    const auto both = std::minmax(topic, compacted);
    expect_not_kept(get("/streams/" + both.first + "," + both.second + "?as=json&from=" + both.first + "=0:-;" +
                        both.second + "=0:-&until=" + both.first + "=0:1;" + both.second + "=0:1"),
                    "one of two");
  }
}

TEST_F(ClosedRange, IsServedByNginxWithoutTheServer) {
  const auto nginx = Balancer::caching_nginx({{server().port(), server().admin_port()}});
  const std::string range = path + "&from=0:-&until=0:4";
  kept(range);
  const auto count = [] { return server().metric(R"(tailgate_requests_total{status="200"})").value_or(0); };
  const auto ask = [&](const std::string& target, const Headers& headers = {}) {
    return fetch({.url = nginx->url(target), .headers = headers});
  };
  const auto missed = ask(range);
  EXPECT_EQ(field(missed, "x-cache"), "MISS") << nginx->log();
  EXPECT_TRUE(is_kept(missed));
  // Not kept, although it has an end in the URL; when it is counted, so is the one before.
  const std::string open = path + "&from=earliest&until=0:4";
  double before = count();
  EXPECT_EQ(field(ask(open), "x-cache"), "MISS");
  ASSERT_TRUE(eventually([&] { return count() >= before + 1; }));

  before = count();
  for (int i = 0; i < 3; ++i) {
    const auto hit = ask(range, {"Cookie: a=" + std::to_string(i)});
    EXPECT_EQ(field(hit, "x-cache"), "HIT");
    EXPECT_EQ(hit.body, missed.body);
    EXPECT_EQ(field(hit, "etag"), field(missed, "etag"));
    EXPECT_EQ(field(hit, "cache-control"), field(missed, "cache-control"));
  }
  EXPECT_EQ(ask(range, {"If-None-Match: " + field(missed, "etag")}).status, 304);
  EXPECT_EQ(field(ask(range, {"Last-Event-ID: 0:2"}), "x-cache"), "MISS") << "this one says something else";
  EXPECT_EQ(json_of(ask(range, {"Last-Event-ID: 0:2"}).body)["records"].Size(), 2U);
  EXPECT_EQ(field(ask(open), "x-cache"), "MISS");
  ASSERT_TRUE(eventually([&] { return count() >= before + 3; }));
  EXPECT_EQ(count(), before + 3) << "those that nginx had to ask for";

  // A stream is not held back.
  const SseClient live{{.url = nginx->url("/streams/" + topic + "?from=0:4&until=0:7")}};
  ASSERT_NE(live.wait_for_event("position").id, "");
  producer.send(topic, 0, numbered(1, 5));
  EXPECT_TRUE(live.wait_for_messages(1)) << nginx->log();
}

}  // namespace
}  // namespace tailgate::test
