#include "server/handlers/stream_request.h"

#include <gtest/gtest.h>

#include <limits>

#include "server/handlers/test_request.h"

namespace tailgate {
namespace {

constexpr std::int64_t kNowMs = 1'790'000'000'000;

StreamRequest taken(std::string target, std::vector<HeaderField> headers = {}) {
  const auto stream = parse_stream_request(get_request(target, std::move(headers)), kNowMs);
  EXPECT_TRUE(stream) << target << ": " << (stream ? "" : stream.error().detail);
  return stream ? *stream : StreamRequest{};
}

Error refused(std::string target, std::vector<HeaderField> headers = {}) {
  const auto stream = parse_stream_request(get_request(target, std::move(headers)), kNowMs);
  EXPECT_FALSE(stream) << target;
  return stream ? Error{} : stream.error();
}

// The refusal is a 400 whose sentence names what is wrong.
testing::AssertionResult is_bad(const std::string& target, std::string_view names,
                                std::vector<HeaderField> headers = {}) {
  const auto stream = parse_stream_request(get_request(target, std::move(headers)), kNowMs);
  if (stream) return testing::AssertionFailure() << target << " was taken";
  const bool is_named = stream.error().detail.find(names) != std::string::npos;
  if (stream.error().code == ErrorCode::bad_request && is_named) return testing::AssertionSuccess();
  return testing::AssertionFailure() << target << ": " << stream.error().detail;
}

using Topics = std::vector<std::string>;

TEST(StreamRequest, OfATopicWithoutAnythingElseTailsIt) {
  const StreamRequest stream = taken("/streams/orders");
  EXPECT_EQ(stream.topics, Topics{"orders"});
  EXPECT_EQ(stream.partition, std::nullopt);
  EXPECT_EQ(stream.representation, Representation::sse);
  EXPECT_EQ(stream.format, Format::value);
  EXPECT_TRUE(std::holds_alternative<FromLatest>(stream.from));
  EXPECT_TRUE(std::holds_alternative<UntilNever>(stream.until));
  EXPECT_EQ(stream.limit, std::nullopt);
  EXPECT_TRUE(stream.position.empty());
  EXPECT_EQ(stream.on_reset, ResetPolicy::latest);
  EXPECT_FALSE(stream.is_soft);
  EXPECT_FALSE(stream.is_over);
  EXPECT_EQ(stream.id_form(), IdForm::parts);
}

TEST(StreamRequest, ThePathNamesTopicsOrOnePartition) {
  EXPECT_EQ(taken("/streams/payments,orders,payments").topics, (Topics{"orders", "payments"}));
  EXPECT_EQ(taken("/streams/payments%2Corders").topics, (Topics{"orders", "payments"}));
  EXPECT_EQ(taken("/streams/orders,orders").id_form(), IdForm::parts);
  EXPECT_EQ(taken("/streams/orders,payments").id_form(), IdForm::topics);
  EXPECT_EQ(taken("/streams/orders/0").partition, 0);
  EXPECT_EQ(taken("/streams/orders/2147483647").partition, 2147483647);
  EXPECT_EQ(taken("/streams/orders/3").id_form(), IdForm::offset);
  EXPECT_EQ(taken("/streams/%6Frders").topics, Topics{"orders"});
  EXPECT_EQ(taken("/streams/" + std::string(249, 'x')).topics, Topics{std::string(249, 'x')});
}

TEST(StreamRequest, WhatIsNoTopicIsNotFound) {
  const Error unknown = refused("/streams/");
  for (const std::string& path : {std::string{""},
                                  std::string{"."},
                                  std::string{".."},
                                  std::string{"a%2Fb"},
                                  std::string{"t%C3%A4st"},
                                  std::string{"%D0%BErders"},
                                  std::string{"a%E2%80%8Bb"},
                                  std::string{"a%20b"},
                                  std::string{"a b"},
                                  std::string{"*"},
                                  std::string{"%5E.*"},
                                  std::string{"%252e%252e"},
                                  std::string{"%2e%2e"},
                                  std::string{"a+b"},
                                  std::string{"a,"},
                                  std::string{",a"},
                                  std::string{"a,,b"},
                                  std::string{"a%00"},
                                  std::string(250, 'x'),
                                  std::string{"orders/"},
                                  std::string{"orders/x"},
                                  std::string{"orders/-1"},
                                  std::string{"orders/00"},
                                  std::string{"orders/2147483648"},
                                  std::string{"orders/0/"},
                                  std::string{"orders/0/1"},
                                  std::string{"orders,payments/0"}}) {
    const Error error = refused("/streams/" + path);
    EXPECT_EQ(error.code, ErrorCode::not_found) << path;
    EXPECT_EQ(error.detail, unknown.detail) << path;
  }
  EXPECT_TRUE(is_bad("/streams/%zz", "path"));
  EXPECT_TRUE(is_bad("/streams/a%2", "path"));
}

TEST(StreamRequest, TakesSixteenTopicsAndNoMore) {
  std::string path = "/streams/t0";
  for (int i = 1; i < 16; ++i) path += ",t" + std::to_string(i);
  EXPECT_EQ(taken(path).topics.size(), 16u);
  EXPECT_TRUE(is_bad(path + ",t16", "16 topics"));
}

TEST(StreamRequest, TheRepresentationComesFromAcceptOrFromAs) {
  EXPECT_EQ(taken("/streams/a", {{"accept", "application/json"}}).representation, Representation::json);
  EXPECT_EQ(taken("/streams/a?as=ndjson", {{"accept", "application/json"}}).representation, Representation::ndjson);
  EXPECT_EQ(taken("/streams/a?as=json", {{"accept", "text/html"}}).representation, Representation::json);
  EXPECT_EQ(refused("/streams/a", {{"accept", "text/html"}}).code, ErrorCode::not_acceptable);
  EXPECT_EQ(refused("/streams/a", {{"accept", "text/event-stream;q=0"}}).code, ErrorCode::not_acceptable);
  EXPECT_TRUE(is_bad("/streams/a", "Accept", {{"accept", std::string(1025, 'a')}}));
  EXPECT_TRUE(is_bad("/streams/a?as=json", "Accept", {{"accept", std::string(1025, 'a')}}));
  EXPECT_TRUE(is_bad("/streams/a?as=xml", "as "));
  EXPECT_TRUE(is_bad("/streams/a?as=", "as "));
}

TEST(StreamRequest, StartsWhereTheHeaderSaysBeforeTheQuery) {
  const Position at42{{"a", {{0, 42}}}};
  EXPECT_EQ(taken("/streams/a", {{"last-event-id", "0:42"}}).position, at42);
  EXPECT_EQ(taken("/streams/a?last_event_id=0:42").position, at42);
  EXPECT_EQ(taken("/streams/a?last_event_id=0:7&from=0:8", {{"last-event-id", "0:42"}}).position, at42);
  EXPECT_EQ(taken("/streams/a?last_event_id=0:42&from=0:8").position, at42);
  EXPECT_EQ(taken("/streams/a?from=0:42").position, at42);
  EXPECT_EQ(taken("/streams/a", {{"last-event-id", "0:42"}}).id, "0:42");
  EXPECT_EQ(taken("/streams/a?from=0:42").id, "");
}

TEST(StreamRequest, ATopicThatNoIdNamesStartsByFrom) {
  const StreamRequest stream = taken("/streams/a,b?from=earliest", {{"last-event-id", "a=0:42"}});
  EXPECT_EQ(stream.position, (Position{{"a", {{0, 42}}}}));
  EXPECT_TRUE(std::holds_alternative<FromEarliest>(stream.from));
  EXPECT_EQ(taken("/streams/a,b?from=a=0:1;b=0:2", {{"last-event-id", "a=0:42"}}).position,
            (Position{{"a", {{0, 42}}}, {"b", {{0, 2}}}}));
}

TEST(StreamRequest, EveryOffsetHasANextOne) {
  const Position last_but_one{{"a", {{0, std::numeric_limits<Offset>::max() - 1}}}};
  EXPECT_EQ(taken("/streams/a?last_event_id=9223372036854775807").position, last_but_one);
  EXPECT_EQ(taken("/streams/a?from=9223372036854775807").position, last_but_one);
  EXPECT_EQ(std::get<UntilPosition>(taken("/streams/a?until=9223372036854775807").until).position, last_but_one);
}

TEST(StreamRequest, AnEmptyIdIsNone) {
  EXPECT_TRUE(taken("/streams/a?last_event_id=").position.empty());
  EXPECT_TRUE(taken("/streams/a", {{"last-event-id", ""}}).position.empty());
  EXPECT_EQ(taken("/streams/a?last_event_id=0:42", {{"last-event-id", ""}}).position, (Position{{"a", {{0, 42}}}}));
}

TEST(StreamRequest, ABadIdIsRefusedAndSaysWhereItStood) {
  for (const std::string& id : {std::string{"abc"}, std::string{"{}"}, std::string{"[1"}, std::string(5'000, 'x'),
                                std::string{"\xff\xfe"}, std::string{"0:1\r\n"}, std::string{"0:\0001", 4}}) {
    const Error error = refused("/streams/a", {{"last-event-id", id}});
    EXPECT_EQ(error.code, ErrorCode::bad_id);
    EXPECT_TRUE(error.detail.starts_with("Last-Event-ID: ")) << error.detail;
    EXPECT_LT(error.detail.size(), 200u);
  }
  EXPECT_TRUE(refused("/streams/a?last_event_id=abc").detail.starts_with("last_event_id: "));
  EXPECT_EQ(refused("/streams/a", {{"last-event-id", "b=0:1"}}).code, ErrorCode::bad_id);
  EXPECT_EQ(refused("/streams/a/1", {{"last-event-id", "0:1"}}).code, ErrorCode::bad_id);
  EXPECT_EQ(refused("/streams/a", {{"last-event-id", "v2~x"}}).code, ErrorCode::newer_id);
  EXPECT_EQ(refused("/streams/a?from=v2~x").code, ErrorCode::newer_id);
  EXPECT_EQ(refused("/streams/a", {{"last-event-id", "0:1"}, {"last-event-id", "0:2"}}).code, ErrorCode::bad_id);
}

TEST(StreamRequest, FromTakesPlacesTimesAndIds) {
  EXPECT_TRUE(std::holds_alternative<FromLatest>(taken("/streams/a?from=latest").from));
  EXPECT_TRUE(std::holds_alternative<FromEarliest>(taken("/streams/a?from=earliest").from));
  EXPECT_EQ(std::get<FromBack>(taken("/streams/a?from=-0").from).offsets, 0);
  EXPECT_EQ(std::get<FromBack>(taken("/streams/a?from=-100000").from).offsets, 100'000);
  EXPECT_EQ(std::get<FromTime>(taken("/streams/a?from=@1790000000123").from).wall_ms, 1790000000123);
  EXPECT_EQ(std::get<FromTime>(taken("/streams/a?from=2026-09-21T15:46:40+02:00").from).wall_ms, 1789998400000);
  EXPECT_EQ(std::get<FromTime>(taken("/streams/a?from=2026-09-21T15:46:40%2B02:00").from).wall_ms, 1789998400000);
  EXPECT_EQ(taken("/streams/a/7?from=42").position, (Position{{"a", {{7, 42}}}}));
  EXPECT_EQ(taken("/streams/a?from=42").position, (Position{{"a", {{0, 42}}}}));
  EXPECT_EQ(taken("/streams/a?from=-").position, (Position{{"a", {{0, kNothingPassed}}}}));
  for (const char* from :
       {"", "Latest", "-100001", "-x", "--1", "-1.5", "@-1", "2026-09-21", "yesterday", "b=0:1", "+5"}) {
    EXPECT_TRUE(is_bad(std::string{"/streams/a?from="} + from, "from"));
  }
}

TEST(StreamRequest, StopsAtALimitOrAPlace) {
  EXPECT_EQ(taken("/streams/a?limit=1").limit, 1);
  EXPECT_EQ(taken("/streams/a?limit=1000000").limit, 1'000'000);
  EXPECT_TRUE(std::holds_alternative<UntilNow>(taken("/streams/a?until=now").until));
  EXPECT_EQ(std::get<UntilTime>(taken("/streams/a?until=@1790000000000").until).wall_ms, kNowMs);
  EXPECT_EQ(std::get<UntilPosition>(taken("/streams/a?until=0:5,1:-").until).position,
            (Position{{"a", {{0, 5}, {1, kNothingPassed}}}}));
  for (const char* limit : {"", "0", "-1", "1.5", "x", "9223372036854775808", "1e3"}) {
    EXPECT_TRUE(is_bad(std::string{"/streams/a?limit="} + limit, "limit"));
  }
  for (const char* until : {"", "@1790000000001", "2099-01-01T00:00:00Z", "latest", "-5", "b=0:1"}) {
    EXPECT_TRUE(is_bad(std::string{"/streams/a?until="} + until, "until"));
  }
  EXPECT_TRUE(is_bad("/streams/a,b?until=a=0:5", "every topic"));
}

TEST(StreamRequest, AnIdFromTheEndIsOverOnlyWhereThereIsAnEnd) {
  EXPECT_TRUE(taken("/streams/a?limit=5", {{"last-event-id", "0:42!"}}).is_over);
  EXPECT_TRUE(taken("/streams/a?until=now&last_event_id=0:42!").is_over);
  EXPECT_FALSE(taken("/streams/a", {{"last-event-id", "0:42!"}}).is_over);
  EXPECT_FALSE(taken("/streams/a?limit=5", {{"last-event-id", "0:42"}}).is_over);
  EXPECT_FALSE(taken("/streams/a?limit=5&from=0:42!").is_over);
  EXPECT_FALSE(taken("/streams/a?as=json", {{"last-event-id", "0:42!"}}).is_over);
  EXPECT_EQ(taken("/streams/a", {{"last-event-id", "0:42!"}}).position, (Position{{"a", {{0, 42}}}}));
}

TEST(StreamRequest, EnvelopesAreTheDefaultWhereAValueWouldNotSayItsTopic) {
  EXPECT_EQ(taken("/streams/a?format=envelope").format, Format::envelope);
  EXPECT_EQ(taken("/streams/a,b").format, Format::envelope);
  EXPECT_EQ(taken("/streams/a,b?format=value").format, Format::value);
  EXPECT_EQ(taken("/streams/a?as=json").format, Format::envelope);
  EXPECT_EQ(taken("/streams/a?as=ndjson&format=envelope").format, Format::envelope);
  EXPECT_TRUE(is_bad("/streams/a?as=json&format=value", "format"));
  EXPECT_TRUE(is_bad("/streams/a?format=xml", "format"));
}

TEST(StreamRequest, OnResetGoesOnAsAsked) {
  EXPECT_EQ(taken("/streams/a?on_reset=earliest").on_reset, ResetPolicy::earliest);
  EXPECT_EQ(taken("/streams/a?on_reset=latest").on_reset, ResetPolicy::latest);
  EXPECT_EQ(taken("/streams/a?on_reset=stop").on_reset, ResetPolicy::stop);
  EXPECT_TRUE(is_bad("/streams/a?on_reset=now", "on_reset"));
}

TEST(StreamRequest, KeysAreASet) {
  EXPECT_EQ(taken("/streams/a?key=b&key=a&key=b&key=").keys, (std::vector<std::string>{"", "a", "b"}));
  EXPECT_EQ(taken("/streams/a?key=%00%ff").keys, (std::vector<std::string>{std::string{"\0\xff", 2}}));
  EXPECT_TRUE(taken("/streams/a").keys.empty());
}

TEST(StreamRequest, ALongPollHasItsBounds) {
  const StreamRequest poll = taken("/streams/a?as=json");
  EXPECT_EQ(poll.wait_s, 25);
  EXPECT_EQ(poll.limit, 500);
  EXPECT_EQ(poll.bytes_max, 1 << 20);
  EXPECT_EQ(poll.preference_applied, "");
  EXPECT_EQ(taken("/streams/a?as=json&wait=0").wait_s, 0);
  EXPECT_EQ(taken("/streams/a?as=json&wait=50").wait_s, 50);
  EXPECT_EQ(taken("/streams/a?as=json&limit=10000").limit, 10'000);
  EXPECT_EQ(taken("/streams/a?as=json&max_bytes=1").bytes_max, 1);
  for (const char* wait : {"51", "-1", "1.5", "", "x"})
    EXPECT_TRUE(is_bad(std::string{"/streams/a?as=json&wait="} + wait, "wait"));
  EXPECT_TRUE(is_bad("/streams/a?as=json&limit=10001", "limit"));
  EXPECT_TRUE(is_bad("/streams/a?as=json&max_bytes=0", "max_bytes"));
  EXPECT_TRUE(is_bad("/streams/a?as=json&max_bytes=16777217", "max_bytes"));
  EXPECT_TRUE(is_bad("/streams/a?wait=5", "wait"));
  EXPECT_TRUE(is_bad("/streams/a?as=ndjson&max_bytes=5", "max_bytes"));
}

TEST(StreamRequest, APreferenceForWaitingIsLoweredAndSaid) {
  const auto preferred = [](std::string prefer) {
    return taken("/streams/a?as=json", {{"prefer", std::move(prefer)}});
  };
  EXPECT_EQ(preferred("wait=10").wait_s, 10);
  EXPECT_EQ(preferred("wait=10").preference_applied, "wait=10");
  EXPECT_EQ(preferred("wait=3600").wait_s, 50);
  EXPECT_EQ(preferred("wait=3600").preference_applied, "wait=50");
  EXPECT_EQ(preferred("wait=99999999999999999999").wait_s, 50);
  EXPECT_EQ(preferred("respond-async, Wait = \"7\"; x=y, wait=9").wait_s, 7);
  for (const char* other : {"wait", "wait=", "wait=x", "wait=-1", "wait=1.5", "waiting=5", "return=minimal", ""}) {
    EXPECT_EQ(preferred(other).wait_s, 25) << other;
    EXPECT_EQ(preferred(other).preference_applied, "") << other;
  }
  const StreamRequest both = taken("/streams/a?as=json&wait=3", {{"prefer", "wait=10"}});
  EXPECT_EQ(both.wait_s, 3);
  EXPECT_EQ(both.preference_applied, "");
  EXPECT_EQ(taken("/streams/a", {{"prefer", "wait=10"}}).preference_applied, "");
}

TEST(StreamRequest, OnlyAnEventSourceIsRefusedSoftlyUnlessAskedOtherwise) {
  const HeaderField event_source{"accept", "text/event-stream"};
  EXPECT_TRUE(taken("/streams/a", {event_source}).is_soft);
  EXPECT_FALSE(taken("/streams/a", {{"accept", "*/*"}}).is_soft);
  EXPECT_FALSE(taken("/streams/a?soft=0", {event_source}).is_soft);
  EXPECT_TRUE(taken("/streams/a?soft=1").is_soft);
  EXPECT_FALSE(taken("/streams/a?as=json", {event_source}).is_soft);
  EXPECT_FALSE(taken("/streams/a?as=json&soft=0").is_soft);
  EXPECT_TRUE(is_bad("/streams/a?as=json&soft=1", "soft"));
  EXPECT_TRUE(is_bad("/streams/a?soft=yes", "soft"));
}

TEST(StreamRequest, CursorsAreRefusedByNameWhereTheyCannotBe) {
  EXPECT_TRUE(is_bad("/streams/a?cursor=", "cursor"));
  EXPECT_TRUE(is_bad("/streams/a?cursor=a%2Fb", "cursor"));
  EXPECT_TRUE(is_bad("/streams/a?cursor=%7D", "cursor"));
  EXPECT_TRUE(is_bad("/streams/a?cursor=" + std::string(129, 'c'), "cursor"));
  EXPECT_TRUE(is_bad("/streams/a?cursor=c&commit=always", "commit"));
  EXPECT_TRUE(is_bad("/streams/a?commit=auto", "commit"));
}

TEST(StreamRequest, GatherIsAtMostASecond) {
  EXPECT_EQ(taken("/streams/a").gather_ms, 0);
  EXPECT_EQ(taken("/streams/a?gather=0").gather_ms, 0);
  EXPECT_EQ(taken("/streams/a?gather=1000&as=ndjson").gather_ms, 1000);
  EXPECT_TRUE(is_bad("/streams/a?gather=1001", "gather"));
  EXPECT_TRUE(is_bad("/streams/a?gather=-1", "gather"));
  EXPECT_TRUE(is_bad("/streams/a?gather=", "gather"));
}

TEST(StreamRequest, ASlipIsNoSilentDefault) {
  EXPECT_TRUE(is_bad("/streams/a?form=earliest", "from?"));
  EXPECT_TRUE(is_bad("/streams/a?last-event-id=0:1", "last_event_id?"));
  EXPECT_TRUE(is_bad("/streams/a?from=latest&from=latest", "from"));
  EXPECT_TRUE(std::holds_alternative<FromLatest>(taken("/streams/a?_form=earliest").from));
}

TEST(StreamRequest, TheNextPollOfAQueryWithAllTheParametersItMayHaveIsTaken) {
  std::string query = "as=json";
  for (int i = 1; i < 64; ++i) query += "&key=" + std::to_string(i);
  const std::string next = next_query(get_request("/streams/a?" + query), "0:7");
  EXPECT_EQ(taken("/streams/a?" + next).position, (Position{{"a", {{0, 7}}}}));
  EXPECT_EQ(next_query(get_request("/streams/a?" + next), "0:7"), next);
  EXPECT_EQ(refused("/streams/a?" + query + "&key=64").code, ErrorCode::bad_request);
}

TEST(StreamRequest, TheNextPollGoesOnWhereThisOneEnded) {
  EXPECT_EQ(
      next_query(get_request("/streams/a?as=json&from=earliest&key=x%20y&limit=5&_=1&last_event_id=0:1"), "0:7,1:-"),
      "as=json&key=x%20y&limit=5&last_event_id=0%3A7%2C1%3A-");
  EXPECT_EQ(next_query(get_request("/streams/a?access_token=secret"), "0:7"), "last_event_id=0%3A7");
  EXPECT_EQ(next_query(get_request("/streams/a?key=a>;<b\"\xC3\xA4%2B+/~"), "0:7"),
            "key=a%3E;%3Cb%22%C3%A4%2B+/~&last_event_id=0%3A7");
  EXPECT_EQ(taken("/streams/a?" + next_query(get_request("/streams/a?as=json&from=earliest"), "0:7")).position,
            (Position{{"a", {{0, 7}}}}));
}

}  // namespace
}  // namespace tailgate
