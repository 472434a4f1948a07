// What records become: every kind of value and key, in every representation.
#include "tests/ledger/committed_read.h"
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

class StreamRecords : public StreamTest {
 protected:
  StreamRecords() : topic{make_topic()}, path{"/streams/" + topic} {}
  std::vector<SseEvent> records(const std::string& query = "") {
    auto events = read(path + "/0?from=earliest&until=now" + query);
    events.erase(events.begin());
    events.pop_back();
    return events;
  }
  std::vector<rapidjson::Document> lines() {
    auto all = lines_of(get(path + "/0?as=ndjson&from=earliest&until=now").body);
    all.erase(all.begin());
    all.pop_back();
    return all;
  }
  rapidjson::Document poll() { return json_of(get(path + "/0?as=json&from=earliest").body); }

  std::string topic;
  std::string path;
};

TEST_F(StreamRecords, WithTextComeByteForByteButForTheirLineEnds) {
  const std::vector<std::pair<std::string, std::string>> values{
      {R"({"a": 1.50,  "b":[]})", R"({"a": 1.50,  "b":[]})"},
      {"a\rb\r\nc\nd", "a\nb\nc\nd"},
      {"\r\n\r\n", "\n\n"},
      {"", ""},
      {" leading", " leading"},
      {": a comment? no", ": a comment? no"},
      {"id: 7\ndata: x\n\n", "id: 7\ndata: x\n\n"},
      {"\xEF\xBB\xBF"
       "BOM",
       "\xEF\xBB\xBF"
       "BOM"},
      {"\xE2\x80\xA8</script>\xE2\x80\xAE", "\xE2\x80\xA8</script>\xE2\x80\xAE"},
      {"täst \xF0\x9F\x98\x80", "täst \xF0\x9F\x98\x80"},
  };
  for (const auto& [value, seen] : values) producer.send(topic, 0, {.value = value});
  const auto events = records();
  ASSERT_EQ(events.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(events[i].type, "message");
    EXPECT_EQ(events[i].data, values[i].second);
    EXPECT_EQ(events[i].id, std::to_string(i));
  }
  // The envelope keeps line ends as they are.
  const auto all = lines();
  ASSERT_EQ(all.size(), values.size());
  for (std::size_t i = 1; i < values.size(); ++i) {
    EXPECT_STREQ(all[i]["encoding"].GetString(), "string");
    EXPECT_EQ((std::string{all[i]["value"].GetString(), all[i]["value"].GetStringLength()}), values[i].first);
  }
}

TEST_F(StreamRecords, WithJsonAreInlinedVerbatimOnOneLine) {
  producer.send(topic, 0,
                {.value = "{\"big\": 12345678901234567890.10,\r\n \"s\": \"a\\nb\"}",
                 .key = "k1",
                 .headers = {{"trace", "ab"}},
                 .timestamp_ms = 1'790'000'000'123});
  const auto expected =
      R"({"topic":")" + topic +
      R"(","partition":0,"offset":0,"timestamp":1790000000123,"key":"k1","headers":[{"name":"trace","value":"ab"}],)"
      R"("encoding":"json","value":{"big": 12345678901234567890.10,   "s": "a\nb"}})";
  const auto events = records("&format=envelope");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].data, expected);
  const auto with_id = expected.substr(0, expected.size() - 1) + R"(,"id":"0"})";
  EXPECT_NE(get(path + "/0?as=ndjson&from=earliest&until=now").body.find("\n" + with_id + "\n"), std::string::npos);
  EXPECT_NE(get(path + "/0?as=json&from=earliest").body.find("[" + expected + "]"), std::string::npos);
}

TEST_F(StreamRecords, OfOtherKindsAreTypedEvents) {
  producer.send(topic, 0,
                {{.value = std::nullopt, .key = "gone"},
                 {.value = std::nullopt},
                 {.value = std::nullopt, .key = "a\nevent: evil\r\n\r\nid: 99"},
                 {.value = std::string{"\xFF\x00\x01", 3}},
                 {.value = std::string{"nul\0", 4}}});
  const auto events = records();
  ASSERT_EQ(events.size(), 5U);
  EXPECT_EQ(events[0].type, "tombstone");
  EXPECT_EQ(events[0].data, "gone");
  EXPECT_EQ(events[1].type, "tombstone");
  EXPECT_EQ(events[1].data, "");
  EXPECT_EQ(events[2].type, "tombstone");
  EXPECT_EQ(events[2].data, "a\nevent: evil\n\nid: 99");
  EXPECT_EQ(events[2].id, "2");
  EXPECT_EQ(events[3].type, "binary");
  EXPECT_EQ(events[3].data, "/wAB");
  EXPECT_EQ(events[4].type, "binary");
  EXPECT_EQ(events[4].data, "bnVsAA==");
  const auto all = lines();
  ASSERT_EQ(all.size(), 5U);
  EXPECT_STREQ(all[0]["encoding"].GetString(), "null");
  EXPECT_TRUE(all[0]["value"].IsNull());
  EXPECT_STREQ(all[0]["key"].GetString(), "gone");
  EXPECT_TRUE(all[1]["key"].IsNull());
  EXPECT_STREQ(all[3]["encoding"].GetString(), "base64");
  EXPECT_STREQ(all[3]["value"].GetString(), "/wAB");
}

TEST_F(StreamRecords, MayHaveTenThousandHeadersAndOddOnesAndTooLargeOnes) {
  NewRecord many{.value = "v"};
  for (int i = 0; i < 10'000; ++i) many.headers.emplace_back("h", std::to_string(i));
  producer.send(topic, 0, many);
  producer.send(topic, 0, {.value = "v", .headers = {{"a\nb: c", "\r\n\r\n"}, {"täst", "\xE2\x80\xA8"}}});
  const auto all = lines();
  ASSERT_EQ(all.size(), 2U);
  ASSERT_EQ(all[0]["headers"].Size(), 10'000U);
  EXPECT_STREQ(all[0]["headers"][9'999]["value"].GetString(), "9999");
  EXPECT_STREQ(all[1]["headers"][0]["name"].GetString(), "a\nb: c");
  EXPECT_STREQ(all[1]["headers"][0]["value"].GetString(), "\r\n\r\n");
  EXPECT_STREQ(all[1]["headers"][1]["name"].GetString(), "täst");

  const auto large = make_topic({.config = {{"max.message.bytes", "4000000"}}});
  Producer{shared_kafka(), "", {{"message.max.bytes", "4000000"}}}.send(
      large, 0, {.value = "v", .headers = {{"large", std::string(1'048'000, 'x')}, {"too", std::string(9'000, 'x')}}});
  // The value is not too large, and is shown without them; before they have been read, and behind that.
  const auto value = "/streams/" + large + "?from=earliest&until=now";
  EXPECT_EQ(outline(read(value)), "position:0:- message:0:0 end:0:0!");
  EXPECT_NE(get("/streams/" + large + "?from=earliest&until=now&as=ndjson").body.find(R"("encoding":"oversize")"),
            std::string::npos);
  EXPECT_EQ(outline(read(value)), "position:0:- message:0:0 end:0:0!");
}

TEST_F(StreamRecords, KeepKeysAndHeadersInOrderNullOnesAndBinaryOnesToo) {
  producer.send(topic, 0,
                {.value = "v",
                 .key = std::string{"\xFE", 1},
                 .headers = {{"b", "2"}, {"a", std::nullopt}, {"b", std::string{"\xFF", 1}}, {"", ""}}});
  producer.send(topic, 0, NewRecord{.value = "v", .key = ""});
  const auto all = lines();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(text_of(all[0]["key"]), R"({"base64":"/g=="})");
  EXPECT_EQ(
      text_of(all[0]["headers"]),
      R"([{"name":"b","value":"2"},{"name":"a","value":null},{"name":"b","value":{"base64":"/w=="}},{"name":"","value":""}])");
  EXPECT_STREQ(all[1]["key"].GetString(), "");
}

TEST_F(StreamRecords, OfOneMebibyteComeWholeAndLargerOnesAreNamedOversize) {
  const auto large = make_topic({.config = {{"max.message.bytes", "4000000"}}});
  Producer big{shared_kafka(), "", {{"message.max.bytes", "4000000"}}};
  const std::string fits(1024 * 1024, 'x');
  big.send(large, 0, {.value = fits});
  big.send(large, 0, {.value = fits + "y"});
  big.send(large, 0, {.value = "after"});
  const auto events = read("/streams/" + large + "/0?from=earliest&until=now");
  ASSERT_EQ(events.size(), 5U);
  EXPECT_EQ(events[1].data, fits);
  EXPECT_EQ(events[2].type, "oversize");
  EXPECT_EQ(events[2].data, R"({"topic":")" + large + R"(","partition":0,"offset":1,"size":1048577})");
  EXPECT_EQ(events[2].id, "1");
  EXPECT_EQ(events[3].data, "after");
  const auto lines = lines_of(get("/streams/" + large + "/0?as=ndjson&until=now&last_event_id=0").body);
  EXPECT_STREQ(lines.at(1)["encoding"].GetString(), "oversize");
  EXPECT_EQ(lines.at(1)["size"].GetInt(), 1048577);
  EXPECT_TRUE(lines.at(1)["value"].IsNull());
  // A long poll gives the first record whatever its size.
  const auto poll = json_of(get("/streams/" + large + "/0?as=json&from=earliest&max_bytes=10").body);
  EXPECT_EQ(poll["records"].Size(), 1U);
  EXPECT_EQ(poll["records"][0]["value"].GetStringLength(), fits.size());
}

TEST_F(StreamRecords, ThatProducersCompressedComeAsTheyWere) {
  int n = 0;
  std::vector<std::string> sent;
  for (const auto* codec : {"none", "gzip", "snappy", "lz4", "zstd"}) {
    Producer compressing{shared_kafka(), "", {{"compression.codec", codec}}};
    std::vector<NewRecord> batch;
    for (int i = 0; i < 200; ++i) {
      sent.push_back(R"({"codec":")" + std::string{codec} + R"(","n":)" + std::to_string(n++) + "}");
      batch.push_back({.value = sent.back()});
    }
    compressing.send(topic, 0, batch);
  }
  EXPECT_EQ(messages_of(read(path + "?from=earliest&until=now")), sent);
  // From inside of a compressed batch.
  EXPECT_EQ(messages_of(read(path + "/0?until=now&last_event_id=299")),
            (std::vector<std::string>{sent.begin() + 300, sent.end()}));
}

TEST_F(StreamRecords, OfSeveralTopicsSayTheirTopic) {
  const auto other = make_topic();
  producer.send(topic, 0, numbered(1));
  producer.send(other, 0, numbered(1, 1));
  const auto events = read("/streams/" + topic + "," + other + "?from=earliest&until=now");
  const auto messages = messages_of(events);
  ASSERT_EQ(messages.size(), 2U);
  std::vector<std::string> topics{json_of(messages[0])["topic"].GetString(), json_of(messages[1])["topic"].GetString()};
  std::ranges::sort(topics);
  EXPECT_EQ(topics, (std::vector{std::min(topic, other), std::max(topic, other)}));
  auto values = messages_of(read("/streams/" + topic + "," + other + "?from=earliest&until=now&format=value"));
  std::ranges::sort(values);
  EXPECT_EQ(values, (std::vector{number(0), number(1)}));
}

TEST_F(StreamRecords, OfAnAbortedTransactionAreNeverSeenAndMarkersAreNoGap) {
  Producer transactional{shared_kafka(), unique_name("records")};
  std::vector<std::string> committed;
  int n = 0;
  for (int round = 0; round < 6; ++round) {
    transactional.begin();
    for (int i = 0; i < 5; ++i) {
      if (round % 2 == 0) committed.push_back(number(n));
      transactional.send(topic, 0, {.value = number(n++)});
    }
    if (round % 2 == 0)
      transactional.commit();
    else
      transactional.abort();
  }
  const auto events = records();
  EXPECT_EQ(messages_of(events), committed);
  EXPECT_EQ(count_of(events, "gap"), 0);
  // From an offset that is a marker, and from one inside of an aborted transaction.
  EXPECT_EQ(messages_of(read(path + "/0?until=now&last_event_id=5")),
            (std::vector<std::string>{committed.begin() + 5, committed.end()}));
  EXPECT_EQ(messages_of(read(path + "/0?until=now&last_event_id=8")),
            (std::vector<std::string>{committed.begin() + 5, committed.end()}));
}

TEST_F(StreamRecords, OfAnOpenTransactionAreSeenWhenItIsCommitted) {
  const SseClient live{{.url = server().url(path + "/0?from=earliest")}};
  ASSERT_EQ(live.wait_for_event("position").id, "-");
  Producer transactional{shared_kafka(), unique_name("records")};
  transactional.begin();
  transactional.send(topic, 0, numbered(3));
  producer.send(topic, 0, {.value = "behind it"});
  EXPECT_EQ(outline(read(path + "/0?from=earliest&until=now")), "position:- end:-!");
  EXPECT_TRUE(live.messages().empty());
  const auto lag = "tailgate_lso_lag{topic=\"" + topic + "\"}";
  EXPECT_TRUE(eventually([&] { return server().metric(lag) == 4; })) << server().metric(lag).value_or(-1);
  transactional.commit();
  ASSERT_TRUE(live.wait_for_messages(4));
  EXPECT_TRUE(eventually([&] { return server().metric(lag) == 0; })) << server().metric(lag).value_or(-1);
  EXPECT_EQ(messages_of(live.events()), (std::vector{number(0), number(1), number(2), std::string{"behind it"}}));
}

TEST_F(StreamRecords, ThatCompactionTookAwayAreNoGap) {
  const auto compacted = make_topic({.config = {{"cleanup.policy", "compact"},
                                                {"segment.ms", "100"},
                                                {"min.cleanable.dirty.ratio", "0.01"},
                                                {"max.compaction.lag.ms", "200"},
                                                {"min.compaction.lag.ms", "0"}}});
  for (int i = 0; i < 20; ++i) producer.send(compacted, 0, {.value = number(i), .key = "k" + std::to_string(i % 2)});
  // The cleaner works on segments that are not written to any more: a record now and then rolls one, and each one more
  // is more to clean. The server is not asked until it has done so, because what the server has read it may keep for a
  // while.
  int n = 20;
  Deadline next_roll{};
  ASSERT_TRUE(eventually(
      [&] {
        if (Clock::now() >= next_roll) {
          producer.send(compacted, 0, {.value = number(n++), .key = "other"});
          next_roll = in(std::chrono::milliseconds{300});
        }
        const auto held = ledger::read_committed(shared_kafka(), {compacted, 0});
        return held && !held->contains(17);
      },
      in(3 * kPatience)));
  const auto events = read("/streams/" + compacted + "/0?from=earliest&until=now");
  EXPECT_EQ(count_of(events, "gap"), 0);
  EXPECT_EQ(std::ranges::count(messages_of(events), number(18)), 1);
  // From an offset that is no more, in the middle of the hole.
  const auto rest = read("/streams/" + compacted + "/0?until=now&last_event_id=5");
  EXPECT_EQ(rest.at(0).type, "position");
  EXPECT_EQ(rest.at(1).type, "message");
  EXPECT_EQ(rest.at(1).data, number(18));
}

}  // namespace
}  // namespace tailgate::test
