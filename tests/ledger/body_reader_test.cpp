#include "tests/ledger/body_reader.h"

#include <gtest/gtest.h>

#include "tests/ledger/event_stream.h"
#include "tests/ledger/stream_id.h"

namespace tailgate::ledger {
namespace {

std::vector<Seen> read_all(const BodyShape& shape, std::string_view body, std::size_t piece = 1) {
  const auto reader = make_body_reader(shape);
  std::vector<Seen> seen;
  for (std::size_t at = 0; at < body.size(); at += piece) reader->feed(body.substr(at, piece), seen);
  reader->finish(seen);
  return seen;
}

TEST(EventStreamParser, FollowsTheStandardOnLineEndsSpacesBomAndComments) {
  std::vector<ServerEvent> events;
  EventStreamParser parser{[&](ServerEvent& event, bool is_dispatched) {
    if (is_dispatched) events.push_back(event);
  }};
  parser.feed(
      "\xEF\xBB\xBF:comment\r\ndata:  two spaces\rdata\ndata:x\r\nid: 1\r\n\r\nid\ndata: y\n\nevent: e\nretry: 12\n\n");
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].data, " two spaces\n\nx");
  EXPECT_EQ(events[0].last_event_id, "1");
  EXPECT_TRUE(events[0].id_was_last);
  EXPECT_EQ(events[1].last_event_id, "");
  EXPECT_FALSE(events[1].id_was_last);
  EXPECT_EQ(parser.retry_ms(), 12);
  EXPECT_EQ(parser.comments(), 1U);
}

TEST(BodyReader, DispatchesAnSseEventOnlyAtItsEmptyLine) {
  const std::string body = "retry: 3000\nevent: position\ndata: {}\nid: 0:4\n\ndata: {\"a\": 1}\nid: 0:5\n\n";
  const auto reader = make_body_reader({});
  std::vector<Seen> seen;
  reader->feed(std::string_view{body}.substr(0, body.size() - 1), seen);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(reader->last_id(), "0:4");
  reader->feed("\n", seen);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[1].id, "0:5");
  EXPECT_EQ(seen[1].content, Content::json);
  EXPECT_EQ(seen[1].bytes, "{\"a\": 1}");
}

TEST(BodyReader, TakesTheIdOfAnUndispatchedEventWhenItReadsByLine) {
  const auto reader = make_body_reader({.id_by_line = true});
  std::vector<Seen> seen;
  reader->feed("data: 1\nid: 7\n", seen);
  EXPECT_TRUE(seen.empty());
  EXPECT_EQ(reader->last_id(), "7");
  EXPECT_TRUE(reader->is_behind_id_line());
  reader->feed("\n", seen);
  EXPECT_EQ(seen.size(), 1U);
  EXPECT_FALSE(reader->is_behind_id_line());
}

TEST(BodyReader, NamesBlocksWithoutIdOrDataOrWithTheIdNotLast) {
  for (const auto* body : {"data: 1\n\n", "id: 1\n\n", "id: 1\ndata: 1\n\n", "event: surprise\ndata: 1\nid: 1\n\n"}) {
    const auto seen = read_all({}, body);
    ASSERT_EQ(seen.size(), 1U) << body;
    EXPECT_EQ(seen[0].kind, Seen::Kind::malformed) << body;
  }
  EXPECT_EQ(read_all({}, "event: busy\ndata: {\"reason\":\"kafka\"}\n\n")[0].kind, Seen::Kind::busy);
}

TEST(BodyReader, ReadsNdjsonLinesWithTheValueVerbatim) {
  const auto seen = read_all({Representation::ndjson}, R"({"event":"start","id":"0:1"}
{"topic":"t","partition":0,"offset":2,"timestamp":1,"key":"k","headers":[],"encoding":"json","value":{"a": 1.50 , "b":[]},"id":"0:2"}
{"event":"gap","id":"0:9","topic":"t","partition":0,"from":3,"to":9,"reason":"retention"}
)");
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[0].kind, Seen::Kind::position);
  EXPECT_EQ(seen[1].bytes, R"({"a": 1.50 , "b":[]})");
  EXPECT_EQ(seen[1].key, "k");
  EXPECT_EQ(seen[1].id, "0:2");
  EXPECT_EQ(seen[2].kind, Seen::Kind::gap);
  EXPECT_EQ(seen[2].from, 3);
  EXPECT_EQ(seen[2].to, 9);
}

TEST(BodyReader, SeesABatchOfALongPollOnlyWhenItIsWhole) {
  const std::string body =
      R"({"records":[{"topic":"t","partition":0,"offset":7,"timestamp":1,"key":null,"headers":[],"encoding":"null","value":null},
      {"topic":"t","partition":0,"offset":9,"timestamp":1,"key":{"base64":"/w=="},"headers":[],"encoding":"base64","value":"AAE="}],
      "events":[{"event":"gap","topic":"t","partition":0,"from":8,"to":8,"reason":"deleted","before":1}],"next":"0:9","caught_up":true})";
  const auto reader = make_body_reader({Representation::long_poll});
  std::vector<Seen> seen;
  reader->feed(body, seen);
  EXPECT_TRUE(seen.empty());
  EXPECT_EQ(reader->last_id(), "");
  reader->finish(seen);
  ASSERT_EQ(seen.size(), 4U);
  EXPECT_EQ(seen[0].offset, 7);
  EXPECT_EQ(seen[0].content, Content::null);
  EXPECT_EQ(seen[1].kind, Seen::Kind::gap);
  EXPECT_EQ(seen[2].bytes, (std::string{"\0\1", 2}));
  EXPECT_EQ(seen[2].key, "\xFF");
  EXPECT_EQ(seen[3].kind, Seen::Kind::position);
  EXPECT_EQ(reader->last_id(), "0:9");
}

TEST(BodyReader, CallsWhatIsNotJsonMalformed) {
  EXPECT_EQ(read_all({Representation::ndjson}, "{\"event\":\"start\",\"id\":\"1\",}\n")[0].kind, Seen::Kind::malformed);
  EXPECT_EQ(read_all({Representation::long_poll}, "{\"records\":[")[0].kind, Seen::Kind::malformed);
  EXPECT_EQ(read_all({.is_envelope = true}, "data: 1\nid: 1\n\n")[0].kind, Seen::Kind::malformed);
}

TEST(StreamId, ReadsAllFormsAndRefusesWhatIsNone) {
  const auto read = [](std::string_view id) {
    std::string out;
    const bool ok = read_id(id, 3, [&](std::string_view topic, std::int32_t partition, std::int64_t offset) {
      out += std::string{topic} + "/" + std::to_string(partition) + "=" + std::to_string(offset) + " ";
    });
    return ok ? out : "none";
  };
  EXPECT_EQ(read("42"), "/3=42 ");
  EXPECT_EQ(read("0:42,1:-!"), "/0=42 /1=-1 ");
  EXPECT_EQ(read("a=0:1;b=0:2,5:3"), "a/0=1 b/0=2 b/5=3 ");
  for (const auto* id : {"", "x", "0:", "1:1,0:1", "0:1,0:1", "a=", "=0:1", "0:-1"}) EXPECT_EQ(read(id), "none") << id;
}

}  // namespace
}  // namespace tailgate::ledger
