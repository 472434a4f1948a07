#include "server/handlers/closed_range.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "server/handlers/stream_headers.h"
#include "server/handlers/test_request.h"

namespace tailgate {
namespace {

StreamRequest taken(const Request& request) {
  const auto stream = parse_stream_request(request, 1'790'000'000'000);
  EXPECT_TRUE(stream) << request.path << '?' << request.query;
  return stream ? *stream : StreamRequest{};
}

bool is_closed(const std::string& target, std::vector<HeaderField> headers = {}) {
  return is_closed_range(taken(get_request(target, std::move(headers))));
}

TEST(ClosedRange, BeginsAndEndsAtIdsOfItsUrl) {
  for (const char* target : {
           "/streams/a?as=json&from=0:5&until=0:9",
           "/streams/a?as=json&last_event_id=0:5&until=0:9",
           "/streams/a?as=json&from=latest&last_event_id=0:5&until=0:9",
           "/streams/a/1?as=json&from=-&until=9",
           "/streams/a?as=json&from=5&until=9",
           "/streams/a?as=json&from=0:5,1:7&until=0:9,1:7&key=k&limit=10&max_bytes=1000&wait=0&_=x",
           "/streams/a,b?as=json&from=a=0:1;b=0:2&until=a=0:9;b=0:9",
           "/streams/a,b?as=json&last_event_id=a=0:1&from=b=0:2&until=a=0:9;b=0:9",
       }) {
    EXPECT_TRUE(is_closed(target)) << target;
  }
  EXPECT_TRUE(is_closed("/streams/a?from=0:5&until=0:9", {{"accept", "application/json"}}));
  EXPECT_TRUE(is_closed("/streams/a?as=json&from=0:5&until=0:9", {{"last-event-id", ""}})) << "an empty one is none";
  EXPECT_TRUE(is_closed("/streams/a?as=json&from=0:5&until=0:9", {{"prefer", "wait=3"}})) << "waiting changes nothing";
}

TEST(ClosedRange, IsNothingElse) {
  for (const char* target : {
           "/streams/a?as=json&from=0:5",
           "/streams/a?as=json&from=0:5&limit=3",
           "/streams/a?as=json&from=0:5&until=now",
           "/streams/a?as=json&from=0:5&until=@1700000000000",
           "/streams/a?as=json&until=0:9",
           "/streams/a?as=json&from=latest&until=0:9",
           "/streams/a?as=json&from=earliest&until=0:9",
           "/streams/a?as=json&from=-5&until=0:9",
           "/streams/a?as=json&from=@1700000000000&until=0:9",
           "/streams/a,b?as=json&from=a=0:1&until=a=0:9;b=0:9",
           "/streams/a?as=json&from=0:5&until=0:9&cursor=c",
           "/streams/a?as=json&last_event_id=0:5&until=0:9&cursor=c&commit=manual",
           "/streams/a?as=sse&from=0:5&until=0:9",
           "/streams/a?as=ndjson&from=0:5&until=0:9",
           "/streams/a?from=0:5&until=0:9",
       }) {
    EXPECT_FALSE(is_closed(target)) << target;
  }
  EXPECT_FALSE(is_closed("/streams/a?as=json&from=0:5&until=0:9", {{"last-event-id", "0:6"}})) << "not in the URL";
  EXPECT_FALSE(is_closed("/streams/a?as=json&until=0:9", {{"last-event-id", "0:6"}}));
}

PollAnswer ended(std::string why) {
  PollAnswer answer;
  answer.why_ended = std::move(why);
  return answer;
}

TEST(ClosedRange, IsFinalWhereItsRecordsEndedIt) {
  for (const char* why : {"until", "limit", "max_bytes"}) EXPECT_TRUE(is_final(ended(why))) << why;
  for (const char* why : {"wait", "caught_up", "settled", "busy", "pace", "drain", "topic_gone", "beyond_end", ""})
    EXPECT_FALSE(is_final(ended(why))) << why;
  PollAnswer with_a_gap = ended("until");
  with_a_gap.has_events = true;
  EXPECT_FALSE(is_final(with_a_gap));
}

class KeptRange : public testing::Test {
 protected:
  // What becomes of an answer with that body.
  static Response answer(const std::string& body, std::vector<HeaderField> headers = {},
                         const std::string& target = "/streams/a?as=json&from=0:5&until=0:9") {
    const Request asked = get_request(target, std::move(headers));
    Response response;
    response.headers = stream_headers(Representation::json, "0:5");
    response.headers.push_back({"Link", "<?x>; rel=\"next\""});
    response.body = body;
    let_caches_keep(response, taken(asked), asked);
    return response;
  }
  static std::string field(const Response& response, std::string_view name) {
    std::string values;
    for (const ResponseField& header : response.headers) {
      if (header.name == name) values.append(header.value.text()).append("|");
    }
    return values;
  }
  static std::string tag_of(const std::string& body) {
    std::string tag = field(answer(body), "ETag");
    tag.pop_back();
    return tag;
  }
};

TEST_F(KeptRange, SaysSoToCaches) {
  const Response response = answer("{}");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "{}");
  EXPECT_EQ(field(response, "Cache-Control"), "public, max-age=86400, immutable|");
  EXPECT_EQ(field(response, "ETag"), "\"44136fa355b3678a1146ad16f7e8649e\"|");  // sha256sum
  EXPECT_EQ(field(response, "X-Accel-Buffering"), "") << "nginx would not keep it";
  EXPECT_EQ(field(response, "Content-Type"), "application/json|");
  EXPECT_EQ(field(response, "Link"), "<?x>; rel=\"next\"|");
  EXPECT_EQ(field(response, "Last-Event-ID"), "0:5|");
}

TEST_F(KeptRange, VariesByAcceptWhereThatChoseIt) {
  EXPECT_EQ(field(answer("{}"), "Vary"), "Prefer, Last-Event-ID|");
  EXPECT_EQ(field(answer("{}", {{"accept", "application/json"}}, "/streams/a?from=0:5&until=0:9"), "Vary"),
            "Accept, Prefer, Last-Event-ID|");
}

TEST_F(KeptRange, HasTheTagOfItsBytes) {
  EXPECT_EQ(tag_of("{}"), tag_of("{}"));
  EXPECT_NE(tag_of("{}"), tag_of("{ }"));
}

TEST_F(KeptRange, IsA304ForWhoHasIt) {
  const std::string tag = tag_of("{}");
  for (const std::string& known : {tag, "W/" + tag, "\"a\", " + tag, tag + ",\"b\"", std::string{"*"}}) {
    const Response response = answer("{}", {{"if-none-match", known}});
    EXPECT_EQ(response.status, 304) << known;
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(field(response, "ETag"), tag + "|");
    EXPECT_EQ(field(response, "Cache-Control"), "public, max-age=86400, immutable|");
    EXPECT_EQ(field(response, "Vary"), "Prefer, Last-Event-ID|");
  }
  for (const std::string& other : {std::string{}, std::string{"\"a\""}, tag.substr(1), "\"" + tag + "\"", "w/" + tag})
    EXPECT_EQ(answer("{}", {{"if-none-match", other}}).status, 200) << other;
}

}  // namespace
}  // namespace tailgate
