// Named cursors as clients see them: two replicas behind no balancer at all, one Redis, a real Kafka.
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/redis_server.h"
#include "tests/support/stream_fixture.h"

namespace tailgate::test {
namespace {

class CursorHttp : public StreamTest {
 protected:
  CursorHttp() : topic{make_topic({.partitions = 2})}, path{"/streams/" + topic} {
    producer.send(topic, 0, numbered(10));
    producer.send(topic, 1, numbered(10, 100));
    for (int i = 0; i < 2; ++i) {
      replicas.push_back(std::make_unique<TailgateProcess>(TailgateOptions{
          .kafka = shared_kafka(),
          .topics = topic,
          .flags = {"--redis", redis.url(), "--threads", "2", "--heartbeat", "1s", "--retry", "100ms"}}));
      wait_until_known(*replicas.back(), topic);
      EXPECT_TRUE(
          eventually([&] { return ready_body(*replicas.back()).find("\"redis\":\"up\"") != std::string::npos; }));
    }
  }

  static std::string ready_body(const TailgateProcess& replica) {
    return fetch({.url = replica.admin_url("/readyz")}).body;
  }
  // Asked again while Redis is slow: under a sanitizer on a busy machine 50 ms are not always enough.
  HttpResponse ask(const std::string& method, const std::string& name, const std::string& body = "",
                   std::size_t replica = 0, std::vector<std::string> headers = {}) {
    HttpResponse response;
    EXPECT_TRUE(eventually([&] {
      response = fetch(
          {.url = replicas[replica]->url("/cursors/" + name), .headers = headers, .method = method, .body = body});
      return response.status != 503;
    }));
    return response;
  }
  HttpResponse put(const std::string& name, const std::string& id, const std::string& more = "",
                   const std::string& query = "") {
    return ask("PUT", name + query, R"({"position":{")" + topic + R"(":")" + id + "\"}" + more + "}");
  }
  // "0:4,1:2 g1" or the status.
  std::string standing(const std::string& name, std::size_t replica = 0) {
    const HttpResponse response = ask("GET", name, "", replica);
    if (response.status != 200) return std::to_string(response.status);
    const auto json = json_of(response.body);
    return std::string{json["position"][topic.c_str()].GetString()} + " g" +
           std::to_string(json["generation"].GetInt64());
  }
  // Where a stream with this query starts.
  std::string start(const std::string& query, std::size_t replica = 0, const std::string& of = "") {
    HttpResponse response;
    EXPECT_TRUE(eventually([&] {
      response = fetch({.url = replicas[replica]->url((of.empty() ? path : of) + "?until=now&soft=0&" + query)});
      return response.status != 503;
    }));
    EXPECT_EQ(response.status, 200) << response.body;
    const auto events = events_of(response.body);
    return events.empty() ? "" : events[0].id;
  }

  std::string topic;
  std::string path;
  RedisServer redis;
  std::vector<std::unique_ptr<TailgateProcess>> replicas;
};

TEST_F(CursorHttp, AreMadeReadMovedAndDeletedOnAnyReplica) {
  EXPECT_EQ(standing("a"), "404");
  const HttpResponse made = put("a", "0:4,1:2");
  EXPECT_EQ(made.status, 200) << made.body;
  const auto json = json_of(made.body);
  EXPECT_STREQ(json["name"].GetString(), "a");
  EXPECT_GT(json["updated"].GetInt64(), 1'700'000'000'000);
  EXPECT_EQ(standing("a", 1), "0:4,1:2 g1");
  EXPECT_EQ(put("a", "0:3").status, 200);
  EXPECT_EQ(standing("a", 1), "0:4,1:2 g1");
  EXPECT_EQ(put("a", "0:5").status, 200);
  EXPECT_EQ(standing("a", 1), "0:5,1:2 g1");
  EXPECT_EQ(ask("DELETE", "a", "", 1).status, 204);
  EXPECT_EQ(standing("a"), "404");
  EXPECT_EQ(ask("HEAD", "a").status, 404);
}

TEST_F(CursorHttp, GoBackByAResetWhichFencesTheGenerationBefore) {
  ASSERT_EQ(put("a", "0:5,1:2").status, 200);
  EXPECT_EQ(put("a", "0:1", "", "?reset=true").status, 200);
  EXPECT_EQ(standing("a", 1), "0:1,1:2 g2");
  const HttpResponse stale = put("a", "0:6", ",\"generation\":1");
  EXPECT_EQ(stale.status, 409);
  EXPECT_STREQ(json_of(stale.body)["code"].GetString(), "stale_generation");
  EXPECT_EQ(standing("a"), "0:1,1:2 g2");
  EXPECT_EQ(put("a", "0:2", ",\"generation\":2").status, 200);
  EXPECT_EQ(standing("a"), "0:2,1:2 g2");
}

TEST_F(CursorHttp, ThatIsPutBeyondAnEndIsToldWhichOneAndWhereItIs) {
  const auto detail_of = [&](const std::string& position) {
    return std::string{json_of(put("a", position).body)["detail"].GetString()};
  };
  EXPECT_EQ(detail_of("0:9,1:12"), "position is beyond the end of partition 1 of " + topic +
                                       ": it has passed offset 12, and the next one to be written is 10");
  EXPECT_EQ(detail_of("2:0"), "position names partition 2 of " + topic + ", which does not exist");
}

TEST_F(CursorHttp, RefuseWhatNobodyCanHaveRead) {
  EXPECT_EQ(put("a", "0:9").status, 200);
  EXPECT_EQ(put("a", "0:10").status, 422);
  EXPECT_EQ(put("a", "0:9223372036854775807").status, 422);
  EXPECT_EQ(put("a", "2:0").status, 422);
  EXPECT_EQ(ask("PUT", "a", R"({"position":{"no-such-topic":"0:1"}})").status, 422);
  EXPECT_EQ(standing("a"), "0:9 g1");
}

// "0:1,1:1,…"
std::string partitions(int count) {
  std::string id;
  for (int p = 0; p < count; ++p) id += (p > 0 ? "," : "") + std::to_string(p) + ":1";
  return id;
}

TEST_F(CursorHttp, RefuseBodiesThatAreNotOfTheForm) {
  const std::vector<std::string> bodies{
      "",
      "null",
      "[]",
      "\"x\"",
      "{}",
      "{",
      R"({"position":{}})",
      R"({"position":null})",
      R"({"position":"0:1"})",
      R"({"position":{"t":1}})",
      R"({"position":{"t":"x"}})",
      R"({"position":{"t":"-1"}})",
      R"({"position":{"t":"0:1","t":"0:2"}})",
      R"({"position":{"t":"0:1"},"position":{"t":"0:1"}})",
      R"({"position":{"t":"0:1"},"generation":1,"generation":1})",
      R"({"position":{"t":"0:1"},"generation":-1})",
      R"({"position":{"t":"0:1"},"generation":1.5})",
      R"({"position":{"t":"0:1"},"generation":"1"})",
      R"({"position":{"t":"0:1"},"other":1})",
      R"({"position":{"t":"0:1"}} x)",
      "{\"position\":{\"\xff\":\"0:1\"}}",
      R"({"position":{"\ud800":"0:1"}})",
      R"({"position":{"\u0000":"0:1"}})",
      R"({"position":{"a/../b}{c":"0:1"}})",
      R"({"pos\u0000ition":{"t":"0:1"}})",
      R"({"position":{"t":")" + partitions(257) + "\"}}",
      R"({"position":{"t":")" + partitions(10'000) + "\"}}",
      R"({"position":{"t":")" + partitions(200) + R"(","u":")" + partitions(200) + "\"}}",
      std::string(100'000, '[')};
  for (const std::string& body : bodies) {
    const HttpResponse response = ask("PUT", "a", body);
    EXPECT_EQ(response.status, 400) << body.substr(0, 80) << " " << response.body;
    EXPECT_LE(response.body.size(), 1'024u);
  }
  for (const auto* encoding : {"gzip", "br", "deflate", "gzip, gzip"}) {
    EXPECT_EQ(ask("PUT", "a", "x", 0, {std::string{"Content-Encoding: "} + encoding}).status, 415) << encoding;
  }
  EXPECT_EQ(ask("PUT", "a?reset=maybe", R"({"position":{"t":"0:1"}})").status, 400);
  EXPECT_EQ(ask("PUT", "a?rest=true", R"({"position":{"t":"0:1"}})").status, 400);
  EXPECT_EQ(standing("a"), "404");
}

TEST_F(CursorHttp, HaveNamesMethodsAndNoList) {
  const std::vector<std::string> illegal{"",    "a%2Fb", "a%7D",     "%7B", "a%20b", "%00", std::string(129, 'a'),
                                         "%zz", "a/b",   "%E2%82%AC"};
  for (const std::string& name : illegal) EXPECT_EQ(ask("GET", name).status, 400) << name;
  EXPECT_EQ(standing("A-z.0_9"), "404");
  EXPECT_EQ(fetch({.url = replicas[0]->url("/cursors")}).status, 403);
  const HttpResponse post = ask("POST", "a", "{}");
  EXPECT_EQ(post.status, 405);
  EXPECT_EQ(post.headers.at("allow"), "GET, HEAD, PUT, DELETE, OPTIONS");
  const HttpResponse preflight =
      ask("OPTIONS", "a", "", 0, {"Origin: https://a.example", "Access-Control-Request-Method: PUT"});
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.headers.at("allow"), "GET, HEAD, PUT, DELETE, OPTIONS");
}

TEST_F(CursorHttp, StartAStreamWhereTheyStandAndWhatTheyNeverCoveredByFrom) {
  EXPECT_EQ(start("cursor=none&commit=manual&from=earliest"), "0:-,1:-");
  ASSERT_EQ(put("a", "0:4,1:2").status, 200);
  EXPECT_EQ(start("cursor=a&commit=manual&from=earliest", 1), "0:4,1:2");
  EXPECT_EQ(start("cursor=a&commit=manual&last_event_id=0:7,1:7", 1), "0:7,1:7");
  EXPECT_EQ(start("cursor=a&commit=manual&from=0:7,1:7", 1), "0:4,1:2");
  EXPECT_EQ(start("cursor=a&commit=manual", 1, path + "/1"), "2");
  ASSERT_EQ(put("half", "0:4").status, 200);
  EXPECT_EQ(start("cursor=half&commit=manual"), "0:4,1:9");
  EXPECT_EQ(start("cursor=half&commit=manual&from=earliest"), "0:4,1:-");
  EXPECT_EQ(start("cursor=half&commit=manual&from=0:0,1:3"), "0:4,1:3");
  EXPECT_EQ(standing("a"), "0:4,1:2 g1");
  EXPECT_EQ(standing("none"), "404");
}

TEST_F(CursorHttp, ReadWhatHasGrownSinceFromItsBeginning) {
  ASSERT_EQ(put("a", "0:9,1:9").status, 200);
  admin.set_partitions(topic, 3);
  producer.send(topic, 2, numbered(3, 200));
  EXPECT_TRUE(eventually([&] { return start("cursor=a&commit=manual", 1) == "0:9,1:9,2:-"; }));
}

// At least once: the reader processes, commits by PUT, and its replica is killed.
TEST_F(CursorHttp, ManualReadersSkipNothingWhenTheirReplicaIsKilled) {
  std::vector<std::string> processed;
  {
    const SseClient client{{.url = replicas[0]->url(path + "/0?cursor=m&commit=manual&from=earliest")}};
    ASSERT_TRUE(client.wait_for_messages(10));
    for (int i = 0; i < 6; ++i) processed.push_back(client.messages()[static_cast<std::size_t>(i)].data);
    ASSERT_EQ(put("m", client.messages()[5].id).status, 200);
    replicas[0]->kill_hard();
  }
  producer.send(topic, 0, numbered(2, 10));
  const SseClient client{{.url = replicas[1]->url(path + "/0?cursor=m&commit=manual")}};
  ASSERT_TRUE(client.wait_for_messages(6));
  for (const SseEvent& event : client.messages()) processed.push_back(event.data);
  std::vector<std::string> all;
  for (int i = 0; i < 12; ++i) all.push_back(number(i));
  EXPECT_EQ(processed, all);
}

TEST_F(CursorHttp, AutoReadersMoveByTheIdThatTheyComeBackWith) {
  {
    const SseClient client{{.url = replicas[0]->url(path + "?cursor=auto&from=0:2,1:2")}};
    ASSERT_TRUE(client.wait_for_messages(14));
    // Where it started is what it has for sure, not what was sent to it since.
    EXPECT_TRUE(eventually([&] { return standing("auto", 1) == "0:2,1:2 g1"; }));
  }
  EXPECT_EQ(start("cursor=auto&last_event_id=0:5,1:4", 1), "0:5,1:4");
  EXPECT_TRUE(eventually([&] { return standing("auto") == "0:5,1:4 g1"; }));
  // It comes back with an older id: that is where it goes on, but the cursor stays.
  EXPECT_EQ(start("cursor=auto&last_event_id=0:3,1:3", 1), "0:3,1:3");
  replicas[0]->kill_hard();
  EXPECT_EQ(start("cursor=auto", 1), "0:5,1:4");
  EXPECT_EQ(standing("auto", 1), "0:5,1:4 g1");
}

TEST_F(CursorHttp, AutoNeverMovesBeyondTheEndWhateverTheIdSays) {
  const SseClient client{{.url = replicas[0]->url(path + "?cursor=far&last_event_id=0:4000,1:3")}};
  EXPECT_TRUE(eventually([&] { return standing("far", 1) == "0:9,1:3 g1"; }));
}

TEST_F(CursorHttp, LongPollsMoveByThePositionFromWhichTheyAskNext) {
  HttpResponse poll;
  ASSERT_TRUE(eventually([&] {
    poll = fetch({.url = replicas[0]->url(path + "?as=json&cursor=p&from=earliest&limit=5&wait=1")});
    return poll.status == 200;
  }));
  EXPECT_TRUE(eventually([&] { return standing("p", 1) == "0:-,1:- g1"; }));
  const std::string link = poll.headers.at("link");
  const std::string query = link.substr(1, link.find('>') - 1);
  EXPECT_NE(query.find("cursor=p"), std::string::npos) << link;
  const std::string next = json_of(poll.body)["next"].GetString();
  ASSERT_EQ(fetch({.url = replicas[1]->url(path + query)}).status, 200);
  EXPECT_TRUE(eventually([&] { return standing("p") == next + " g1"; })) << standing("p") << " " << next;
}

TEST_F(CursorHttp, SentBookmarksFollowTheStreamAndADrainSavesThem) {
  const SseClient client{{.url = replicas[0]->url(path + "?cursor=s&commit=sent&from=earliest")}};
  ASSERT_TRUE(client.wait_for_messages(20));
  EXPECT_TRUE(eventually([&] { return standing("s", 1) == "0:9,1:9 g1"; }));
  producer.send(topic, 0, numbered(1, 10));
  ASSERT_TRUE(client.wait_for_messages(21));
  EXPECT_EQ(replicas[0]->stop(), 0);
  EXPECT_TRUE(eventually([&] { return standing("s", 1) == "0:10,1:9 g1"; }));
  EXPECT_EQ(start("cursor=s&commit=manual", 1), "0:10,1:9");
}

TEST_F(CursorHttp, SentNeverMovesBeyondTheEndWhateverTheIdSays) {
  const SseClient client{{.url = replicas[0]->url(path + "?cursor=far&commit=sent&last_event_id=0:4000,1:3")}};
  EXPECT_TRUE(client.wait_for_messages(6));
  EXPECT_TRUE(eventually([&] { return standing("far", 1) == "0:9,1:9 g1"; })) << standing("far", 1);
  const std::string poll = path + "?as=json&wait=0&cursor=poll&commit=sent&last_event_id=0:4000,1:9";
  EXPECT_TRUE(eventually([&] { return fetch({.url = replicas[0]->url(poll)}).status == 200; }));
  EXPECT_TRUE(eventually([&] { return standing("poll", 1) == "0:9,1:9 g1"; })) << standing("poll", 1);
}

// What the stream would say of itself could not be read when the client comes back with it, or be saved.
TEST_F(CursorHttp, WithIdsOfMorePartitionsThanOneMayNameAreRefused) {
  std::string id = "10:0";
  for (int partition = 11; partition < 266; ++partition) id += "," + std::to_string(partition) + ":0";  // 256
  for (const std::string& query : {"?as=json&wait=0&cursor=many&commit=sent&last_event_id=" + id,
                                   "?cursor=many&commit=sent&last_event_id=" + id, "?from=earliest&until=" + id}) {
    const HttpResponse answer = fetch({.url = replicas[0]->url(path + query)});
    EXPECT_EQ(answer.status, 400) << query;
    EXPECT_NE(answer.body.find("256 partitions"), std::string::npos) << answer.body;
  }
  EXPECT_TRUE(replicas[0]->is_running()) << replicas[0]->log();
}

TEST_F(CursorHttp, AResetEndsWhatABookmarkDoes) {
  const SseClient client{{.url = replicas[0]->url(path + "?cursor=s&commit=sent&from=earliest")}};
  ASSERT_TRUE(client.wait_for_messages(20));
  EXPECT_TRUE(eventually([&] { return standing("s", 1) == "0:9,1:9 g1"; }));
  ASSERT_EQ(put("s", "0:1,1:1", "", "?reset=true").status, 200);
  producer.send(topic, 0, numbered(5, 10));
  ASSERT_TRUE(client.wait_for_messages(25));
  EXPECT_TRUE(eventually(
      [&] { return replicas[0]->metric(R"(tailgate_cursor_saves_total{result="refused"})").value_or(0) > 0; }));
  EXPECT_EQ(standing("s", 1), "0:1,1:1 g2");
}

// C3: neither a stream nor a writer of the cursor that was deleted moves the one of the same name that comes after it.
TEST_F(CursorHttp, MadeAnewAfterADeleteAreNotMovedByWhatWasMeantForTheOneBefore) {
  const SseClient client{{.url = replicas[0]->url(path + "?cursor=s&commit=sent&from=earliest")}};
  ASSERT_TRUE(client.wait_for_messages(20));
  EXPECT_TRUE(eventually([&] { return standing("s", 1) == "0:9,1:9 g1"; }));
  ASSERT_EQ(ask("DELETE", "s", "", 1).status, 204);
  EXPECT_EQ(put("s", "0:1,1:1", ",\"generation\":1").status, 409);
  ASSERT_EQ(put("s", "0:1,1:1").status, 200);
  EXPECT_EQ(standing("s", 1), "0:1,1:1 g2");
  EXPECT_EQ(put("s", "0:2", ",\"generation\":1").status, 409);
  producer.send(topic, 0, numbered(5, 10));
  ASSERT_TRUE(client.wait_for_messages(25));
  EXPECT_TRUE(eventually(
      [&] { return replicas[0]->metric(R"(tailgate_cursor_saves_total{result="refused"})").value_or(0) > 0; }));
  EXPECT_EQ(standing("s", 1), "0:1,1:1 g2");
}

// Over the quota nothing would ever be saved: it is said when the stream starts, and 403 is no soft refusal.
TEST_F(CursorHttp, OverTheQuotaAre403ForPutAndForStreamsThatWouldSave) {
  for (const std::string& url : {std::string{}, redis.url()}) {
    std::vector<std::string> flags{"--cursors-per-principal", "2"};
    if (!url.empty()) flags.insert(flags.end(), {"--redis", url});
    TailgateProcess small{{.kafka = shared_kafka(), .topics = topic, .flags = flags}};
    wait_until_known(small, topic);
    const auto ask_small = [&](const std::string& target, const std::string& method = "GET",
                               const std::string& accept = "*/*") {
      HttpResponse response;
      EXPECT_TRUE(eventually([&] {
        response = fetch({.url = small.url(target),
                          .headers = {"Accept: " + accept},
                          .method = method,
                          .body = method == "PUT" ? R"({"position":{")" + topic + R"(":"0:4,1:2"}})" : ""});
        // EventSource is told of a Redis that is slow in a softer way.
        return response.status != 503 && response.body.find("cursors_down") == std::string::npos;
      }));
      return response;
    };
    for (const std::string name : {"a", "b"}) ASSERT_EQ(ask_small("/cursors/" + name, "PUT").status, 200) << url;
    const HttpResponse put = ask_small("/cursors/c", "PUT");
    EXPECT_EQ(put.status, 403);
    EXPECT_STREQ(json_of(put.body)["code"].GetString(), "too_many_cursors");
    for (const std::string commit : {"auto", "sent"}) {
      const std::string stream = path + "?until=now&from=earliest&commit=" + commit + "&cursor=";
      for (const std::string accept : {"text/event-stream", "application/x-ndjson", "application/json"}) {
        const HttpResponse refused = ask_small(stream + "c", "GET", accept);
        EXPECT_EQ(refused.status, 403) << url << commit << accept;
        EXPECT_STREQ(json_of(refused.body)["code"].GetString(), "too_many_cursors");
        EXPECT_EQ(ask_small(stream + "a", "GET", accept).status, 200) << url << commit << accept;
      }
    }
    EXPECT_EQ(ask_small(path + "?until=now&from=earliest&commit=manual&cursor=c").status, 200) << url;
    // By an id it goes on whatever the store of cursors says.
    EXPECT_EQ(ask_small(path + "?until=now&last_event_id=0:4,1:2&cursor=d").status, 200) << url;
    EXPECT_TRUE(
        eventually([&] { return small.metric(R"(tailgate_cursor_saves_total{result="refused"})").value_or(0) > 0; }));
    for (const std::string name : {"c", "d"}) EXPECT_EQ(ask_small("/cursors/" + name).status, 404) << url;
    // Asking has taken nobody's place.
    ASSERT_EQ(ask_small("/cursors/a", "DELETE").status, 204);
    EXPECT_EQ(ask_small(path + "?until=now&from=earliest&cursor=c").status, 200) << url;
    EXPECT_TRUE(eventually([&] { return ask_small("/cursors/c").status == 200; })) << url;
  }
}

TEST_F(CursorHttp, WithoutRedisAre503AndStreamsByIdGoOn) {
  ASSERT_EQ(put("a", "0:4,1:2").status, 200);
  redis.pause();
  EXPECT_TRUE(eventually([&] { return ready_body(*replicas[0]).find("\"redis\":\"away\"") != std::string::npos; }));
  EXPECT_EQ(fetch({.url = replicas[0]->admin_url("/readyz")}).status, 200);
  for (const std::string method : {"GET", "PUT", "DELETE"}) {
    const HttpResponse response = fetch({.url = replicas[0]->url("/cursors/a"),
                                         .method = method,
                                         .body = method == "PUT" ? R"({"position":{")" + topic + R"(":"0:5"}})" : ""});
    EXPECT_EQ(response.status, 503) << method;
    EXPECT_EQ(response.headers.at("retry-after"), "2");
  }
  EXPECT_EQ(fetch({.url = replicas[0]->url(path + "?cursor=a&soft=0")}).status, 503);
  const SseClient source{{.url = replicas[0]->url(path + "?cursor=a")}};
  EXPECT_EQ(source.head().status, 200);
  EXPECT_EQ(source.wait_for_event("busy").data, R"({"reason":"cursors_down","retry_after":2})");
  const SseClient by_id{{.url = replicas[0]->url(path + "?cursor=a&last_event_id=0:8,1:9")}};
  EXPECT_TRUE(by_id.wait_for_messages(1));
  redis.resume();
  // What could not be saved meanwhile is saved now.
  EXPECT_TRUE(eventually([&] { return standing("a", 1) == "0:8,1:9 g1"; }));
}

// C5: with redis_wait a 2xx says that a replica has it.
TEST_F(CursorHttp, AreSavedOnceAReplicaOfRedisConfirms) {
  TailgateProcess careful{
      {.kafka = shared_kafka(), .topics = topic, .flags = {"--redis", redis.url(), "--redis-wait", "1"}}};
  wait_until_known(careful, topic);
  const auto put_to = [&](const std::string& id) {
    return fetch({.url = careful.url("/cursors/w"),
                  .method = "PUT",
                  .body = R"({"position":{")" + topic + R"(":")" + id + R"("}})"})
        .status;
  };
  EXPECT_EQ(put_to("0:1"), 503);
  const RedisServer second{{"--replicaof", "127.0.0.1 " + std::to_string(redis.port())}};
  EXPECT_TRUE(eventually([&] { return put_to("0:2") == 200; }));
  EXPECT_NE(second.command({"HGET", "tailgate:cursor:{:w}", topic + ":0"}), "\n");
}

// C4: older, never newer.
TEST_F(CursorHttp, ComeBackOlderWhenRedisForgets) {
  ASSERT_EQ(put("a", "0:4,1:2").status, 200);
  redis.kill_hard();
  redis.start();
  EXPECT_TRUE(eventually([&] { return standing("a") == "404"; }));
  EXPECT_EQ(put("a", "0:3,1:1").status, 200);
  EXPECT_EQ(standing("a", 1), "0:3,1:1 g1");
}

TEST_F(CursorHttp, DamagedInRedisAreToldAndMadeAnewByAReset) {
  redis.command({"SET", "tailgate:cursor:{:a}", "garbage"});
  const HttpResponse damaged = ask("GET", "a");
  EXPECT_EQ(damaged.status, 500);
  EXPECT_STREQ(json_of(damaged.body)["code"].GetString(), "cursor_damaged");
  EXPECT_EQ(put("a", "0:1").status, 500);
  EXPECT_EQ(fetch({.url = replicas[0]->url(path + "?cursor=a&soft=0")}).status, 500);
  EXPECT_EQ(put("a", "0:1", "", "?reset=true").status, 200);
  EXPECT_EQ(start("cursor=a&commit=manual&from=earliest", 1), "0:1,1:-");
}

// Nobody can save it, but Redis may hold it, and no offset comes behind it.
TEST_F(CursorHttp, AtTheLastOffsetOfAllInRedisAreStartedFromLikeFromAnId) {
  redis.command({"HSET", "tailgate:cursor:{:a}", "g", "1", "u", "1", topic + ":n", "2", topic + ":0",
                 "9223372036854775807", topic + ":1", "-"});
  const HttpResponse polled = fetch({.url = replicas[0]->url(path + "?cursor=a&commit=manual&as=json&wait=0")});
  ASSERT_EQ(polled.status, 200) << polled.body;
  EXPECT_NE(polled.body.find("\"next\":\"0:9223372036854775806,1:"), std::string::npos) << polled.body;
}

TEST_F(CursorHttp, InMemoryDoTheSameForOneReplica) {
  TailgateProcess alone{{.kafka = shared_kafka(), .topics = topic, .flags = {"--cursors-per-principal", "2"}}};
  wait_until_known(alone, topic);
  EXPECT_NE(ready_body(alone).find("\"redis\":\"memory\""), std::string::npos);
  EXPECT_NE(alone.log().find("no redis is set"), std::string::npos);
  const auto put_to = [&](const std::string& name, const std::string& query = "") {
    return fetch({.url = alone.url("/cursors/" + name + query),
                  .method = "PUT",
                  .body = R"({"position":{")" + topic + R"(":"0:4,1:2"}})"})
        .status;
  };
  EXPECT_EQ(put_to("a"), 200);
  EXPECT_EQ(put_to("b"), 200);
  const auto events = events_of(fetch({.url = alone.url(path + "?until=now&cursor=a&commit=manual")}).body);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].id, "0:4,1:2");
  EXPECT_EQ(fetch({.url = alone.url("/cursors/a"), .method = "DELETE"}).status, 204);
  EXPECT_EQ(put_to("c"), 200);
}

}  // namespace
}  // namespace tailgate::test
