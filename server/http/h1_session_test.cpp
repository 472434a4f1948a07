// One HTTP/1.1 connection over time: pipelining, bodies, time-outs, limits, its end.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/http/memory_connection.h"
#include "server/http/test_server.h"
#include "server/http/test_socket.h"

namespace tailgate::testing {
namespace {

using std::chrono::milliseconds;

std::string get(std::string_view target, std::string_view more = "") {
  return "GET " + std::string{target} + " HTTP/1.1\r\nHost: here\r\n" + std::string{more} + "\r\n";
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t times = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++times;
  return times;
}

TestServerSetup with(const std::function<void(HttpOptions&)>& change) {
  TestServerSetup setup;
  change(setup.http);
  return setup;
}

TEST(H1Session, AnswersAThousandPipelinedRequestsInOrder) {
  TestServer server;
  TestSocket client{server.port()};
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += get("/fields?" + std::to_string(i));
  requests += get("/hello", "Connection: close\r\n");
  client.send(requests);

  const auto answers = client.receive_all();

  ASSERT_TRUE(answers);
  EXPECT_EQ(count(*answers, "HTTP/1.1 200 OK"), 1001U);
  std::size_t at = 0;
  for (int i = 0; i < 1000; ++i) {
    at = answers->find("/fields " + std::to_string(i) + "\n", at);
    ASSERT_NE(at, std::string::npos) << "answer " << i << " is missing or out of order";
  }
  EXPECT_TRUE(answers->ends_with("hello"));
}

TEST(H1Session, PipelinedRequestsOfOneConnectionDoNotDelayAnother) {
  TestServer server;
  TestSocket greedy{server.port()};
  std::string requests;
  for (int i = 0; i < 200; ++i) requests += get("/body?100000");
  greedy.send(requests);
  ASSERT_TRUE(greedy.receive());

  TestSocket other{server.port()};
  other.send(get("/hello", "Connection: close\r\n"));

  EXPECT_TRUE(other.receive_all(milliseconds{1000}));
}

TEST(H1Session, ARequestBehindAStreamWaitsForItsEnd) {
  TestServer server;
  TestSocket client{server.port()};
  client.send(get("/events") + get("/hello"));
  client.receive_until("\r\n\r\n");
  server.publish("event");
  client.receive_until("event\r\n");
  EXPECT_EQ(server.handler.handled, 1);

  server.end_events();

  EXPECT_TRUE(client.receive_until("hello").ends_with("hello"));
}

TEST(H1Session, MoreThanAFewRequestsBehindAStreamCloseTheConnection) {
  TestServer server;
  TestSocket client{server.port()};
  client.send(get("/events"));
  client.receive_until("\r\n\r\n");
  client.send(std::string(4096, 'x'));
  server.publish("still here");
  client.receive_until("still here");

  client.send("x");

  EXPECT_TRUE(client.receive_all());
  EXPECT_TRUE(eventually([&] { return server.handler.open_events == 0; }));
  EXPECT_EQ(server.events(HttpEvent::too_much_behind_stream), 1);
}

TEST(H1Session, SaysContinueBeforeTheBodyAndOnlyWhenItWillBeTaken) {
  TestServer server;
  TestSocket client{server.port()};
  client.send("POST /echo HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(client.receive_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello");
  EXPECT_TRUE(client.receive_until("hello").starts_with("HTTP/1.1 200 OK"));

  client.send("POST /echo HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n");
  EXPECT_TRUE(client.receive_until("\r\n\r\n").starts_with("HTTP/1.1 413"));
}

TEST(H1Session, TakesABodyUpToTheLimit) {
  TestServer server;
  TestSocket client{server.port()};
  const std::string body = pattern(1024 * 1024);
  client.send("POST /echo HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: 1048576\r\n\r\n" + body);

  const auto answer = client.receive_all();

  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->ends_with("\r\n\r\n" + body));
}

TEST(H1Session, ClosesOnWhoSendsNothing) {
  TestServer server{with([](HttpOptions& http) { http.first_byte_ms = 300; })};
  TestSocket client{server.port()};

  const auto answer = client.receive_all();

  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, "");
  EXPECT_EQ(server.events(HttpEvent::timeout_first_byte), 1);
}

TEST(H1Session, ClosesOnWhoIsIdleBetweenRequests) {
  TestServer server{with([](HttpOptions& http) { http.idle_h1_ms = 300; })};
  TestSocket client{server.port()};
  client.send(get("/hello"));

  const auto answer = client.receive_all();

  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->ends_with("hello"));
  EXPECT_EQ(server.events(HttpEvent::timeout_idle), 1);
}

TEST(H1Session, AnswersAHeadThatDoesNotEndWith408) {
  TestServer server{with([](HttpOptions& http) { http.header_block_ms = 300; })};
  TestSocket client{server.port()};
  client.send("GET /hello HTTP/1.1\r\nHost: here\r\n");
  // Whoever dribbles on does not get more time.
  std::optional<std::string> answer;
  for (int i = 0; i < 200 && !answer; ++i) {
    client.send("X: y\r\n");
    answer = client.receive(milliseconds{20});
  }

  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->starts_with("HTTP/1.1 408 Request Timeout")) << *answer;
  EXPECT_EQ(server.events(HttpEvent::timeout_head), 1);
}

TEST(H1Session, AnswersABodyThatStopsWith408) {
  TestServer server{with([](HttpOptions& http) { http.body_grace_ms = 300; })};
  TestSocket client{server.port()};
  client.send("POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\nhello");

  const auto answer = client.receive_all();

  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->starts_with("HTTP/1.1 408 Request Timeout")) << *answer;
  EXPECT_EQ(server.events(HttpEvent::timeout_body), 1);
  EXPECT_EQ(server.handler.handled, 0);
}

TEST(H1Session, AnswersABodyThatDribblesWith408) {
  TestServer server{with([](HttpOptions& http) { http.body_grace_ms = 500; })};
  TestSocket client{server.port()};
  client.send("POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: 100000\r\n\r\n");
  std::optional<std::string> answer;
  for (int i = 0; i < 300 && !answer; ++i) {
    client.send("x");
    answer = client.receive(milliseconds{10});
  }

  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->starts_with("HTTP/1.1 408 Request Timeout")) << *answer;
}

TEST(H1Session, TakesASlowBodyThatIsFastEnough) {
  MemoryConnection client;
  client.send("POST /echo HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: 44000\r\n\r\n");
  // Long past the grace, and always a little above 1 KB/s.
  for (int second = 0; second < 40; ++second) {
    EXPECT_EQ(client.peer.written, "") << "answered too early";
    client.send(std::string(1100, 'x'));
    client.advance(1000);
  }

  EXPECT_TRUE(client.peer.written.starts_with("HTTP/1.1 200 OK")) << client.peer.written.substr(0, 100);
  EXPECT_TRUE(client.peer.written.ends_with(std::string(44000, 'x')));
}

TEST(H1Session, WhoTakesNothingIsResetAndHoldsLittleMeanwhile) {
  TestServer server{with([](HttpOptions& http) { http.write_stall_ms = 1000; })};
  TestSocket client{server.port(), /*receive_buffer=*/4096};
  client.send(get("/endless"));

  EXPECT_TRUE(eventually([&] { return server.events(HttpEvent::stalled_connection) == 1; }));
  EXPECT_TRUE(eventually([&] { return server.open_connections() == 0; }));
  ASSERT_EQ(server.observer.lines().size(), 1U);
  EXPECT_EQ(server.observer.lines().front().why, WhyEnded::stalled);
  // What was made for it: the peer's and our kernel buffers (bounded by notsent_lowat) and one frame of ours.
  EXPECT_LT(server.handler.emitted, 1024U * 1024U);
  while (const auto more = client.receive()) {
    if (more->empty()) break;
  }
  EXPECT_TRUE(client.was_reset());
}

TEST(H1Session, KeepsAFrameAtMostOfWhatThePeerDoesNotTake) {
  constexpr std::size_t kKernelTakes = 32 * 1024;
  for (const bool is_drained : {true, false}) {
    MemoryConnection client;
    client.peer.is_drained = is_drained;
    client.peer.window = is_drained ? kKernelTakes : 0;
    client.send(get("/endless"));
    EXPECT_EQ(client.peer.written.size(), is_drained ? kKernelTakes : 0);
    EXPECT_LE(client.handler.emitted, client.peer.written.size() + kStreamFrameBytes);
    EXPECT_GT(client.handler.emitted, client.peer.written.size());
  }
}

TEST(H1Session, WritesMoreThanAFrameAtATimeWhereTheKernelTakesIt) {
  MemoryConnection client;
  client.peer.is_drained = true;
  client.send(get("/bytes?1000000"));
  const auto drained_writes = client.peer.writes;
  MemoryConnection slow;
  slow.peer.is_drained = false;
  slow.send(get("/bytes?1000000"));
  EXPECT_LT(drained_writes * 2, slow.peer.writes);
}

TEST(H1Session, WhoDribblesBelowTheRateIsResetToo) {
  MemoryConnection client;
  client.peer.window = 64 * 1024;
  client.send(get("/endless"));
  // A byte now and then is no progress.
  std::int64_t passed_ms = 0;
  for (; client.is_open() && passed_ms < 100'000; passed_ms += 100) {
    client.peer.window += 1;
    client.advance(100);
  }

  EXPECT_TRUE(client.peer.was_reset);
  EXPECT_EQ(client.thread.counters.events.get(HttpEvent::stalled_connection), 1);
  EXPECT_GE(passed_ms, client.options.write_stall_ms);
  EXPECT_LE(passed_ms, client.options.write_stall_ms + 1000);
}

TEST(H1Session, WhoReadsSlowlyButReadsIsNotReset) {
  MemoryConnection client;
  client.peer.window = 0;
  client.send(get("/bytes?300000", "Connection: close\r\n"));
  // 2 KB/s, for minutes.
  for (int second = 0; second < 200 && !client.peer.written.ends_with("0\r\n\r\n"); ++second) {
    ASSERT_TRUE(client.is_open()) << second;
    client.peer.window += 2048;
    client.advance(1000);
  }

  EXPECT_TRUE(client.peer.written.ends_with("0\r\n\r\n"));
  EXPECT_GT(client.peer.written.size(), 300000U);
  EXPECT_EQ(client.thread.counters.events.get(HttpEvent::stalled_connection), 0);
}

TEST(H1Session, AStreamWithoutEventsIsNotStalled) {
  TestServer server{with([](HttpOptions& http) {
    http.write_stall_ms = 300;
    http.idle_h1_ms = 300;
    http.header_block_ms = 300;
    http.first_byte_ms = 300;
  })};
  TestSocket client{server.port()};
  client.send(get("/events"));
  client.receive_until("\r\n\r\n");

  EXPECT_FALSE(client.receive(milliseconds{1200})) << "closed or sent something";
  server.publish("awake");
  EXPECT_EQ(client.receive_until("awake\r\n"), "5\r\nawake\r\n");
}

TEST(H1Session, TellsThoseAboveTheConnectionLimitWhy) {
  TestServerSetup setup;
  setup.connections_max = 1;
  TestServer server{setup};
  TestSocket first{server.port()};
  first.send(get("/hello"));
  ASSERT_TRUE(first.receive_until("hello").ends_with("hello"));

  TestSocket second{server.port()};
  second.send(get("/hello"));
  const auto answer = second.receive_all();

  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->starts_with("HTTP/1.1 503 Service Unavailable")) << *answer;
  EXPECT_TRUE(answer->ends_with("too_many_connections"));
  EXPECT_EQ(server.events(HttpEvent::refused_full), 1);
  first.close();
  EXPECT_TRUE(eventually([&] {
    TestSocket third{server.port()};
    third.send(get("/hello", "Connection: close\r\n"));
    const auto served = third.receive_all();
    return served && served->ends_with("hello");
  }));
}

TEST(H1Session, TellsAnAddressWithTooManyConnectionsWhy) {
  TestServerSetup setup;
  setup.per_address_max = 1;
  TestServer server{setup};
  TestSocket first{server.port()};
  first.send(get("/hello"));
  ASSERT_TRUE(first.receive_until("hello").ends_with("hello"));

  TestSocket second{server.port()};
  second.send(get("/hello"));

  EXPECT_TRUE(second.receive_until("\r\n\r\n").starts_with("HTTP/1.1 429 Too Many Requests"));
}

TEST(H1Session, DrainsByEndingWhatIsIdleAndWaitingForWhatIsNot) {
  TestServer server;
  TestSocket idle{server.port()};
  idle.send(get("/hello"));
  ASSERT_TRUE(idle.receive_until("hello").ends_with("hello"));
  TestSocket busy{server.port()};
  busy.send(get("/events"));
  busy.receive_until("\r\n\r\n");

  server.server().drain();

  EXPECT_EQ(idle.receive_all(), "");
  EXPECT_FALSE(server.server().wait_closed(milliseconds{0}));
  server.publish("goodbye");
  server.end_events();
  const auto rest = busy.receive_all();
  ASSERT_TRUE(rest);
  EXPECT_EQ(*rest, "7\r\ngoodbye\r\n0\r\n\r\n");
  EXPECT_TRUE(server.server().wait_closed(std::chrono::seconds{5}));
}

TEST(H1Session, StopsWithStreamsOpenAndReleasesThem) {
  auto server = std::make_unique<TestServer>();
  TestSocket client{server->port()};
  client.send(get("/events"));
  client.receive_until("\r\n\r\n");
  ASSERT_EQ(server->handler.open_events, 1);

  server->stop();
  server.reset();

  EXPECT_TRUE(client.receive_all());
}

TEST(H1Session, WritesOneAccessLineForEachExchange) {
  TestServer server;
  TestSocket client{server.port()};
  client.send(
      get("/hello?access_token=secret", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"));
  ASSERT_TRUE(client.receive_until("hello").ends_with("hello"));
  client.send("GET /bad path HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(client.receive_all());

  const auto lines = server.observer.lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(server.observer.started, 1);
  EXPECT_EQ(lines[0].method, "GET");
  EXPECT_EQ(lines[0].path, "/hello");
  EXPECT_EQ(lines[0].trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(lines[0].body_bytes, 5U);
  EXPECT_EQ(lines[0].why, WhyEnded::complete);
  EXPECT_EQ(lines[1].status, 400);
}

TEST(H1Session, AnswersWithoutABodyHaveNone) {
  TestServer server;
  TestSocket client{server.port()};
  client.send(get("/nothing", "Connection: close\r\n"));

  const auto answer = client.receive_all();

  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->starts_with("HTTP/1.1 204 No Content\r\n"));
  EXPECT_EQ(answer->find("Content-Length"), std::string::npos);
  EXPECT_EQ(answer->find("Transfer-Encoding"), std::string::npos);
}

TEST(H1Session, CutAtAnyByteOfTheRequestReleasesEverything) {
  TestServer server;
  const std::string request =
      "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  for (std::size_t i = 0; i < request.size(); ++i) {
    TestSocket client{server.port()};
    client.send(std::string_view{request}.substr(0, i));
    if (i % 2 == 0) client.reset();
  }

  EXPECT_TRUE(eventually([&] { return server.acceptor().counters().accepted == request.size(); }));
  EXPECT_TRUE(eventually([&] { return server.open_connections() == 0 && server.limit().count() == 0; }));
  EXPECT_EQ(server.handler.handled, 0);
}

}  // namespace
}  // namespace tailgate::testing
