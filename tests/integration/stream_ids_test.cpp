// Ids: their forms, what resuming with one gives, and what happens at every cut.
#include <set>

#include "tests/support/raw_connection.h"
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

class StreamIds : public StreamTest {};

TEST_F(StreamIds, HaveTheShortestFormThatFitsThePath) {
  const auto a = make_topic({.partitions = 2});
  const auto b = make_topic();
  producer.send(a, 1, numbered(1));
  producer.send(b, 0, numbered(2));
  EXPECT_EQ(outline(read("/streams/" + a + "/1?from=earliest&until=now")), "position:- message:0 end:0!");
  EXPECT_EQ(outline(read("/streams/" + a + "?from=earliest&until=now")),
            "position:0:-,1:- message:0:-,1:0 end:0:-,1:0!");
  EXPECT_EQ(outline(read("/streams/" + b + "?from=-1&until=now")), "position:0:0 message:0:1 end:0:1!");
  const auto& first = std::min(a, b);
  const auto& second = std::max(a, b);
  const auto events = read("/streams/" + b + "," + a + "?until=now");
  EXPECT_EQ(events[0].id, first + (first == a ? "=0:-,1:0;" : "=0:1;") + second + (second == a ? "=0:-,1:0" : "=0:1"));
}

TEST_F(StreamIds, AreAcceptedInTheirLongerForms) {
  const auto topic = make_topic({.partitions = 2});
  producer.send(topic, 0, numbered(3));
  for (const auto& id : {std::string{"1"}, std::string{"0:1"}, topic + "=0:1"}) {
    EXPECT_EQ(outline(read("/streams/" + topic + "/0?until=now", {"Last-Event-ID: " + id})),
              "position:1 message:2 end:2!")
        << id;
  }
  // A bare offset on a topic's stream is partition 0's.
  EXPECT_EQ(read("/streams/" + topic + "?until=now", {"Last-Event-ID: 1"})[0].id, "0:1,1:-");
}

TEST_F(StreamIds, GiveTheFirstRecordBehindThemInEachPartition) {
  const auto topic = make_topic({.partitions = 3});
  for (int p = 0; p < 3; ++p) producer.send(topic, p, numbered(5, 10 * p));
  const auto events = read("/streams/" + topic + "?until=now", {"Last-Event-ID: 0:3,1:-,2:4"});
  std::multiset<std::string> data;
  for (const auto& message : messages_of(events)) data.insert(message);
  EXPECT_EQ(data, (std::multiset{number(4), number(10), number(11), number(12), number(13), number(14)}));
}

TEST_F(StreamIds, BelowTheLogsStartGiveAGapAndAtItNone) {
  const auto topic = make_topic();
  producer.send(topic, 0, numbered(8));
  admin.delete_records(topic, 0, 5);
  const auto path = "/streams/" + topic + "/0?until=now";
  const auto below = read(path, {"Last-Event-ID: 3"});
  EXPECT_EQ(outline(below), "position:3 gap:4 message:5 message:6 message:7 end:7!");
  const auto gap = json_of(below[1].data);
  EXPECT_STREQ(gap["topic"].GetString(), topic.c_str());
  EXPECT_EQ(gap["partition"].GetInt(), 0);
  EXPECT_EQ(gap["from"].GetInt(), 4);
  EXPECT_EQ(gap["to"].GetInt(), 4);
  EXPECT_EQ(outline(read(path, {"Last-Event-ID: 4"})), "position:4 message:5 message:6 message:7 end:7!");
  EXPECT_EQ(outline(read(path, {"Last-Event-ID: 6"})), "position:6 message:7 end:7!");
  EXPECT_EQ(outline(read(path, {"Last-Event-ID: 7"})), "position:7 end:7!");
  EXPECT_EQ(outline(read(path + "&from=earliest")), "position:4 message:5 message:6 message:7 end:7!");
}

TEST_F(StreamIds, OfDeletedRecordsGiveAGapInNdjsonAndLongPollToo) {
  const auto topic = make_topic();
  producer.send(topic, 0, numbered(8));
  admin.delete_records(topic, 0, 5);
  const auto lines = lines_of(get("/streams/" + topic + "?as=ndjson&until=now&last_event_id=0:1").body);
  ASSERT_GE(lines.size(), 2U);
  EXPECT_STREQ(lines[1]["event"].GetString(), "gap");
  EXPECT_STREQ(lines[1]["id"].GetString(), "0:4");
  EXPECT_EQ(lines[1]["from"].GetInt(), 2);
  const auto poll = json_of(get("/streams/" + topic + "?as=json&last_event_id=0:1").body);
  ASSERT_TRUE(poll.HasMember("events"));
  EXPECT_STREQ(poll["events"][0]["event"].GetString(), "gap");
  EXPECT_EQ(poll["events"][0]["to"].GetInt(), 4);
  EXPECT_EQ(poll["events"][0]["before"].GetInt(), 0);
  EXPECT_EQ(poll["records"].Size(), 3U);
  EXPECT_STREQ(poll["next"].GetString(), "0:7");
}

// Four streams wait out the grace of ten seconds together.
TEST_F(StreamIds, BeyondTheLogsEndAreWaitedForAndThenReset) {
  const auto topic = make_topic();
  producer.send(topic, 0, numbered(3));
  const auto client = [&](const std::string& query) {
    return std::make_unique<SseClient>(
        HttpRequest{.url = server().url("/streams/" + topic + query), .headers = {"Last-Event-ID: 0:100"}});
  };
  const auto latest = client("");
  const auto earliest = client("?on_reset=earliest");
  const auto stop = client("?on_reset=stop");
  const auto quiet = make_topic();
  producer.send(quiet, 0, numbered(3));
  const SseClient at_the_end{{.url = server().url("/streams/" + quiet), .headers = {"Last-Event-ID: 0:2"}}};
  const SseClient just_beyond{{.url = server().url("/streams/" + quiet), .headers = {"Last-Event-ID: 0:3"}}};
  const SseClient patient{{.url = server().url("/streams/" + topic), .headers = {"Last-Event-ID: 0:4"}}};
  ASSERT_EQ(latest->wait_for_event("position").id, "0:100");
  ASSERT_EQ(patient.wait_for_event("position").id, "0:4");
  // Seen elsewhere sooner than here: it was no reset.
  producer.send(topic, 0, numbered(3, 3));
  ASSERT_TRUE(patient.wait_for_messages(1));
  EXPECT_EQ(outline(patient.events()), "position:0:4 message:0:5");

  const auto reset = latest->wait_for_event("reset");
  EXPECT_EQ(reset.id, "0:5");
  const auto data = json_of(reset.data);
  EXPECT_STREQ(data["topic"].GetString(), topic.c_str());
  EXPECT_EQ(data["partition"].GetInt(), 0);
  EXPECT_EQ(data["asked"].GetInt(), 101);  // the first offset that it has not passed
  EXPECT_EQ(data["from"].GetInt(), 6);
  EXPECT_STREQ(data["reason"].GetString(), "beyond_end");
  producer.send(topic, 0, numbered(1, 6));
  ASSERT_TRUE(latest->wait_for_messages(1));
  EXPECT_EQ(latest->messages()[0].id, "0:6");

  EXPECT_EQ(earliest->wait_for_event("reset").id, "0:-");
  ASSERT_TRUE(earliest->wait_for_messages(7));
  ASSERT_TRUE(stop->wait_for_end());
  EXPECT_TRUE(stop->messages().empty());
  EXPECT_EQ(stop->events().back().type, "fault");

  EXPECT_EQ(just_beyond.wait_for_event("reset").id, "0:2");
  EXPECT_EQ(outline(at_the_end.events()), "position:0:2") << "it waits for what comes";
}

TEST_F(StreamIds, ThatAreNoneAre400) {
  const auto topic = make_topic();
  const std::vector<std::string> bad{"abc",
                                     "{}",
                                     "[1",
                                     "1,2",
                                     "0:1,0:2",
                                     "1:1,0:1",
                                     "0:99999999999999999999",
                                     "-1",
                                     "0:",
                                     ":1",
                                     "4294967296:1",
                                     "other=0:1",
                                     topic + "=0:1;" + topic + "=0:1",
                                     std::string(7000, '1'),
                                     "\xFF\xFE",
                                     "0:1!!"};
  for (const auto& id : bad) {
    const auto response = get("/streams/" + topic, {"Last-Event-ID: " + id, "Accept: text/event-stream"});
    EXPECT_EQ(response.status, 400) << id.substr(0, 40);
    EXPECT_EQ(response.headers.at("content-type"), "application/problem+json") << id.substr(0, 40);
    EXPECT_LE(response.body.size(), 1024U);
    EXPECT_EQ(json_of(response.body)["status"].GetInt(), 400);
  }
  const auto newer = json_of(get("/streams/" + topic, {"Last-Event-ID: v2~abc"}).body);
  EXPECT_STREQ(newer["code"].GetString(), "newer_id");
}

// Reads exactly so many bytes of the first connection's answer, then comes back with the last id that was dispatched.
TEST_F(StreamIds, LoseNothingWhereverTheStreamIsCut) {
  const auto topic = make_topic();
  const std::vector<std::string> values{R"({"n":0})", "two\nlines", R"({"n":2})"};
  for (const auto& value : values) producer.send(topic, 0, {.value = value});
  const auto request = [&](const std::string& id) {
    return "GET /streams/" + topic + "?from=earliest HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n" +
           (id.empty() ? "" : "Last-Event-ID: " + id + "\r\n") + "\r\n";
  };
  // The body without its chunks.
  const auto read_body = [](RawConnection& connection, std::size_t bytes_max, const std::string& until) {
    std::string body;
    connection.read_head();
    while (body.size() < bytes_max && body.find(until) == std::string::npos) body += connection.read_chunk();
    return body.substr(0, bytes_max);
  };
  std::string whole;
  {
    RawConnection connection{server().port()};
    connection.write(request(""));
    whole = read_body(connection, std::string::npos, "id: 0:2\n\n");
  }
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    const auto first = std::string_view{whole}.substr(0, cut);
    auto events = events_of(first);
    if (const auto id = last_id_of(first); id != "0:2") {
      RawConnection connection{server().port()};
      connection.write(request(id));
      const auto rest = events_of(read_body(connection, std::string::npos, "id: 0:2\n\n"));
      events.insert(events.end(), rest.begin(), rest.end());
    }
    EXPECT_EQ(messages_of(events), values) << "cut behind " << whole.substr(0, cut);
  }
}

TEST_F(StreamIds, OfADifferentReplicaAreGood) {
  const auto topic = make_topic({.partitions = 4});
  TailgateProcess other{{.kafka = shared_kafka(), .topics = topic}};
  for (int p = 0; p < 4; ++p) producer.send(topic, p, numbered(5, 10 * p));
  const auto first = read("/streams/" + topic + "?from=earliest&limit=7");
  const auto rest =
      events_of(fetch({.url = other.url("/streams/" + topic + "?until=now&last_event_id=" + first[7].id)}).body);
  auto data = messages_of(first);
  for (const auto& message : messages_of(rest)) data.push_back(message);
  EXPECT_EQ(data.size(), 20U);
  EXPECT_EQ((std::set<std::string>{data.begin(), data.end()}).size(), 20U);
}

}  // namespace
}  // namespace tailgate::test
