// Filters by key, that a stream moves on although nothing passes, and events that gather.
#include <chrono>

#include "tests/support/raw_connection.h"
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

class StreamFilter : public StreamTest {
 protected:
  StreamFilter() : topic{make_topic({.partitions = 2})}, path{"/streams/" + topic} {}
  std::string topic;
  std::string path;
};

TEST_F(StreamFilter, GivesOnlyRecordsWithOneOfTheKeys) {
  for (int i = 0; i < 12; ++i) producer.send(topic, i % 2, {.value = number(i), .key = "k" + std::to_string(i % 4)});
  producer.send(topic, 0, {.value = "no key"});
  auto one = messages_of(read(path + "?from=earliest&until=now&key=k1"));
  EXPECT_EQ(one, (std::vector{number(1), number(5), number(9)}));
  auto two = messages_of(read(path + "?from=earliest&until=now&key=k1&key=k2"));
  EXPECT_EQ(two.size(), 6U);
  EXPECT_TRUE(messages_of(read(path + "?from=earliest&until=now&key=none")).empty());
  EXPECT_TRUE(messages_of(read(path + "?from=earliest&until=now&key=")).empty());
}

TEST_F(StreamFilter, CountsLimitOverWhatPasses) {
  for (int i = 0; i < 20; ++i) producer.send(topic, 0, {.value = number(i), .key = i % 2 == 0 ? "even" : "odd"});
  EXPECT_EQ(messages_of(read(path + "/0?from=earliest&limit=3&key=odd")),
            (std::vector{number(1), number(3), number(5)}));
}

TEST_F(StreamFilter, SaysPositionWhenALongStretchPassesWithoutARecord) {
  const SseClient client{{.url = server().url(path + "/0?key=mine")}};
  ASSERT_EQ(client.wait_for_event("position").id, "-");
  producer.send(topic, 0, std::vector<NewRecord>(50, {.value = "v", .key = "other"}));
  EXPECT_TRUE(
      client.wait_for([](const auto& events) { return events.back().type == "position" && events.back().id == "49"; }));
  producer.send(topic, 0, NewRecord{.value = "for me", .key = "mine"});
  ASSERT_TRUE(client.wait_for_messages(1));
  EXPECT_EQ(client.messages()[0].id, "50");
}

TEST_F(StreamFilter, SaysPositionInNdjsonToo) {
  producer.send(topic, 0, std::vector<NewRecord>(5, {.value = "v", .key = "other"}));
  const auto body = body_until(
      {.url = server().url(path + "/0?as=ndjson&from=earliest&key=mine")},
      [](const std::string& so_far) { return so_far.find(R"({"event":"position","id":"4"})") != std::string::npos; });
  EXPECT_NE(body.find("{\"event\":\"position\",\"id\":\"4\"}\n"), std::string::npos) << body;
}

TEST_F(StreamFilter, OfALargeHistoryEndsAtItsEnd) {
  producer.send(topic, 0, std::vector<NewRecord>(20'000, {.value = "v", .key = "other"}));
  producer.send(topic, 0, NewRecord{.value = "needle", .key = "mine"});
  EXPECT_EQ(messages_of(read(path + "?from=earliest&until=now&key=mine")), (std::vector<std::string>{"needle"}));
}

// How many chunks of its body carried records until the one with `last` came, and how many of its events they held.
struct Pieces {
  int chunks = 0;
  int events = 0;
};
void read_until(RawConnection& stream, int last, Pieces& pieces) {
  for (std::string chunk = stream.read_chunk(); !chunk.empty(); chunk = stream.read_chunk()) {
    const auto records = messages_of(events_of(chunk));
    pieces.chunks += records.empty() ? 0 : 1;
    pieces.events += static_cast<int>(records.size());
    if (!records.empty() && records.back() == number(last)) return;
  }
}

TEST_F(StreamFilter, EventsOfAStreamThatGathersComeTogether) {
  constexpr int kRecords = 30;
  RawConnection plain{server().port()};
  RawConnection gathering{server().port()};
  plain.write("GET " + path + "/0 HTTP/1.1\r\nHost: t\r\n\r\n");
  gathering.write("GET " + path + "/0?gather=1000 HTTP/1.1\r\nHost: t\r\n\r\n");
  for (auto* stream : {&plain, &gathering}) {
    ASSERT_EQ(stream->read_head().status, 200);
    stream->read_chunk();  // where it starts
  }
  const auto start = Clock::now();
  Pieces one_by_one;
  for (int i = 0; i < kRecords; ++i) {
    producer.send(topic, 0, NewRecord{.value = number(i)});
    read_until(plain, i, one_by_one);  // who does not gather has each before the next is written
  }
  Pieces together;
  read_until(gathering, kRecords - 1, together);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - start).count();
  EXPECT_EQ(one_by_one.chunks, kRecords);
  EXPECT_EQ(one_by_one.events, kRecords);
  EXPECT_EQ(together.events, kRecords);
  EXPECT_LE(together.chunks, seconds + 2) << "the first at once, and then one a second";
}

}  // namespace
}  // namespace tailgate::test
